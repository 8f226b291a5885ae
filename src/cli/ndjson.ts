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
