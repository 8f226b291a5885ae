import { nsBetween } from '../../binary/time.ts';
import type { EventBatch } from '../../event/batch.ts';
import {
  FLAG_EXTENDED,
  FLAG_LAST,
  KIND_GAP,
  KIND_RESET,
  KIND_SESSION,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../../event/record.ts';

const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;
/** Which event ends a group can depend on how the events were handed over. */
const HEAD_CONTENT: number = 0xffff & ~(FLAG_LAST << 8);
const TWO_32 = 4294967296;

/** Is the event at word `at` one of the transport itself, of a whole channel? No message of the wire made it. */
export function isOfTransport(words: Int32Array, at: number): boolean {
  const kind = words[at]! & 255;
  return (
    words[at + WORD_BOOK] === NO_BOOK && (kind === KIND_GAP || kind === KIND_RESET || kind === KIND_SESSION)
  );
}

/** Records of the event at word `at`. */
export function recordsOf(words: Int32Array, at: number): number {
  return (words[at]! & HEAD_EXTENDED) !== 0 ? 2 : 1;
}

/** Number of its message; 0 = none. */
export function sequenceOf(batch: EventBatch, at: number): number {
  return batch.sequenceBase === 0 ? 0 : batch.sequenceBase + (batch.words[at]! >>> 16);
}

/** ns from a time (halves) to the venue time of the event at word `at`. */
export function venueSince(batch: EventBatch, at: number, high: number, low: number): number {
  return nsBetween(batch.venueBaseHigh, batch.venueBaseLow, high, low) + batch.words[at + WORD_VENUE_TIME]!;
}

/** ns from a time (halves) to the receive time of the event at word `at`. */
export function receiveSince(batch: EventBatch, at: number, high: number, low: number): number {
  const base = nsBetween(batch.receiveBaseHigh, batch.receiveBaseLow, high, low);
  return base + (batch.words[at + WORD_RECEIVE_TIME]! >>> 0);
}

/** Two digests of 32 bits of what an event says. */
export interface Fingerprint {
  first: number;
  second: number;
}

/**
 * Takes the fingerprint of the event at word `at`: of all that the venue has sent, so not of its time of arrival, which
 * other lines and other receivers have another one of. A venue time that is only the time of arrival is left out as well.
 * @param withSequence false: the numbers of its messages are none of the venue's.
 */
export function takeFingerprint(
  into: Fingerprint,
  batch: EventBatch,
  at: number,
  withSequence: boolean,
): void {
  const { words } = batch;
  const records = recordsOf(words, at);
  let first = words[at]! & HEAD_CONTENT;
  let second = Math.imul(first, 0x9e3779b1);
  const take = (word: number): void => {
    first = Math.imul(first ^ word, 0xcc9e2d51);
    first = (first << 15) | (first >>> 17);
    second = Math.imul((second << 13) | (second >>> 19), 5) ^ Math.imul(word, 0x85ebca6b);
  };
  for (let word = at + WORD_BOOK; word < at + WORD_VENUE_TIME; word += 1) take(words[word]!);
  if (withSequence) {
    const sequence = sequenceOf(batch, at);
    take(sequence | 0);
    take(Math.floor(sequence / TWO_32));
  }
  if (receiveSince(batch, at, batch.venueBaseHigh, batch.venueBaseLow) !== words[at + WORD_VENUE_TIME]) {
    const low = (batch.venueBaseLow >>> 0) + words[at + WORD_VENUE_TIME]!;
    take(low | 0);
    take(batch.venueBaseHigh + Math.floor(low / TWO_32));
  }
  for (let word = at + RECORD_WORDS; word < at + records * RECORD_WORDS; word += 1) take(words[word]!);
  into.first = Math.imul(first ^ (first >>> 16), 0x85ebca6b);
  into.second = Math.imul(second ^ (second >>> 15), 0xc2b2ae35);
}
