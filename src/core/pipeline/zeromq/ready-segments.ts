import { FLAG_EXTENDED, RECORD_BYTES } from '../../event/record.ts';
import { EVENTS_HEAD_BYTES } from '../../journal/event-frames.ts';
import {
  FRAME_CLOSE,
  FRAME_CONTROL,
  FRAME_DICTIONARY,
  FRAME_EVENTS,
  FRAME_HEADER_BYTES,
  FRAME_SEGMENT,
  getU64,
} from '../../journal/frame.ts';
import { readBooks } from '../../journal/payload.ts';
import type { Last } from '../../publish/zeromq/batch-sender.ts';

const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

/**
 * Segments of one book each, whole and one behind the other, as batches: everything a batch says stands in its frames. The
 * topic is `SYMBOL.SOURCE|events`, with the instrument's number where it has no symbol.
 */
export function readySegments(bytes: Uint8Array): Last[] {
  const own = new Uint8Array(bytes);
  const view = new DataView(own.buffer);
  const found: Last[] = [];
  for (let at = 0; at < own.length; ) {
    const from = at;
    let count = 0;
    let end = false;
    let topic: string | null = null;
    do {
      const payload = at + FRAME_HEADER_BYTES;
      const length = view.getUint32(at + 8, true);
      const type = view.getUint8(at + 16);
      const records = view.getUint32(at + 20, true);
      if (type === FRAME_EVENTS || type === FRAME_CONTROL) count += eventsIn(view, payload, records);
      else if (type === FRAME_CLOSE) end = true;
      else if (type === FRAME_DICTIONARY) topic = topicOf(readBooks(view, payload, length, records));
      at = payload + length;
    } while (at < own.length && view.getUint8(at + 16) !== FRAME_SEGMENT);
    const batch = {
      kind: 'events' as const,
      streamHigh: view.getInt32(from + 44, true),
      streamLow: view.getInt32(from + 40, true),
      sequence: view.getUint32(from + 56, true),
      first: getU64(view, from + 32),
      count,
      end,
      payload: own.subarray(from, at),
    };
    found.push({ batch, topic });
  }
  return found;
}

function eventsIn(view: DataView, payload: number, records: number): number {
  let events = 0;
  for (let index = 0; index < records; index += 1) {
    const head = view.getInt32(payload + EVENTS_HEAD_BYTES + index * RECORD_BYTES, true);
    if ((head & HEAD_EXTENDED) !== 0) index += 1;
    events += 1;
  }
  return events;
}

function topicOf(books: ReturnType<typeof readBooks>): string | null {
  const book = typeof books === 'string' ? undefined : books[0];
  return book === undefined ? null : `${book.symbol ?? book.instrument}.${book.source}|events`;
}
