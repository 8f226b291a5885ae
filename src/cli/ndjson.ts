import type { Output } from './output.ts';

/**
 * One JSON object as text; 64-bit integers (bigint) become decimal strings. `indent` 0 = one line.
 * Keys stay in the order they were set in.
 */
export function toJson(value: unknown, indent: number): string {
  return JSON.stringify(
    value,
    (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item),
    indent,
  );
}

/**
 * Writes one row: an object on a line of its own. For rows of which there are few or whose fields vary; where
 * millions of rows have the same fields, make the line by hand and give it to `output.write`.
 */
export function writeNdjson(output: Output, row: object): void {
  output.write(`${toJson(row, 0)}\n`);
}

/** A string as JSON has it, with its quotes. */
export function jsonText(text: string): string {
  return JSON.stringify(text);
}
