import { expect, test } from 'vitest';
import { Market } from '../../../src/core/book/market.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_ASK,
  KIND_ADD,
  KIND_LEVEL,
  NULL_PRICE_HIGH,
  RECORD_WORDS,
} from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { FRAME_HEADER_BYTES, FrameWriter, getU64 } from '../../../src/core/journal/frame.ts';
import { ImageLoader } from '../../../src/core/journal/image-loader.ts';
import { writeImage } from '../../../src/core/journal/image-writer.ts';

const RULES: BookRules = {
  idScope: 'bookSide',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

function booksOf(count: number): Dictionary {
  const dictionary = new Dictionary();
  for (let instrument = count; instrument > 0; instrument -= 1) {
    dictionary.add({
      source: 'x',
      publisher: 0,
      instrument: BigInt(instrument),
      channel: 0,
      priceScale: 2,
      quantityScale: 0,
      symbol: null,
    });
  }
  return dictionary;
}

function put(
  batch: EventBatch,
  kind: number,
  book: number,
  ask: boolean,
  id: number,
  price: number | null,
  quantity: number,
): void {
  const at = batch.count * RECORD_WORDS;
  const { words } = batch;
  words.fill(0, at, at + RECORD_WORDS);
  words[at] = kind | ((ask ? FLAG_ASK : 0) << 8);
  words[at + 1] = book;
  words[at + 2] = id;
  words[at + 4] = price ?? 0;
  words[at + 5] = price === null ? NULL_PRICE_HIGH : price < 0 ? -1 : 0;
  words[at + 6] = quantity;
  batch.count += 1;
}

test('an image brings back every order in its queue, levels, marks, and the hash', () => {
  const market = new Market(RULES, booksOf(4));
  const batch = new EventBatch();
  put(batch, KIND_ADD, 0, false, 10, null, 5);
  put(batch, KIND_ADD, 0, false, 11, -7, 4);
  put(batch, KIND_ADD, 0, false, 9, -7, 3);
  put(batch, KIND_ADD, 0, true, 10, 12, 3);
  put(batch, KIND_ADD, 2, true, 1, 5, 1);
  put(batch, KIND_LEVEL, 3, true, 17, 100, 50);
  market.apply(batch);
  market.restoreMarks([0], [1, 2]);

  const frames: { flags: number; records: number; bytes: Uint8Array<ArrayBuffer> }[] = [];
  const writer = new FrameWriter(
    (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const copy = Uint8Array.from(bytes);
      frames.push({ flags: view.getUint16(18, true), records: view.getUint32(20, true), bytes: copy });
    },
    { high: 0, low: 1 },
    FRAME_HEADER_BYTES + 3 * 40,
  );
  const channel = {
    channel: 0,
    isLost: true,
    lastSequence: 7,
    lastEvents: 1,
    nextTransport: 8,
    session: 'S1',
  };
  writeImage(writer, [market], { busCursor: 3, channels: [channel] });

  const loaded = new Market(RULES, market.dictionary);
  const loader = new ImageLoader({ sourceOf: () => 0, marketOf: () => loaded }, [0, 1, 2, 3]);
  for (const { flags, records, bytes } of frames) {
    const frame = {
      flags,
      records,
      payloadOffset: FRAME_HEADER_BYTES,
      payloadBytes: bytes.length - FRAME_HEADER_BYTES,
    };
    expect(getU64(new DataView(bytes.buffer), 32)).toBe(1);
    expect(loader.take(new DataView(bytes.buffer), frame)).toBeNull();
  }
  expect(loader.head).toEqual({ nextEvent: 1, busCursor: 3, channels: [channel] });
  expect(loader.end).toEqual({ records: 10, sums: [{ source: 0, ...stateHash(market) }] });
  expect(stateHash(loaded)).toEqual(stateHash(market));
  expect([...loaded.stale.subarray(0, 4)]).toEqual([0, 1, 1, 0]);
  expect(loaded.changes).toBe(market.changes);
  expect([...loaded.bookChanges]).toEqual([...market.bookChanges]);
  expect([...loaded.lostChannels]).toEqual([0]);
  expect(loaded.events.some((count) => count > 0)).toBe(false);
});
