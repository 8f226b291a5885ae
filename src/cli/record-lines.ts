import type { CsvValue } from '../core/convert/csv.ts';
import { MdxError } from '../core/errors.ts';
import type { DescribedMessage, MessageFields } from '../core/feeds/message-sink.ts';

/** A message as one line of JSON; integers of 64 bits are text. */
export function recordJson({ fields }: DescribedMessage): string {
  return `${JSON.stringify(fields, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`;
}

/**
 * Makes lines of CSV of messages with the same fields, a head line in front of the first. The function throws MdxError
 * `usage` for a message of another schema.
 */
export function recordCsv(): (row: DescribedMessage) => string {
  let first: DescribedMessage | null = null;
  return (row) => {
    const isFirst = first === null;
    first ??= row;
    if (row.schema !== first.schema) {
      throw new MdxError(
        'usage',
        `writing CSV: a ${row.schema} message has other columns than the ${first.schema} ones before it`,
        { hint: 'Use --format ndjson, which takes messages of every schema.' },
      );
    }
    const cells = flatten(row.fields, '');
    const line = lineOf(cells.map(([, value]) => value));
    return isFirst ? lineOf(cells.map(([name]) => name)) + line : line;
  };
}

/** Fields as the reference tool of DBN writes them: blanks at the ends of a text need no quotes. */
function lineOf(cells: readonly CsvValue[]): string {
  return `${cells.map((cell) => (typeof cell === 'string' ? quoted(cell) : String(cell ?? ''))).join(',')}\n`;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Nested fields among the others; those in lists with the place in the list behind their name: `bid_px_00`. */
function flatten(fields: MessageFields, suffix: string): [name: string, value: CsvValue][] {
  return Object.entries(fields).flatMap(([name, value]): [string, CsvValue][] => {
    if (isList(value)) {
      return value.flatMap((each, at) => flatten(each, `_${String(at).padStart(2, '0')}`));
    }
    if (typeof value === 'object' && value !== null) return flatten(value, suffix);
    return [[name + suffix, value]];
  });
}

function isList(value: MessageFields[string]): value is readonly MessageFields[] {
  return Array.isArray(value);
}
