import type { EventBatch } from '../../../src/core/event/batch.ts';
import {
  FLAG_EXTENDED,
  KIND_GAP,
  KIND_RESET,
  KIND_SESSION,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../../../src/core/event/record.ts';
import { FRAME_CONTROL, FRAME_EVENTS, FRAME_HEADER_BYTES } from '../../../src/core/journal/frame.ts';

/** A frame without its header. */
export interface NaiveFrame {
  readonly type: number;
  readonly records: number;
  readonly payload: Uint8Array;
}

interface Run {
  readonly channel: number;
  readonly place: number;
  readonly base: bigint;
  records: number;
}

/** Puts events into frames one by one, as docs/journal.md says where frames and runs end. */
export class NaiveFrames {
  readonly frames: NaiveFrame[] = [];
  readonly #payloadBytes: number;
  #words: number[] = [];
  #runs: Run[] = [];
  #venue = 0n;
  #receive = 0n;
  readonly #last = new Map<number, { sequence: bigint; place: number }>();

  /** @param frameBytes of the longest frame. */
  constructor(frameBytes: number) {
    this.#payloadBytes = frameBytes - FRAME_HEADER_BYTES;
  }

  append(batch: EventBatch, from: number, to: number): void {
    for (let record = from; record < to; ) {
      const head = batch.words[record * RECORD_WORDS]!;
      const count = ((head >> 8) & FLAG_EXTENDED) !== 0 ? 2 : 1;
      const words = [...batch.words.subarray(record * RECORD_WORDS, (record + count) * RECORD_WORDS)];
      const isControl =
        [KIND_GAP, KIND_RESET, KIND_SESSION].includes(head & 255) && words[WORD_BOOK] === NO_BOOK;
      if (isControl) this.cut();
      this.#put(batch, words);
      if (isControl) this.cut(FRAME_CONTROL);
      record += count;
    }
  }

  cut(type: number = FRAME_EVENTS): void {
    if (this.#words.length === 0) return;
    const bytes = 32 + this.#words.length * 4 + this.#runs.length * 16;
    const payload = new Uint8Array(bytes);
    const view = new DataView(payload.buffer);
    view.setBigInt64(0, this.#venue, true);
    view.setBigInt64(8, this.#receive, true);
    view.setUint32(24, this.#runs.length, true);
    for (const [index, word] of this.#words.entries()) view.setInt32(32 + index * 4, word, true);
    for (const [index, run] of this.#runs.entries()) {
      const at = bytes - (this.#runs.length - index) * 16;
      view.setUint32(at, run.channel, true);
      view.setUint16(at + 4, run.place, true);
      view.setUint16(at + 6, run.records, true);
      view.setBigUint64(at + 8, run.base, true);
    }
    this.frames.push({ type, records: this.#words.length / RECORD_WORDS, payload });
    this.#words = [];
    this.#runs = [];
  }

  #put(batch: EventBatch, words: number[]): void {
    const venueBase = wide(batch.venueBaseHigh, batch.venueBaseLow);
    const receiveBase = wide(batch.receiveBaseHigh, batch.receiveBaseLow);
    const venue = venueBase + BigInt(words[WORD_VENUE_TIME]!);
    const receive = receiveBase + BigInt(words[WORD_RECEIVE_TIME]! >>> 0);
    const message = words[0]! >>> 16;
    const sequence = batch.sequenceBase === 0 ? 0n : BigInt(batch.sequenceBase + message);
    // Two more runs have their place in every frame.
    const bytes = 32 + (this.#words.length + words.length) * 4 + (this.#runs.length + 2) * 16;
    const fits =
      venue - this.#venue === BigInt.asIntN(32, venue - this.#venue) &&
      receive - this.#receive === BigInt.asUintN(32, receive - this.#receive);
    if (bytes > this.#payloadBytes || !fits) this.cut();
    if (this.#words.length === 0) {
      this.#venue = venueBase;
      this.#receive = receiveBase;
    }
    const last = this.#last.get(batch.channel);
    const place = sequence !== 0n && last?.sequence === sequence ? last.place + 1 : 0;
    this.#last.set(batch.channel, { sequence, place });
    let run = this.#runs.at(-1);
    if (
      run?.channel !== batch.channel ||
      (run.base === 0n) !== (sequence === 0n) ||
      (sequence !== 0n && (sequence < run.base || sequence - run.base > 65_535n))
    ) {
      run = { channel: batch.channel, place, base: sequence, records: 0 };
      this.#runs.push(run);
    }
    run.records += words.length / RECORD_WORDS;
    const number = sequence === 0n ? message : Number(sequence - run.base);
    words[0] = (words[0]! & 0xffff) | (number << 16);
    words[WORD_VENUE_TIME] = Number(venue - this.#venue);
    words[WORD_RECEIVE_TIME] = Number(receive - this.#receive) | 0;
    this.#words.push(...words);
  }
}

function wide(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}
