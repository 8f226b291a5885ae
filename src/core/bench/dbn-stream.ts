import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bigHigh, bigLow } from '../binary/time.ts';
import { EventBatch } from '../event/batch.ts';
import {
  FLAG_ASK,
  KIND_ADD,
  KIND_MODIFY,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
} from '../event/record.ts';
import { DbnMboEncoder, mboMetadata } from '../feeds/dbn/encoder.ts';
import {
  ACTION_ADD,
  ACTION_CANCEL,
  ACTION_CLEAR,
  ACTION_MODIFY,
  F_LAST,
  MBO_BYTES,
  SIDE_CHAR_ASK,
  SIDE_CHAR_BID,
  SIDE_CHAR_NONE,
  UNDEFINED_PRICE_HIGH,
  UNDEFINED_PRICE_LOW,
} from '../feeds/dbn/layout.ts';
import { MboRecord, readMbo } from '../feeds/dbn/mbo.ts';
import { metadataBytes } from '../feeds/dbn/metadata.ts';
import { EventSource } from './event-stream.ts';
import { INSTRUMENTS, LIVE, SEED } from './workloads/synthetic.ts';

/** A DBN stream in memory: metadata, records that are read once before anything is measured, and records to measure. */
export interface DbnTape {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the measured records begin. */
  readonly start: number;
  /** Records from `start` on. */
  readonly records: number;
  /** May they be read again and again? They then begin with a clear of the book. */
  readonly loops: boolean;
  readonly note: string;
}

const CLX5 = 'dbn/CLX5_mbo.dbn';
/** 2025-09-24 14:30:00 UTC. */
const OPEN_NS = 1_758_724_200_000_000_000n;
const EVENT_GAP_NS = 1000n;
/** From the prices of the source (1e-4) to those of DBN (1e-9). */
const PRICE_FACTOR = 100_000;
const TWO_32 = 4294967296;

/** The real session in `folder` if it is there, else a synthetic stream with `events` records to measure. */
export function dbnTape(folder: string | null, events: number): DbnTape {
  const path = folder === null ? null : join(folder, CLX5);
  return path !== null && existsSync(path) ? realTape(path) : syntheticTape(events);
}

/** The session with a clear in front of its records, so that every pass begins with an empty book. */
function realTape(path: string): DbnTape {
  const file = readFileSync(path);
  const start = metadataBytes(file);
  const clear = new MboRecord();
  readMbo(new DataView(file.buffer, file.byteOffset, file.length), start, clear);
  clear.action = ACTION_CLEAR;
  clear.side = SIDE_CHAR_NONE;
  clear.flags = F_LAST;
  clear.priceHigh = UNDEFINED_PRICE_HIGH;
  clear.priceLow = UNDEFINED_PRICE_LOW;
  clear.orderIdHigh = 0;
  clear.orderIdLow = 0;
  clear.size = 0;
  const bytes = new Uint8Array(file.length + MBO_BYTES);
  bytes.set(file.subarray(0, start));
  const encoder = new DbnMboEncoder((chunk) => bytes.set(chunk, start));
  encoder.record(clear);
  encoder.flush();
  bytes.set(file.subarray(start), start + MBO_BYTES);
  return {
    bytes,
    start,
    records: (bytes.length - start) / MBO_BYTES,
    loops: true,
    note: 'CLX5 of 2025-09-24, looped',
  };
}

function syntheticTape(events: number): DbnTape {
  const chunks: Uint8Array[] = [];
  const encoder = new DbnMboEncoder((chunk) => chunks.push(chunk.slice()));
  encoder.begin(
    mboMetadata({
      dataset: 'MDX.BENCH',
      start: OPEN_NS,
      end: OPEN_NS + EVENT_GAP_NS * BigInt(LIVE + events),
      instruments: Array.from({ length: INSTRUMENTS }, (_, book) => ({
        symbol: `S${book}`,
        instrument: book + 1,
      })),
    }),
  );
  const source = new EventSource({ instruments: INSTRUMENTS, live: LIVE, seed: SEED, shape: 'touch' });
  const batch = new EventBatch();
  const record = new MboRecord();
  record.publisher = 1;
  record.flags = F_LAST;
  let made = 0;
  const write = (until: number, filling: boolean): void => {
    while (made < until) {
      batch.count = 0;
      if (filling) source.fill(batch, until - made);
      else source.steady(batch, until - made);
      for (let at = 0; at < batch.count; at += 1, made += 1) {
        translate(batch, at, made, record);
        encoder.record(record);
      }
    }
    encoder.flush();
  };
  write(LIVE, true);
  const start = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  write(LIVE + events, false);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let end = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, end);
    end += chunk.length;
  }
  return {
    bytes,
    start,
    records: events,
    loops: false,
    note: `a synthetic stream of ${INSTRUMENTS} instruments with ${LIVE} live orders; the real session was not found (--data, $MDX_DATA)`,
  };
}

/** One event as the mbo record that says the same. */
function translate({ words }: EventBatch, index: number, sequence: number, record: MboRecord): void {
  const at = index * RECORD_WORDS;
  const kind = words[at]! & 255;
  const price = words[at + WORD_PRICE]! * PRICE_FACTOR;
  const time = OPEN_NS + EVENT_GAP_NS * BigInt(sequence);
  record.instrument = words[at + WORD_BOOK]! + 1;
  record.orderIdLow = words[at + WORD_ID]!;
  record.orderIdHigh = words[at + WORD_ID + 1]!;
  record.priceHigh = Math.floor(price / TWO_32);
  record.priceLow = price | 0;
  record.size = words[at + WORD_QUANTITY]!;
  record.action = kind === KIND_ADD ? ACTION_ADD : kind === KIND_MODIFY ? ACTION_MODIFY : ACTION_CANCEL;
  record.side = (words[at]! & (FLAG_ASK << 8)) !== 0 ? SIDE_CHAR_ASK : SIDE_CHAR_BID;
  record.eventTimeHigh = bigHigh(time);
  record.eventTimeLow = bigLow(time);
  record.receiveTimeHigh = record.eventTimeHigh;
  record.receiveTimeLow = record.eventTimeLow;
  record.sequence = sequence;
}
