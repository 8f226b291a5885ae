import { toBigInt, toBigUint } from '../../binary/time.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition, Dictionary } from '../../event/dictionary.ts';
import { WORD_BOOK, WORD_RECEIVE_TIME, WORD_VENUE_TIME } from '../../event/record.ts';

/** What every row begins with: the event that made it, and the book it is about. */
export interface RowHead {
  readonly channel: number;
  /** Message number in the channel; DBN: number of the record from 1. Null where messages have none. */
  readonly sequence: string | null;
  /** ns since 1970, or since midnight where the trading day is unknown. */
  readonly venueTime: string;
  /** ns since 1970; null where the input does not tell. */
  readonly receiveTime: string | null;
  /** These four are null where the event names no book, and `symbol` also while it is unknown. */
  readonly source: string | null;
  readonly publisher: number | null;
  readonly instrument: string | null;
  readonly symbol: string | null;
}

export const HEAD_COLUMNS: readonly (keyof RowHead)[] = [
  'channel',
  'sequence',
  'venueTime',
  'receiveTime',
  'source',
  'publisher',
  'instrument',
  'symbol',
];

/** The head of a row about the book that the event at word `at` names. */
export function headOf(batch: EventBatch, at: number, dictionary: Dictionary): RowHead {
  return headFor(batch, at, dictionary.books[batch.words[at + WORD_BOOK]!]);
}

/** The head of a row about another book, made by the event at word `at`. */
export function headFor(batch: EventBatch, at: number, book: BookDefinition | undefined): RowHead {
  const { words } = batch;
  const sequence = batch.sequenceBase + (words[at]! >>> 16);
  const venue = toBigInt(batch.venueBaseHigh, batch.venueBaseLow) + BigInt(words[at + WORD_VENUE_TIME]!);
  const receive =
    toBigUint(batch.receiveBaseHigh, batch.receiveBaseLow) + BigInt(words[at + WORD_RECEIVE_TIME]! >>> 0);
  return {
    channel: batch.channel,
    sequence: batch.sequenceBase === 0 ? null : String(sequence),
    venueTime: String(venue),
    receiveTime: receive === 0n ? null : String(receive),
    source: book?.source ?? null,
    publisher: book?.publisher ?? null,
    instrument: book === undefined ? null : String(book.instrument),
    symbol: book?.symbol ?? null,
  };
}
