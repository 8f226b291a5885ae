import { readFile } from 'node:fs/promises';
import { MdxError } from '../errors.ts';
import { parseScaled } from '../event/format-text.ts';
import type { InstrumentName, Naming } from '../event/naming.ts';

type Field = 'instrument' | 'symbol' | 'tick' | 'priceScale' | 'quantityScale';

/** What the columns may be called, in any case; blanks and dashes are as good as underscores. */
const ALIASES: Readonly<Record<Field, readonly string[]>> = {
  instrument: ['instr', 'instrument', 'instrument_id', 'security_id', 'secid', 'id'],
  symbol: ['symbol', 'name', 'raw_symbol', 'ticker'],
  tick: ['tick', 'tick_size', 'price_tick', 'minimum_price_increment', 'min_price_increment'],
  priceScale: ['price_scale', 'pricescale', 'price_decimals'],
  quantityScale: ['quantity_scale', 'quantityscale', 'qty_scale', 'quantity_decimals'],
};
/** Columns of a file without a head line. */
const HEADLESS: readonly (Field | null)[] = ['instrument', 'tick'];

const INSTRUMENT_MAX: bigint = (1n << 64n) - 1n;
/** Digits that a signed 64-bit integer always holds. */
const SCALE_MAX = 18;

/** A line of the file that says something. */
interface Line {
  readonly number: number;
  readonly fields: readonly string[];
}

/**
 * Reads a CSV file of instruments: number, symbol, tick, price and quantity scale. Empty lines and lines that begin
 * with # say nothing. The first line is a head line if it has a letter; columns with other names are ignored. Without a
 * head line the first column is the instrument, the second its tick. Throws MdxError `instruments-file` that names
 * line and column.
 */
export function parseInstruments(path: string, text: string): Naming {
  const lines = linesOf(text);
  const byInstrument = new Map<bigint, InstrumentName>();
  const [first] = lines;
  if (first === undefined) throw failure(path, null, 'expected at least one line, found none');
  const hasHead = first.fields.some((field) => /\p{L}/u.test(field));
  const columns = hasHead ? columnsOf(path, first) : HEADLESS;
  const lineOf = new Map<bigint, number>();
  for (const line of hasHead ? lines.slice(1) : lines) {
    const { instrument, name } = readLine(path, line, columns);
    const before = lineOf.get(instrument);
    if (before !== undefined) {
      throw failure(path, line, `instrument ${instrument} stands on line ${before} already`);
    }
    lineOf.set(instrument, line.number);
    byInstrument.set(instrument, name);
  }
  return { byInstrument };
}

function linesOf(text: string): Line[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter(({ text: line }) => line !== '' && !line.startsWith('#'))
    .map(({ number, text: line }) => ({ number, fields: fieldsOf(line) }));
}

/** Fields between commas, trimmed; one in double quotes may hold commas, and quotes as two of them. */
function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  for (const [, quoted, plain, end] of line.matchAll(/\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(,|$)/gy)) {
    fields.push(quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"').trim());
    if (end === '') break;
  }
  return fields;
}

function columnsOf(path: string, line: Line): (Field | null)[] {
  const columns = line.fields.map((field) => {
    const name = field.toLowerCase().replace(/[\s-]+/g, '_');
    return (Object.keys(ALIASES) as Field[]).find((candidate) => ALIASES[candidate].includes(name)) ?? null;
  });
  for (const [at, column] of columns.entries()) {
    if (column !== null && columns.indexOf(column) !== at) {
      throw failure(
        path,
        line,
        `two columns are the ${column}: ${columns.indexOf(column) + 1} and ${at + 1}`,
      );
    }
  }
  if (!columns.includes('instrument')) {
    throw failure(
      path,
      line,
      `expected a column ${ALIASES.instrument.join(' or ')}, found ${line.fields.join(', ')}`,
    );
  }
  if (columns.every((column) => column === null || column === 'instrument')) {
    throw failure(
      path,
      line,
      'expected a column symbol, tick, price_scale or quantity_scale beside the instrument',
    );
  }
  return columns;
}

function readLine(
  path: string,
  line: Line,
  columns: readonly (Field | null)[],
): { readonly instrument: bigint; readonly name: InstrumentName } {
  if (line.fields.length < 2) throw failure(path, line, 'expected at least two columns, found one');
  const textOf = (field: Field): string => line.fields[columns.indexOf(field)] ?? '';
  const wrong = (field: Field, expected: string): MdxError => {
    const found = textOf(field) === '' ? 'nothing' : JSON.stringify(textOf(field));
    return failure(
      path,
      line,
      `column ${columns.indexOf(field) + 1} (${field}): expected ${expected}, found ${found}`,
    );
  };
  const scale = (field: 'priceScale' | 'quantityScale'): number | null => {
    const text = textOf(field);
    if (text === '') return null;
    if (/^\d{1,2}$/.test(text) && Number(text) <= SCALE_MAX) return Number(text);
    throw wrong(field, `a number of decimals from 0 to ${SCALE_MAX}`);
  };
  const instrument = /^\d{1,20}$/.test(textOf('instrument')) ? BigInt(textOf('instrument')) : -1n;
  if (instrument < 0n || instrument > INSTRUMENT_MAX) {
    throw wrong('instrument', 'the number of an instrument');
  }
  const priceScale = scale('priceScale');
  const name = {
    symbol: textOf('symbol') || null,
    tick: tickOf(textOf('tick'), priceScale, (expected) => wrong('tick', expected)),
    priceScale,
    quantityScale: scale('quantityScale'),
  };
  return { instrument, name };
}

/** A tick in price units: an integer is one, a decimal needs the price scale of its line. */
function tickOf(
  text: string,
  priceScale: number | null,
  wrong: (expected: string) => MdxError,
): bigint | null {
  if (text === '') return null;
  if (text.includes('.') && priceScale === null) {
    throw wrong('a whole number of price units, or a price_scale beside the decimal');
  }
  let tick = 0n;
  try {
    tick = parseScaled(text, text.includes('.') ? priceScale! : 0);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  if (tick <= 0n)
    throw wrong(`a tick above 0${priceScale === null ? '' : ` of at most ${priceScale} decimals`}`);
  return tick;
}

function failure(path: string, line: Line | null, problem: string): MdxError {
  const where = line === null ? '' : `line ${line.number}: `;
  return new MdxError('instruments-file', `reading instruments ${path}: ${where}${problem}`, {
    hint: 'A line is instrument, symbol, tick, price_scale, quantity_scale in any order under a head line with these names.',
  });
}

/** Reads a file of them. Throws MdxError `instruments-file`, also where it cannot be read. */
export async function readInstruments(path: string): Promise<Naming> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : message;
    throw new MdxError('instruments-file', `reading instruments ${path}: ${why}`, { cause: error });
  }
  return parseInstruments(path, text);
}
