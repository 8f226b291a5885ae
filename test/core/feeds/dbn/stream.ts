import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { ByteWindow } from '../../../../src/core/binary/byte-window.ts';
import { toBigInt, toBigUint } from '../../../../src/core/binary/time.ts';
import { EventBatch } from '../../../../src/core/event/batch.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import { FLAG_EXTENDED, KIND_NAMES, RECORD_WORDS } from '../../../../src/core/event/record.ts';
import { EventWriter } from '../../../../src/core/event/writer.ts';
import { FeedCounts } from '../../../../src/core/feeds/counts.ts';
import { DbnDecoder } from '../../../../src/core/feeds/dbn/decoder.ts';
import { dbn } from '../../../../src/core/feeds/dbn/index.ts';
import { dataPath } from '../../../world/data.ts';

/** An event as values; 64-bit ones as bigint. */
export interface PlainEvent {
  readonly kind: string;
  readonly flags: number;
  readonly sequence: number;
  readonly book: number;
  readonly id: bigint;
  readonly price: bigint;
  readonly quantity: bigint;
  readonly venueTime: bigint;
  readonly receiveTime: bigint;
  readonly aggressor: number | null;
}

export interface Decoded {
  readonly decoder: DbnDecoder;
  readonly events: PlainEvent[];
  readonly counts: FeedCounts;
  readonly dictionary: Dictionary;
  readonly byType: Record<string, number>;
  readonly answer: number;
}

export interface DecodeOptions {
  /** Bytes per write into the window; default: as many as fit. */
  readonly chunk?: number;
  readonly windowBytes?: number;
  readonly batchRecords?: number;
}

/** Decodes a whole stream of the given bytes. */
export function decodeStream(bytes: Uint8Array, options: DecodeOptions = {}): Decoded {
  const events: PlainEvent[] = [];
  const batch = new EventBatch(options.batchRecords);
  const writer = new EventWriter(batch, { accept: (full) => unpack(full, events) });
  const counts = new FeedCounts(dbn.typeCount);
  const dictionary = new Dictionary();
  const decoder = new DbnDecoder({ channel: 0, dictionary, writer, counts, midnight: null }, dbn.name);
  const window = new ByteWindow(options.windowBytes ?? 4096);
  let answer = 0;
  let at = 0;
  while (answer === 0) {
    const room = window.room();
    const size = Math.min(room.length, options.chunk ?? room.length, bytes.length - at);
    room.set(bytes.subarray(at, at + size));
    window.commit(size);
    at += size;
    window.ended = at === bytes.length;
    answer = decoder.decode(window);
    if (window.ended) break;
  }
  writer.flush();
  const byType: Record<string, number> = {};
  counts.byType.forEach((count, type) => {
    if (count > 0) byType[dbn.typeName(type)] = count;
  });
  return { decoder, events, counts, dictionary, byType, answer };
}

function unpack(batch: EventBatch, into: PlainEvent[]): void {
  const { words } = batch;
  const venueBase = toBigUint(batch.venueBaseHigh, batch.venueBaseLow);
  const receiveBase = toBigUint(batch.receiveBaseHigh, batch.receiveBaseLow);
  for (let record = 0; record < batch.count; record++) {
    const at = record * RECORD_WORDS;
    const flags = (words[at]! >>> 8) & 0xff;
    const extended = (flags & FLAG_EXTENDED) !== 0;
    if (extended) record += 1;
    const extension = words.subarray(at + RECORD_WORDS, at + 2 * RECORD_WORDS);
    if (extended && ((extension[0]! & 0xff) !== 255 || extension.subarray(1).some((word) => word !== 0))) {
      throw new Error('the second record of an extended event is not one');
    }
    into.push({
      kind: KIND_NAMES[words[at]! & 0xff]!,
      flags,
      sequence: batch.sequenceBase + (words[at]! >>> 16),
      book: words[at + 1]!,
      id: toBigUint(words[at + 3]!, words[at + 2]!),
      price: toBigInt(words[at + 5]!, words[at + 4]!),
      quantity: toBigInt(words[at + 7]!, words[at + 6]!),
      venueTime: venueBase + BigInt(words[at + 8]!),
      receiveTime: receiveBase + BigInt(words[at + 9]! >>> 0),
      aggressor: extended ? (extension[0]! >>> 8) & 0xff : null,
    });
  }
}

/** Bytes of a file in data/dbn, decompressed. */
export function sample(name: string): Uint8Array {
  const bytes = readFileSync(dataPath('dbn', name));
  return new Uint8Array(name.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes);
}

/** Content of a JSON file in data/dbn. */
export function expectation<T>(name: string): T {
  return JSON.parse(readFileSync(dataPath('dbn', name), 'utf8')) as T;
}

export interface MboValues {
  readonly action: string;
  readonly side?: string;
  readonly flags?: number;
  readonly id?: bigint;
  readonly price?: bigint;
  readonly size?: number;
  readonly publisher?: number;
  readonly instrument?: number;
  readonly eventTime?: bigint;
  readonly receiveTime?: bigint;
  readonly words?: number;
}

export const T0 = 1_758_742_200_000_000_000n;
export const PRICE_UNDEFINED: bigint = (1n << 63n) - 1n;
export const SIZE_UNDEFINED = 0xffffffff;
export const TIME_UNDEFINED: bigint = (1n << 64n) - 1n;

/** One mbo record, written here byte by byte. */
export function mboBytes(values: MboValues): Uint8Array {
  const words = values.words ?? 14;
  const bytes = new Uint8Array(Math.max(56, words * 4));
  const view = new DataView(bytes.buffer);
  bytes[0] = words;
  bytes[1] = 0xa0;
  view.setUint16(2, values.publisher ?? 1, true);
  view.setUint32(4, values.instrument ?? 7, true);
  view.setBigUint64(8, values.eventTime ?? T0, true);
  view.setBigUint64(16, values.id ?? 1n, true);
  view.setBigInt64(24, values.price ?? 5_000_000_000n, true);
  view.setUint32(32, values.size ?? 3, true);
  bytes[36] = values.flags ?? 128;
  bytes[37] = 26;
  bytes[38] = values.action.charCodeAt(0);
  bytes[39] = (values.side ?? 'B').charCodeAt(0);
  view.setBigUint64(40, values.receiveTime ?? T0, true);
  return bytes.subarray(0, words * 4);
}

/** A record of any type, its body filled with one byte. */
export function recordBytes(rtype: number, length: number, fill = 0): Uint8Array {
  const bytes = new Uint8Array(length).fill(fill);
  bytes[0] = length / 4;
  bytes[1] = rtype;
  return bytes;
}

/** Metadata as written by hand: version 3, no symbols. */
export function headBytes(version = 3, sendTimes = 0): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  bytes.set([0x44, 0x42, 0x4e, version]);
  view.setUint32(4, 120, true);
  bytes.set(new TextEncoder().encode('TEST.DATA'), 8);
  view.setBigUint64(26, T0, true);
  view.setBigUint64(34, TIME_UNDEFINED, true);
  const fixed = version === 1 ? 58 : 50;
  bytes[fixed] = 1;
  bytes[fixed + 2] = sendTimes;
  if (version > 1) view.setUint16(53, 71, true);
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
