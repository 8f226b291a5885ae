import { MdxError } from '../core/errors.ts';
import type { EventRange, EventRow, FrameRow } from '../core/journal/dump.ts';
import { toJson } from './ndjson.ts';
import { grouped } from './numbers.ts';
import type { Output } from './output.ts';
import type { Style } from './style.ts';

/** Rows between two looks at whether the reader keeps up. */
const ROWS_AT_ONCE = 512;

/** The event numbers of `--range A..B`; one number alone is that event. */
export function rangeOf(text: string): EventRange {
  const match = /^(\d{1,16})(?:\.\.(\d{1,16}))?$/.exec(text);
  const from = Number(match?.[1] ?? Number.NaN);
  const to = Number(match?.[2] ?? match?.[1] ?? Number.NaN);
  if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && from <= to) return { from, to };
  throw new MdxError('usage', `--range ${text}: expected numbers of events such as 1200..1300`);
}

/** Writes rows as lines, and waits for whoever reads them. */
export async function writeDump<T extends FrameRow | EventRow>(
  rows: Iterable<T>,
  output: Output,
  line: (row: T) => string,
  stop: () => boolean,
): Promise<void> {
  let count = 0;
  for (const row of rows) {
    output.write(`${line(row)}\n`);
    count += 1;
    if (count % ROWS_AT_ONCE !== 0) continue;
    await output.drain();
    if (output.closed || stop()) return;
  }
  await output.drain();
}

export function jsonLine(row: FrameRow | EventRow): string {
  return toJson(row, 0);
}

/** `segment  byte  type  …`, one frame a line. */
export function frameLine(row: FrameRow, style: Style): string {
  const place = `${row.segment}  ${grouped(row.offset).padStart(13)}  `;
  if (row.problem !== null) return `${place}${style.bad(`bad: ${row.problem}`)}`;
  const durable = row.durable === '0' ? '' : style.dim(`  durable ${grouped(row.durable!)}`);
  return `${place}${style.bold(row.type.padEnd(10))}  frame ${grouped(row.frame!)}  event ${grouped(row.event!)}  ${grouped(row.records!)} records  ${grouped(row.bytes!)} bytes${durable}`;
}

/** `number  kind  …`, one event a line. */
export function eventLine(row: EventRow, style: Style): string {
  const parts = [
    grouped(row.event).padStart(13),
    style.bold(row.kind.padEnd(10)),
    row.symbol ?? row.instrument ?? '–',
    row.id === '0' ? '' : `#${row.id}`,
    row.relatedId === null || row.relatedId === '0' ? '' : style.dim(`for #${row.relatedId}`),
    row.price === null ? '' : `at ${row.price}`,
    `× ${row.quantity}`,
    style.dim(row.flags.join(' ')),
    style.dim(`channel ${row.channel}${row.sequence === null ? '' : ` message ${row.sequence}`}`),
  ];
  return parts.filter((part) => part !== '').join('  ');
}
