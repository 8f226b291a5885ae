import { parseEndpoint } from '../core/config/endpoint.ts';
import { MdxError } from '../core/errors.ts';
import type { Waiting } from '../core/net/stream-socket.ts';
import type { Pacer } from '../core/pipeline/pacer.ts';
import type { Damage } from '../core/pipeline/run-state.ts';
import { grouped } from './numbers.ts';
import type { Style } from './style.ts';
import { pairs } from './table.ts';

const SCHEME = 'ingest://';

/** What `mdx replay --to ingest://… --json` prints. */
export interface IngestReport {
  readonly command: 'replay';
  readonly version: string;
  readonly to: string;
  readonly source: string;
  readonly records: number;
  readonly bytes: string;
  readonly connections: number;
  readonly damage: readonly { readonly path: string; readonly offset: string; readonly problem: string }[];
  readonly stopped: 'limit' | 'request' | null;
}

/** What is asked of the sending. */
export interface IngestSending {
  readonly version: string;
  readonly recordsMax: number;
  readonly pacer: Pacer | null;
  readonly waiting: Waiting;
  readonly stop: () => boolean;
  /** Is told how many records were sent. */
  readonly breathe: (records: number) => Promise<void>;
}

/** Where records go to that are sent to a server of events; null: elsewhere. Throws MdxError `usage`. */
export function ingestTarget(to: readonly string[] | undefined): string | null {
  const target = to?.find((each) => each.startsWith(SCHEME));
  if (target === undefined) return null;
  if (to!.length === 1) return target;
  throw new MdxError('usage', `--to ${target}: a sender of events has one server`);
}

/** Sends the records of DBN files, one file behind the other, as one source. */
export async function sendToIngest(
  paths: readonly string[],
  to: string,
  { version, recordsMax, pacer, waiting, stop, breathe }: IngestSending,
): Promise<IngestReport> {
  const { IngestSender } = await import('../core/net/ingest/sender.ts');
  const { isSourceName } = await import('../core/net/ingest/layout.ts');
  const { openByteSource } = await import('../core/pipeline/byte-source.ts');
  const { sendFile } = await import('../core/pipeline/ingest/send-file.ts');
  const endpoint = parseEndpoint(to)!;
  const source = endpoint.options.get('source') ?? '';
  if (!isSourceName(source)) {
    throw new MdxError('usage', `--to ${to}: it does not say what the source is called`, {
      hint: `Add ?source=NAME, 1 to 64 visible ASCII characters.`,
    });
  }
  const sender = new IngestSender(endpoint, source, `mdx ${version}`, waiting);
  const damage: Damage[] = [];
  try {
    for (const path of paths) {
      if (stop() || sender.records >= recordsMax) break;
      const bytes = await openByteSource(path, waiting.signal, waiting.tell);
      const left = recordsMax - sender.records;
      const sent = await sendFile(bytes, sender, {
        pacer,
        recordsMax: left,
        stop,
        breathe: () => breathe(sender.records),
      }).finally(() => bytes.close());
      if (sent.damage !== null) damage.push(sent.damage);
    }
    await sender.finish();
  } finally {
    sender.close();
  }
  const { records, bytes, connections } = sender;
  return {
    command: 'replay',
    version,
    to,
    source,
    records,
    bytes: String(bytes),
    connections,
    damage: damage.map(({ path, offset, problem }) => ({ path, offset: String(offset), problem })),
    stopped: stop() ? 'request' : records >= recordsMax ? 'limit' : null,
  };
}

/** The report for people. */
export function ingestTables(report: IngestReport, style: Style): string {
  const { to, source, records, bytes, connections, damage, stopped } = report;
  const facts: [string, string][] = [
    ['to', to],
    ['source', source],
    ['sent', `${grouped(records)} records · ${grouped(Number(bytes))} bytes`],
  ];
  if (connections > 1) facts.push(['connections', style.warn(grouped(connections))]);
  for (const { path, offset, problem } of damage) {
    facts.push(['damaged', style.bad(`${path} at byte ${offset}: ${problem}`)]);
  }
  if (stopped !== null)
    facts.push(['stopped', style.warn(stopped === 'limit' ? 'by --limit' : 'by request')]);
  return pairs(facts, style);
}
