import type { ByteWindow } from '../../binary/byte-window.ts';
import type { EventBatch } from '../../event/batch.ts';
import {
  FLAG_ASK,
  FLAG_LAST,
  FLAG_ONE_SIDE,
  FLAG_SNAPSHOT,
  KIND_CLEAR,
  KIND_LEVEL,
  KIND_VENUE,
} from '../../event/record.ts';
import type { FeedCounts } from '../counts.ts';
import {
  ACTION_ADD,
  ACTION_CANCEL,
  ACTION_CLEAR,
  ACTION_FILL,
  ACTION_MODIFY,
  ACTION_NONE,
  ACTION_TRADE,
  F_MBP,
  F_TOB,
  SIDE_CHAR_ASK,
  SIDE_CHAR_BID,
  UNDEFINED_PRICE_HIGH,
  UNDEFINED_PRICE_LOW,
  UNDEFINED_SIZE,
  WORD_BYTES,
} from './layout.ts';
import { TYPE_MBO_ACTION, typeName } from './message-types.ts';
import { putEvent } from './put-event.ts';

/**
 * Decodes the mbo record at word `at` if it is not one plain event about an order: clears, records without effect,
 * aggregated levels, and what cannot be read. Even those must not swallow F_LAST: their group ends with a `venue`
 * event. The batch has room for two records; `delta`, `venue` and `receive` are the differences to its bases.
 */
export function decodeSpecialMbo(
  counts: FeedCounts,
  batch: EventBatch,
  window: ByteWindow,
  words: Int32Array,
  at: number,
  delta: number,
  venue: number,
  receive: number,
  book: number,
): void {
  const tail = words[at + 9];
  const action = (tail >>> 16) & 0xff;
  const type = TYPE_MBO_ACTION + action;
  const last = (tail >>> 7) & FLAG_LAST;
  const snapshot = (tail >>> 4) & FLAG_SNAPSHOT;
  const flags = last | snapshot;
  const ask = tail >>> 24 === SIDE_CHAR_ASK ? FLAG_ASK : 0;

  const refused = refusal(words, at);
  if (refused !== null) {
    const offset = window.base + at * WORD_BYTES;
    if (isAction(action)) counts.noteMalformed(`${typeName(type)} ${refused}`, 0, offset);
    else counts.noteUnknown(typeName(type), 0, offset);
    if (last !== 0)
      putEvent(batch, KIND_VENUE | (last << 8) | (delta << 16), book, 0, 0, 0, type, venue, receive);
    return;
  }

  counts.totals[0] += 1;
  counts.byType[type] += 1;
  if (action === ACTION_CLEAR) {
    putEvent(batch, KIND_CLEAR | (flags << 8) | (delta << 16), book, 0, 0, 0, 0, venue, receive);
  } else if (action === ACTION_NONE) {
    putEvent(batch, KIND_VENUE | (flags << 8) | (delta << 16), book, 0, 0, 0, type, venue, receive);
  } else {
    // What is left are A, C and M with F_TOB or F_MBP.
    const gone = action === ACTION_CANCEL;
    const topOfBook = (tail & F_TOB) !== 0;
    const level = !topOfBook || (!gone && isPriced(words, at));
    if (topOfBook) {
      const clear = snapshot | ask | FLAG_ONE_SIDE | (level ? 0 : last);
      putEvent(batch, KIND_CLEAR | (clear << 8) | (delta << 16), book, 0, 0, 0, 0, venue, receive);
    }
    if (level) {
      const head = KIND_LEVEL | ((flags | ask) << 8) | (delta << 16);
      putEvent(batch, head, book, 0, words[at + 6], words[at + 7], gone ? 0 : words[at + 8], venue, receive);
    }
  }
}

function isAction(action: number): boolean {
  switch (action) {
    case ACTION_ADD:
    case ACTION_CANCEL:
    case ACTION_CLEAR:
    case ACTION_FILL:
    case ACTION_MODIFY:
    case ACTION_NONE:
    case ACTION_TRADE:
      return true;
    default:
      return false;
  }
}

function isPriced(words: Int32Array, at: number): boolean {
  return words[at + 6] !== UNDEFINED_PRICE_LOW || words[at + 7] !== UNDEFINED_PRICE_HIGH;
}

/** Why an mbo record cannot become an event, or null. */
function refusal(words: Int32Array, at: number): string | null {
  const tail = words[at + 9];
  const action = (tail >>> 16) & 0xff;
  const side = tail >>> 24;
  if (!isAction(action)) return 'is no action';
  if (action === ACTION_CLEAR || action === ACTION_NONE) return null;
  const resting = action === ACTION_ADD || action === ACTION_CANCEL || action === ACTION_MODIFY;
  const aggregated = resting && (tail & (F_TOB | F_MBP)) !== 0;
  const needsSide = aggregated || action === ACTION_ADD || action === ACTION_MODIFY;
  if (needsSide && side !== SIDE_CHAR_BID && side !== SIDE_CHAR_ASK) return 'without side';
  const needsSize = !aggregated || (action !== ACTION_CANCEL && isPriced(words, at));
  return needsSize && words[at + 8] === UNDEFINED_SIZE ? 'with undefined size' : null;
}
