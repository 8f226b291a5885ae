import fc from 'fast-check';
import { expect, it } from 'vitest';
import { csvLine } from '../../../src/core/convert/csv.ts';

it.each([
  [['a', 'b'], 'a,b\n'],
  [['a,b', 'c'], '"a,b",c\n'],
  [['say "x"'], '"say ""x"""\n'],
  [['two\nlines'], '"two\nlines"\n'],
  [[' kept '], '" kept "\n'],
  [[null, 5, 7n, true], ',5,7,true\n'],
  [[null], '""\n'],
  [[''], '""\n'],
])('writes %#', (values, line) => {
  expect(csvLine(values)).toBe(line);
});

/** The obvious reader of RFC 4180: letter by letter. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if (quoted && char === '"' && text[at + 1] === '"') {
      field += '"';
      at += 1;
    } else if (char === '"') quoted = !quoted;
    else if (quoted) field += char;
    else if (char === ',') {
      row.push(field);
      field = '';
    } else if (char === '\n') {
      rows.push([...row, field]);
      row = [];
      field = '';
    } else field += char;
  }
  return rows;
}

it('what was written is read back', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é') });
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 1 })), (table) => {
      expect(readCsv(table.map(csvLine).join(''))).toEqual(table);
    }),
  );
});
