import { readText, VERSION_MAX, writeText } from './layout.ts';

/*
 * Head of a DBN file, versions 1 to 3. The records start at 8 + length.
 *
 *      0  "DBN", u8 version
 *      4  u32  length, of everything behind this field
 *      8  text[16] dataset
 *     24  u16  schema           0xFFFF = mixed or live
 *     26  u64  start, ns
 *     34  u64  end, ns          2^64 − 1 or 0 = none
 *     42  u64  limit            0 = none
 *     50  u64  record count     version 1 only; all that follows stands 8 bytes earlier in versions 2 and 3
 *     58  u8   stype in         0xFF = mixed
 *     59  u8   stype out
 *     60  u8   ts_out           not 0: each record ends with 8 more bytes, the gateway's sending time
 *     53  u16  symbol bytes S   versions 2 and 3; version 1: 22
 *     ..       zeros up to 108
 *    108  u32  schema definition length, 0
 *    112  symbols, partial, not found: each u32 count, then text[S] …
 *         mappings: u32 count, each text[S], u32 intervals, each u32 start date, u32 end date, text[S]
 *         version 3: zeros until length is a multiple of 8
 */

const MAGIC = [0x44, 0x42, 0x4e];
/** Magic, version and length. */
export const METADATA_PREFIX_BYTES = 8;
/** Up to the schema definition length, with it: what stands in front of the lists. */
const LENGTH_MIN = 104;
const DATASET_BYTES = 16;
const LISTS_OFFSET = 112;
const SYMBOL_BYTES_V1 = 22;
/** Version 3 pads its metadata so that records start at a multiple of this. */
const ALIGNMENT = 8;

/** Longest metadata that is read (its length field): a few hundred thousand symbols. */
export const METADATA_BYTES_MAX: number = 64 << 20;
/** Value of `recordCount` as writers of version 1 put it. */
export const RECORD_COUNT_UNDEFINED = 0xffffffffffffffffn;

/** During the days start ≤ day < end (decimal YYYYMMDD) the mapped symbol is this one. */
export interface MappingInterval {
  readonly startDate: number;
  readonly endDate: number;
  readonly symbol: string;
}

export interface SymbolMapping {
  readonly rawSymbol: string;
  readonly intervals: readonly MappingInterval[];
}

/** Values of the head of a DBN file; numbers of schemas and symbologies as the format counts them. */
export interface Metadata {
  readonly version: number;
  readonly dataset: string;
  readonly schema: number;
  /** Query window, ns since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly limit: bigint;
  /** Version 1 only, deprecated. */
  readonly recordCount: bigint;
  readonly symbolTypeIn: number;
  readonly symbolTypeOut: number;
  /** Not 0: every record carries 8 more bytes at its end. */
  readonly sendTimes: number;
  /** Bytes of a symbol text, NUL included. */
  readonly symbolBytes: number;
  readonly symbols: readonly string[];
  readonly partial: readonly string[];
  readonly notFound: readonly string[];
  readonly mappings: readonly SymbolMapping[];
}

/** Metadata that cannot be read. The message names the offset, what was expected and what was found. */
export class MetadataError extends Error {
  constructor(offset: number, detail: string) {
    super(`DBN metadata at offset ${offset}: ${detail}`);
    this.name = 'MetadataError';
  }
}

/**
 * Reads magic, version and length of metadata from its first 8 bytes.
 * @returns bytes of the whole metadata; records start there.
 */
export function metadataBytes(prefix: Uint8Array): number {
  if (prefix[0] !== MAGIC[0] || prefix[1] !== MAGIC[1] || prefix[2] !== MAGIC[2]) {
    const found = Array.from(prefix.subarray(0, 3), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new MetadataError(0, `expected "DBN" (44 42 4e), found ${found}`);
  }
  const version = prefix[3];
  if (version < 1 || version > VERSION_MAX) {
    throw new MetadataError(3, `expected version 1 to ${VERSION_MAX}, found ${version}`);
  }
  const length = viewOf(prefix).getUint32(4, true);
  if (length < LENGTH_MIN || length > METADATA_BYTES_MAX) {
    throw new MetadataError(
      4,
      `expected a length of ${LENGTH_MIN} to ${METADATA_BYTES_MAX}, found ${length}`,
    );
  }
  return METADATA_PREFIX_BYTES + length;
}

/** Version that metadata name. */
export function metadataVersion(head: Uint8Array): number {
  return head[MAGIC.length];
}

/** Decodes whole metadata: exactly the bytes that `metadataBytes` tells. Throws MetadataError. */
export function decodeMetadata(bytes: Uint8Array): Metadata {
  const whole = metadataBytes(bytes);
  if (bytes.length < whole) {
    throw new MetadataError(bytes.length, `expected ${whole} bytes, found ${bytes.length}`);
  }
  const view = viewOf(bytes);
  const version = bytes[3];
  const fixed = version === 1 ? 58 : 50;
  const symbolBytes = version === 1 ? SYMBOL_BYTES_V1 : view.getUint16(fixed + 3, true);
  if (symbolBytes < SYMBOL_BYTES_V1) {
    throw new MetadataError(
      fixed + 3,
      `expected symbols of at least ${SYMBOL_BYTES_V1} bytes, found ${symbolBytes}`,
    );
  }
  const definition = view.getUint32(LISTS_OFFSET - 4, true);
  if (definition !== 0) {
    throw new MetadataError(
      LISTS_OFFSET - 4,
      `expected no schema definition (length 0), found length ${definition}`,
    );
  }
  const lists = new ListReader(bytes.subarray(0, whole), LISTS_OFFSET, symbolBytes);
  return {
    version,
    dataset: readText(bytes, 8, DATASET_BYTES),
    schema: view.getUint16(24, true),
    start: view.getBigUint64(26, true),
    end: view.getBigUint64(34, true),
    limit: view.getBigUint64(42, true),
    recordCount: version === 1 ? view.getBigUint64(50, true) : RECORD_COUNT_UNDEFINED,
    symbolTypeIn: bytes[fixed],
    symbolTypeOut: bytes[fixed + 1],
    sendTimes: bytes[fixed + 2],
    symbolBytes,
    symbols: lists.texts('symbols'),
    partial: lists.texts('partial symbols'),
    notFound: lists.texts('symbols not found'),
    mappings: lists.mappings(),
  };
}

/** Encodes metadata; the inverse of `decodeMetadata`, byte for byte. Throws RangeError where a text does not fit. */
export function encodeMetadata(metadata: Metadata): Uint8Array<ArrayBuffer> {
  const { version, symbolBytes } = metadata;
  if (version < 1 || version > VERSION_MAX) throw new RangeError(`writing DBN metadata: version ${version}`);
  let size = LISTS_OFFSET + 16;
  size += symbolBytes * (metadata.symbols.length + metadata.partial.length + metadata.notFound.length);
  for (const mapping of metadata.mappings) {
    size += symbolBytes + 4 + mapping.intervals.length * (8 + symbolBytes);
  }
  if (version >= 3) size = Math.ceil(size / ALIGNMENT) * ALIGNMENT;

  const bytes = new Uint8Array(size);
  const view = viewOf(bytes);
  bytes.set(MAGIC);
  bytes[3] = version;
  view.setUint32(4, size - METADATA_PREFIX_BYTES, true);
  writeText(bytes, 8, DATASET_BYTES, metadata.dataset);
  view.setUint16(24, metadata.schema, true);
  view.setBigUint64(26, metadata.start, true);
  view.setBigUint64(34, metadata.end, true);
  view.setBigUint64(42, metadata.limit, true);
  if (version === 1) view.setBigUint64(50, metadata.recordCount, true);
  const fixed = version === 1 ? 58 : 50;
  bytes[fixed] = metadata.symbolTypeIn;
  bytes[fixed + 1] = metadata.symbolTypeOut;
  bytes[fixed + 2] = metadata.sendTimes;
  if (version > 1) view.setUint16(fixed + 3, symbolBytes, true);

  let at = LISTS_OFFSET;
  const number = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const text = (value: string): void => {
    writeText(bytes, at, symbolBytes, value);
    at += symbolBytes;
  };
  for (const list of [metadata.symbols, metadata.partial, metadata.notFound]) {
    number(list.length);
    for (const symbol of list) text(symbol);
  }
  number(metadata.mappings.length);
  for (const mapping of metadata.mappings) {
    text(mapping.rawSymbol);
    number(mapping.intervals.length);
    for (const interval of mapping.intervals) {
      number(interval.startDate);
      number(interval.endDate);
      text(interval.symbol);
    }
  }
  return bytes;
}

/** Reads the counted lists; every count is checked against the bytes that are left before anything is made of it. */
class ListReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #symbolBytes: number;
  #at: number;

  constructor(bytes: Uint8Array, at: number, symbolBytes: number) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#at = at;
    this.#symbolBytes = symbolBytes;
  }

  texts(what: string): string[] {
    const count = this.#count(what, this.#symbolBytes);
    const texts: string[] = [];
    for (let index = 0; index < count; index++) texts.push(this.#text());
    return texts;
  }

  mappings(): SymbolMapping[] {
    const count = this.#count('mappings', this.#symbolBytes + 4);
    const mappings: SymbolMapping[] = [];
    for (let index = 0; index < count; index++) {
      this.#need(this.#symbolBytes, `mapping ${index + 1} of ${count}`);
      const rawSymbol = this.#text();
      const intervalCount = this.#count(`intervals of mapping "${rawSymbol}"`, 8 + this.#symbolBytes);
      const intervals: MappingInterval[] = [];
      for (let interval = 0; interval < intervalCount; interval++) {
        const startDate = this.#number();
        const endDate = this.#number();
        intervals.push({ startDate, endDate, symbol: this.#text() });
      }
      mappings.push({ rawSymbol, intervals });
    }
    return mappings;
  }

  #count(what: string, bytesEach: number): number {
    this.#need(4, `the number of ${what}`);
    const at = this.#at;
    const count = this.#number();
    const left = this.#bytes.length - this.#at;
    if (count * bytesEach > left) {
      throw new MetadataError(
        at,
        `${count} ${what} need at least ${count * bytesEach} bytes, ${left} are left`,
      );
    }
    return count;
  }

  #need(size: number, what: string): void {
    const left = this.#bytes.length - this.#at;
    if (left < size)
      throw new MetadataError(this.#at, `expected ${what} (${size} bytes), ${left} bytes are left`);
  }

  #number(): number {
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  #text(): string {
    const text = readText(this.#bytes, this.#at, this.#symbolBytes);
    this.#at += this.#symbolBytes;
    return text;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
