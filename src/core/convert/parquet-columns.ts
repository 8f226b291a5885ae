import { ByteWriter } from 'hyparquet-writer';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { bigHigh, bigLow } from '../binary/time.ts';
import { MdxError } from '../errors.ts';
import { formatScaledBig, parseScaled } from '../event/format-text.ts';
import type { Column, ColumnValues, PhysicalType, SchemaElement } from './parquet-file.ts';
import { GROUP_ROWS } from './parquet-file.ts';

const TWO_32 = 4294967296;
/** Most digits of a decimal in 64 bits. */
const DIGITS_MAX = 18;
const UNSCALED_MAX: bigint = 10n ** BigInt(DIGITS_MAX) - 1n;
/** High halves between −this and this belong to integers of at most 18 digits. */
const SAFE_HIGH = 232_830_643;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** What columns share: which rows have a value. */
abstract class BaseColumn implements Column {
  readonly name: string;
  abstract readonly type: PhysicalType;
  protected readonly present: Uint8Array = new Uint8Array(GROUP_ROWS);
  protected count = 0;

  constructor(name: string) {
    this.name = name;
  }

  get schema(): SchemaElement {
    return { name: this.name, type: this.type, repetition_type: 'OPTIONAL' };
  }

  encode(rows: number): ColumnValues {
    const nulls = rows - this.count;
    const { present } = this;
    if (this.count === 0) return { present, nulls, bytes: NO_BYTES, dictionary: null, bounds: null };
    return { present, nulls, dictionary: null, bounds: null, ...this.encodeValues(rows) };
  }

  clear(): void {
    if (this.count > 0) this.present.fill(0);
    this.count = 0;
  }

  protected abstract encodeValues(rows: number): Pick<ColumnValues, 'bytes'> & Partial<ColumnValues>;

  protected mark(row: number): void {
    this.present[row] = 1;
    this.count += 1;
  }
}

/** Integers of 32 bits. */
export class Int32Column extends BaseColumn {
  readonly type = 'INT32';
  readonly #values: Int32Array<ArrayBuffer> = new Int32Array(GROUP_ROWS);

  set(row: number, value: number): void {
    this.#values[row] = value;
    this.mark(row);
  }

  protected encodeValues(rows: number): Pick<ColumnValues, 'bytes'> {
    const values = this.#values;
    let used = 0;
    for (let row = 0; row < rows; row += 1) {
      values[used] = values[row]!;
      used += this.present[row]!;
    }
    return { bytes: new Uint8Array(values.buffer, 0, used * 4) };
  }
}

/** True or false. */
export class FlagColumn extends BaseColumn {
  readonly type = 'BOOLEAN';
  readonly #values: Uint8Array = new Uint8Array(GROUP_ROWS);

  set(row: number, value: boolean): void {
    this.#values[row] = value ? 1 : 0;
    this.mark(row);
  }

  protected encodeValues(rows: number): Pick<ColumnValues, 'bytes'> {
    const bytes = new Uint8Array(Math.ceil(this.count / 8));
    let used = 0;
    for (let row = 0; row < rows; row += 1) {
      if (this.present[row] === 0) continue;
      if (this.#values[row] === 1) bytes[used >> 3]! |= 1 << (used & 7);
      used += 1;
    }
    return { bytes };
  }
}

/** Texts of which there are few: each is written once per group. */
export class TextColumn extends BaseColumn {
  readonly type = 'BYTE_ARRAY';
  readonly #indices: Int32Array = new Int32Array(GROUP_ROWS);
  readonly #places: Map<string, number> = new Map();
  #last = '';
  #lastPlace = -1;

  override get schema(): SchemaElement {
    return { ...super.schema, converted_type: 'UTF8' };
  }

  set(row: number, value: string): void {
    if (value !== this.#last || this.#lastPlace < 0) {
      this.#last = value;
      this.#lastPlace = this.#places.get(value) ?? this.#add(value);
    }
    this.#indices[row] = this.#lastPlace;
    this.mark(row);
  }

  override clear(): void {
    super.clear();
    this.#places.clear();
    this.#lastPlace = -1;
  }

  protected encodeValues(rows: number): Pick<ColumnValues, 'bytes' | 'dictionary'> {
    const indices = this.#indices;
    let used = 0;
    for (let row = 0; row < rows; row += 1) {
      indices[used] = indices[row]!;
      used += this.present[row]!;
    }
    const bits = Math.ceil(Math.log2(this.#places.size));
    const page = new ByteWriter(1 << 16);
    page.appendUint8(bits);
    writeRleBitPackedHybrid(page, indices.subarray(0, used), bits);
    const texts = new ByteWriter();
    for (const text of this.#places.keys()) {
      const bytes = Buffer.from(text, 'utf8');
      texts.appendUint32(bytes.length);
      texts.appendBytes(bytes);
    }
    return { bytes: page.getBytes(), dictionary: { bytes: texts.getBytes(), values: this.#places.size } };
  }

  #add(value: string): number {
    const place = this.#places.size;
    this.#places.set(value, place);
    return place;
  }
}

/** Integers of 64 bits, set as halves: unsigned ids, or signed ones; or times, ns since 1970. */
export class Int64Column extends BaseColumn {
  readonly type = 'INT64';
  readonly #meaning: 'id' | 'time' | 'integer';
  protected readonly words: Int32Array<ArrayBuffer> = new Int32Array(GROUP_ROWS * 2);
  protected readonly values: BigInt64Array<ArrayBuffer> = new BigInt64Array(this.words.buffer);

  constructor(name: string, meaning: 'id' | 'time' | 'integer') {
    super(name);
    this.#meaning = meaning;
  }

  override get schema(): SchemaElement {
    if (this.#meaning === 'integer') return super.schema;
    if (this.#meaning === 'time') {
      return { ...super.schema, logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' } };
    }
    // The older way to say "unsigned": the library writes the newer one with a bit width that other readers refuse.
    return { ...super.schema, converted_type: 'UINT_64' };
  }

  set(row: number, high: number, low: number): void {
    this.words[row * 2] = low;
    this.words[row * 2 + 1] = high;
    this.mark(row);
  }

  /** Takes an integer within ±2^53. */
  setNumber(row: number, value: number): void {
    this.set(row, Math.floor(value / TWO_32), value | 0);
  }

  setBig(row: number, value: bigint): void {
    this.set(row, bigHigh(value), bigLow(value));
  }

  protected encodeValues(rows: number): Pick<ColumnValues, 'bytes' | 'bounds'> {
    const bounds = this.#meaning === 'time' ? this.#bounds(rows) : null;
    const { words } = this;
    let used = 0;
    if (this.count === rows) used = rows;
    else {
      for (let row = 0; row < rows; row += 1) {
        words[used * 2] = words[row * 2]!;
        words[used * 2 + 1] = words[row * 2 + 1]!;
        used += this.present[row]!;
      }
    }
    return { bytes: new Uint8Array(words.buffer, 0, used * 8), bounds };
  }

  /** Rows with the smallest and the largest value, compared as halves. */
  #bounds(rows: number): { readonly min: bigint; readonly max: bigint } {
    const { words } = this;
    let min = -1;
    let max = -1;
    for (let row = 0; row < rows; row += 1) {
      if (this.present[row] === 0) continue;
      if (min < 0 || isBelow(words, row, min)) min = row;
      if (max < 0 || isBelow(words, max, row)) max = row;
    }
    return { min: this.values[min]!, max: this.values[max]! };
  }
}

/**
 * Prices and quantities: decimals of one scale, the largest of the feed's and of those in the first group. Scale 0 makes
 * plain integers. A value with more decimals, or more than 18 digits, has no place: MdxError `no-form`.
 */
export class DecimalColumn extends Int64Column {
  #scale: number;
  #isFixed = false;
  readonly #scales: Uint8Array = new Uint8Array(GROUP_ROWS);

  constructor(name: string, scale: number) {
    super(name, 'integer');
    this.#scale = scale;
  }

  override get schema(): SchemaElement {
    if (this.#scale === 0) return super.schema;
    return { ...super.schema, converted_type: 'DECIMAL', scale: this.#scale, precision: DIGITS_MAX };
  }

  setScaled(row: number, high: number, low: number, scale: number): void {
    this.set(row, high, low);
    this.#scales[row] = scale;
  }

  /** Takes decimal text; its scale is how many digits stand behind its point. */
  setText(row: number, text: string): void {
    const point = text.indexOf('.');
    const scale = point < 0 ? 0 : text.length - point - 1;
    const value = parseScaled(text, scale);
    this.setScaled(row, bigHigh(value), bigLow(value), scale);
  }

  protected override encodeValues(rows: number): Pick<ColumnValues, 'bytes' | 'bounds'> {
    const scales = this.#scales;
    if (!this.#isFixed) {
      for (let row = 0; row < rows; row += 1) {
        if (this.present[row] === 1) this.#scale = Math.max(this.#scale, scales[row]!);
      }
      this.#isFixed = true;
    }
    for (let row = 0; row < rows; row += 1) if (this.present[row] === 1) this.#fit(row, scales[row]!);
    return super.encodeValues(rows);
  }

  #fit(row: number, scale: number): void {
    const wanted = this.#scale;
    const high = this.words[row * 2 + 1]!;
    if (scale === wanted && (wanted === 0 || (high < SAFE_HIGH && high > -SAFE_HIGH))) return;
    const value = this.values[row]!;
    const scaled = scale <= wanted ? value * 10n ** BigInt(wanted - scale) : null;
    if (scaled !== null && scaled <= UNSCALED_MAX && scaled >= -UNSCALED_MAX) {
      this.values[row] = scaled;
      return;
    }
    throw new MdxError(
      'no-form',
      `writing Parquet: ${this.name} ${formatScaledBig(value, scale)} is no decimal of ${DIGITS_MAX} digits, ${wanted} of them behind the point`,
      { hint: 'CSV and NDJSON take numbers of any size.' },
    );
  }
}

/** Is the signed value of one row below that of another? */
function isBelow(words: Int32Array, left: number, right: number): boolean {
  const leftHigh = words[left * 2 + 1]!;
  const rightHigh = words[right * 2 + 1]!;
  return leftHigh < rightHigh || (leftHigh === rightHigh && words[left * 2]! >>> 0 < words[right * 2]! >>> 0);
}
