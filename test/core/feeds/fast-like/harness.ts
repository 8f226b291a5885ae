import { toBigInt, toBigUint } from '../../../../src/core/binary/time.ts';
import { EventBatch, type EventSink } from '../../../../src/core/event/batch.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_QUANTITY_ONLY,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXTENSION,
  KIND_MODIFY,
  KIND_TRADE,
  RECORD_WORDS,
} from '../../../../src/core/event/record.ts';
import { EventWriter } from '../../../../src/core/event/writer.ts';
import { FeedCounts } from '../../../../src/core/feeds/counts.ts';
import { FastLikePacketEncoder, OutgoingMessage } from '../../../../src/core/feeds/fast-like/encoder.ts';
import { fastLike } from '../../../../src/core/feeds/fast-like/index.ts';
import type { PacketDecoder } from '../../../../src/core/feeds/feed.ts';
import { Datagram } from '../../../../src/core/packet/datagram.ts';
import type { SlowMessage } from './slow.ts';

/** An event and where it stands. */
export interface SeenEvent {
  readonly sequence: number;
  readonly venueTime: bigint;
  readonly receiveTime: bigint;
  readonly message: SlowMessage;
}

/** Everything a decoder works with; turns events back into what the messages said. */
export class Bench implements EventSink {
  readonly counts: FeedCounts = new FeedCounts(fastLike.typeCount);
  readonly dictionary: Dictionary = new Dictionary();
  readonly seen: SeenEvent[] = [];
  readonly batchSizes: number[] = [];
  readonly writer: EventWriter;

  constructor(capacity = 64) {
    const batch = new EventBatch(capacity);
    // Whatever is left from before must not show.
    batch.words.fill(0x5a5a5a5a);
    this.writer = new EventWriter(batch, this);
  }

  decoder(channel = 0): PacketDecoder {
    const { dictionary, writer, counts } = this;
    return fastLike.packetDecoders!({ dictionary, writer, counts }).open({ channel, midnight: null });
  }

  get events(): SeenEvent[] {
    this.writer.flush();
    return this.seen;
  }

  get messages(): SlowMessage[] {
    return this.events.map(({ message }) => message);
  }

  get problems(): Record<string, number> {
    return Object.fromEntries([...this.counts.problems].map(([kind, { count }]) => [kind, count]));
  }

  accept(batch: EventBatch): void {
    const { words, count } = batch;
    this.batchSizes.push(count);
    for (let record = 0; record < count; record += 1) {
      const at = record * RECORD_WORDS;
      const message = this.#messageAt(words, at);
      if (message.template === 4) record += 1;
      this.seen.push({
        sequence: batch.sequenceBase + (words[at] >>> 16),
        venueTime: toBigInt(batch.venueBaseHigh, batch.venueBaseLow) + BigInt(words[at + 8]),
        receiveTime: toBigInt(batch.receiveBaseHigh, batch.receiveBaseLow) + BigInt(words[at + 9] >>> 0),
        message,
      });
    }
  }

  #messageAt(words: Int32Array, at: number): SlowMessage {
    const flags = (words[at] >>> 8) & 0xff;
    const ask = (flags & FLAG_ASK) !== 0;
    const id = toBigUint(words[at + 3], words[at + 2]);
    const price = toBigInt(words[at + 5], words[at + 4]);
    const quantity = toBigInt(words[at + 7], words[at + 6]);
    const expectFlags = (expected: number): void => {
      if ((flags & ~FLAG_ASK) !== expected) throw new Error(`flags ${flags}`);
    };
    switch (words[at] & 0xff) {
      case KIND_ADD:
        expectFlags(FLAG_LAST);
        return {
          template: 1,
          id,
          instrument: this.#instrument(words[at + 1]),
          side: Number(ask),
          price,
          quantity,
        };
      case KIND_MODIFY:
        expectFlags(FLAG_LAST | FLAG_QUANTITY_ONLY | FLAG_KEEP_PRIORITY);
        if (ask || words[at + 1] !== -1 || price !== 0n) throw new Error('a modify that says more');
        return { template: 2, id, quantity };
      case KIND_DELETE:
        expectFlags(FLAG_LAST);
        if (ask || words[at + 1] !== -1 || price !== 0n || quantity !== 0n)
          throw new Error('a delete that says more');
        return { template: 3, id };
      case KIND_TRADE: {
        expectFlags(FLAG_LAST | FLAG_EXTENDED);
        const second = at + RECORD_WORDS;
        const took = (words[second] >>> 8) & 0xff;
        if (words[second] !== (KIND_EXTENSION | (took << 8))) throw new Error('the second record');
        if (words.subarray(second + 1, second + RECORD_WORDS).some((word) => word !== 0))
          throw new Error('words that are zero');
        return {
          template: 4,
          instrument: this.#instrument(words[at + 1]),
          price,
          quantity,
          maker: id === 0n ? null : id,
          taker: took === 0 ? null : took - 1,
        };
      }
      default:
        throw new Error(`an event of kind ${words[at] & 0xff}`);
    }
  }

  #instrument(book: number): bigint {
    const { source, publisher, instrument, channel, priceScale, quantityScale, symbol } =
      this.dictionary.books[book]!;
    if (source !== 'fast-like' || publisher !== 0 || channel !== 0) throw new Error('another book');
    if (priceScale !== 0 || quantityScale !== 0 || symbol !== null) throw new Error('scales or a symbol');
    return instrument;
  }
}

/** A datagram with other bytes behind its payload. */
export function datagramOf(payload: Uint8Array, behind: Uint8Array): Datagram {
  const datagram = new Datagram();
  datagram.attach(Uint8Array.of(0xee, 0xee, 0xee, ...payload, ...behind));
  datagram.offset = 3;
  datagram.length = payload.length;
  datagram.packetNumber = 1;
  return datagram;
}

/** Appends a message as the encoder writes it. @returns whether it fit. */
export function append(encoder: FastLikePacketEncoder, message: SlowMessage): boolean {
  const out = new OutgoingMessage();
  const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
  const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));
  const setId = (id: bigint): void => {
    out.idLow = low(id);
    out.idHigh = high(id);
  };
  if ('quantity' in message) {
    out.quantityLow = low(message.quantity);
    out.quantityHigh = high(message.quantity);
  }
  if ('price' in message) {
    out.priceLow = low(message.price);
    out.priceHigh = high(message.price);
    out.instrument = low(message.instrument);
  }
  if ('id' in message) setId(message.id);
  switch (message.template) {
    case 1:
      out.ask = message.side !== 0;
      return encoder.add(out);
    case 2:
      return encoder.modify(out);
    case 3:
      return encoder.delete(out);
    default:
      out.hasMaker = message.maker !== null;
      if (message.maker !== null) setId(message.maker);
      out.hasTaker = message.taker !== null;
      out.ask = message.taker === 1;
      return encoder.trade(out);
  }
}

/** The packet that the encoder makes of some messages, which must fit. */
export function encoded(sequence: number, messages: readonly SlowMessage[]): Uint8Array {
  const encoder = new FastLikePacketEncoder({ sequence, packetBytesMax: 65_535 });
  for (const message of messages) if (!append(encoder, message)) throw new Error('it does not fit');
  return encoder.finish().slice();
}
