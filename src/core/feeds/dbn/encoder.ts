import { MBO_BYTES } from './layout.ts';
import { type MboRecord, writeMbo } from './mbo.ts';
import { encodeMetadata, type Metadata, RECORD_COUNT_UNDEFINED } from './metadata.ts';
import { utcDate } from './symbols.ts';

const CHUNK_RECORDS = 1024;
const SCHEMA_MBO = 0;
const SYMBOL_TYPE_INSTRUMENT_ID = 0;
const SYMBOL_TYPE_RAW = 1;
const SYMBOL_BYTES = 71;
const NS_PER_DAY = 86_400_000_000_000n;

/** What `mboMetadata` is told. */
export interface MboFile {
  /** At most 15 ASCII characters. */
  readonly dataset: string;
  /** First time of the file and the time behind its last, ns since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly instruments: readonly { readonly symbol: string; readonly instrument: number }[];
}

/** Metadata of a version 3 mbo file whose instruments keep their symbols through all its days. */
export function mboMetadata(file: MboFile): Metadata {
  const startDate = utcDate(file.start);
  const lastTime = file.end > file.start ? file.end - 1n : file.start;
  const endDate = utcDate(lastTime + NS_PER_DAY);
  return {
    version: 3,
    dataset: file.dataset,
    schema: SCHEMA_MBO,
    start: file.start,
    end: file.end,
    limit: 0n,
    recordCount: RECORD_COUNT_UNDEFINED,
    symbolTypeIn: SYMBOL_TYPE_RAW,
    symbolTypeOut: SYMBOL_TYPE_INSTRUMENT_ID,
    sendTimes: 0,
    symbolBytes: SYMBOL_BYTES,
    symbols: file.instruments.map(({ symbol }) => symbol),
    partial: [],
    notFound: [],
    mappings: file.instruments.map(({ symbol, instrument }) => ({
      rawSymbol: symbol,
      intervals: [{ startDate, endDate, symbol: String(instrument) }],
    })),
  };
}

/**
 * Writes a DBN file of mbo records (layout.ts draws them): `begin`, `record` …, `flush`.
 *
 * Bytes leave through `sink` in chunks that begin and end between records. A chunk is valid until the sink
 * returns: it is the encoder's own buffer. Steady state allocates one small view per chunk, nothing per record.
 */
export class DbnMboEncoder {
  readonly #sink: (chunk: Uint8Array<ArrayBuffer>) => void;
  readonly #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(CHUNK_RECORDS * MBO_BYTES);
  readonly #view: DataView = new DataView(this.#bytes.buffer);
  #used = 0;

  constructor(sink: (chunk: Uint8Array<ArrayBuffer>) => void) {
    this.#sink = sink;
  }

  /** Writes the head of the file. Only for records without the gateway's sending time (`sendTimes` 0). */
  begin(metadata: Metadata): void {
    if (metadata.sendTimes !== 0)
      throw new RangeError('writing DBN mbo: sending times (ts_out) are not written');
    this.flush();
    this.#sink(encodeMetadata(metadata));
  }

  /** Writes one record. */
  record(record: MboRecord): void {
    if (this.#used === this.#bytes.length) this.flush();
    writeMbo(this.#view, this.#used, record);
    this.#used += MBO_BYTES;
  }

  /** Writes a record of another kind, or one that is made already, as it is. */
  copy(bytes: Uint8Array<ArrayBuffer>): void {
    this.flush();
    this.#sink(bytes);
  }

  /** Hands over what is buffered; also the end of a file, for which DBN has no mark. */
  flush(): void {
    if (this.#used === 0) return;
    this.#sink(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
  }
}
