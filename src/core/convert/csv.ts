export type CsvValue = string | number | bigint | boolean | null;

/**
 * One line of CSV (RFC 4180, lines end with \n): null is an empty field, text is quoted where it has a comma,
 * a quote, a line break, or blanks at its ends.
 */
export function csvLine(values: readonly CsvValue[]): string {
  let line = '';
  for (let at = 0; at < values.length; at += 1) {
    if (at > 0) line += ',';
    const value = values[at]!;
    line += typeof value === 'string' ? csvText(value) : value === null ? '' : String(value);
  }
  // A line with one empty field would read as no line at all.
  return line === '' && values.length === 1 ? '""\n' : `${line}\n`;
}

/** Text as one field. */
export function csvText(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
