import { constants, zstdCompressSync } from 'node:zlib';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import type { ChunkSink } from './conversion.ts';

/** Rows of a group: what is held in memory, and what readers can skip or read alone. */
export const GROUP_ROWS: number = 1 << 16;
const CODEC = 'ZSTD';
const LEVEL_FAST = 1;

/** The description of a column in the file, in the words of the format. */
export type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];
type ColumnChunk = ParquetWriter['row_groups'][number]['columns'][number];
export type PhysicalType = NonNullable<SchemaElement['type']>;

/** The values of a column in a group of rows, encoded. */
export interface ColumnValues {
  /** By row: 1 where there is a value. */
  readonly present: Uint8Array;
  /** Rows without one. */
  readonly nulls: number;
  /** PLAIN values one behind the other, or with a dictionary their indices in the form of a page. */
  readonly bytes: Uint8Array;
  /** PLAIN bytes of the values that the indices are of. */
  readonly dictionary: { readonly bytes: Uint8Array; readonly values: number } | null;
  readonly bounds: { readonly min: bigint; readonly max: bigint } | null;
}

/** One column of a group of rows. What was not set is null. */
export interface Column {
  readonly name: string;
  readonly type: PhysicalType;
  /** What the values mean; final when the last group was taken. */
  readonly schema: SchemaElement;
  /** Encodes the values of the first `rows` rows, and forgets them with `clear`. */
  encode(rows: number): ColumnValues;
  clear(): void;
}

/**
 * A Parquet file that grows by groups of rows, each column one page that is compressed with zstd. The frame of the file,
 * its metadata and page headers are the library's; the values are encoded by the columns themselves, without an object
 * for each of them. The schema stands at the end of the file, when it is known what the values mean.
 */
export class ParquetFile {
  rows = 0;
  readonly #columns: readonly Column[];
  readonly #out: ByteWriter;
  readonly #writer: ParquetWriter;
  readonly #sink: ChunkSink;

  constructor(columns: readonly Column[], sink: ChunkSink) {
    this.#columns = columns;
    this.#sink = sink;
    this.#out = new ByteWriter(1 << 20);
    this.#writer = new ParquetWriter({ writer: this.#out, schema: [], codec: CODEC, createdBy: 'mdx' });
  }

  /** Writes a group of rows from the columns and clears them. */
  group(rows: number): void {
    if (rows === 0) return;
    const start = this.#out.offset;
    const chunks = this.#columns.map((column) => this.#chunk(column, rows));
    for (const column of this.#columns) column.clear();
    const total = chunks.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n);
    this.#writer.row_groups.push({
      columns: chunks,
      total_byte_size: total,
      num_rows: BigInt(rows),
      total_compressed_size: BigInt(this.#out.offset - start),
    });
    this.#writer.num_rows += BigInt(rows);
    this.rows += rows;
    this.#release();
  }

  finish(): void {
    const elements = this.#columns.map(({ schema }) => schema);
    this.#writer.schema = [{ name: 'root', num_children: elements.length }, ...elements];
    // It promises something only where its sink does, and this one takes bytes at once.
    void this.#writer.finish();
    this.#release();
  }

  #chunk(column: Column, rows: number): ColumnChunk {
    const out = this.#out;
    const start = out.offset;
    const { present, nulls, bytes, dictionary, bounds } = column.encode(rows);
    let uncompressed = 0;
    if (dictionary !== null) uncompressed += this.#dictionaryPage(dictionary.bytes, dictionary.values);
    const dataOffset = out.offset;
    const levels = new ByteWriter();
    writeRleBitPackedHybrid(levels, present.subarray(0, rows), 1);
    const packed = compressed(bytes);
    writePageHeader(out, {
      type: 'DATA_PAGE_V2',
      uncompressed_page_size: levels.offset + bytes.length,
      compressed_page_size: levels.offset + packed.length,
      data_page_header_v2: {
        num_values: rows,
        num_nulls: nulls,
        num_rows: rows,
        encoding: dictionary === null ? 'PLAIN' : 'RLE_DICTIONARY',
        definition_levels_byte_length: levels.offset,
        repetition_levels_byte_length: 0,
        is_compressed: true,
      },
    });
    uncompressed += out.offset - dataOffset + levels.offset + bytes.length;
    out.appendBytes(levels.getBytes());
    out.appendBytes(packed);
    return {
      file_offset: BigInt(start),
      meta_data: {
        type: column.type,
        encodings: dictionary === null ? ['PLAIN', 'RLE'] : ['PLAIN', 'RLE', 'RLE_DICTIONARY'],
        path_in_schema: [column.name],
        codec: CODEC,
        num_values: BigInt(rows),
        total_compressed_size: BigInt(out.offset - start),
        total_uncompressed_size: BigInt(uncompressed),
        data_page_offset: BigInt(dataOffset),
        ...(dictionary === null ? {} : { dictionary_page_offset: BigInt(start) }),
        ...(bounds === null
          ? {}
          : { statistics: { min_value: bounds.min, max_value: bounds.max, null_count: BigInt(nulls) } }),
      },
    };
  }

  /** @returns its bytes before compression, header included. */
  #dictionaryPage(bytes: Uint8Array, values: number): number {
    const out = this.#out;
    const start = out.offset;
    const packed = compressed(bytes);
    writePageHeader(out, {
      type: 'DICTIONARY_PAGE',
      uncompressed_page_size: bytes.length,
      compressed_page_size: packed.length,
      dictionary_page_header: { num_values: values, encoding: 'PLAIN' },
    });
    const header = out.offset - start;
    out.appendBytes(packed);
    return header + bytes.length;
  }

  /** Hands over what was written: the file needs nothing of it again. */
  #release(): void {
    this.#sink(this.#out.getBytes());
    this.#out.index = 0;
  }
}

function compressed(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL_FAST } });
}
