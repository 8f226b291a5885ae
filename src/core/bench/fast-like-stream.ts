import { Random } from '../binary/random.ts';
import {
  FLAG_ASK,
  KIND_ADD,
  KIND_DELETE,
  KIND_MODIFY,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
} from '../event/record.ts';
import { FastLikePacketEncoder, OutgoingMessage } from '../feeds/fast-like/encoder.ts';
import { EventCursor } from './event-cursor.ts';
import type { EventSource } from './event-stream.ts';

/** A packet holds 1 to this many messages, every number as often as the others. */
const PACKET_MESSAGES_MAX = 20;
const PACKET_BYTES_MAX = 1400;

/**
 * The events of a source as FAST-like packets: `next` answers one packet after the other. The records of the source must
 * keep to what the format can say (changes of quantity).
 */
export class FastLikePackets {
  messages = 0;
  readonly #events: EventCursor;
  readonly #random: Random;
  readonly #encoder: FastLikePacketEncoder = new FastLikePacketEncoder({
    sequence: 1,
    packetBytesMax: PACKET_BYTES_MAX,
  });
  readonly #message: OutgoingMessage = new OutgoingMessage();

  constructor(source: EventSource, seed: number) {
    this.#events = new EventCursor(source);
    this.#random = new Random(seed);
  }

  next(filling: boolean, messagesMax: number): Uint8Array<ArrayBuffer> {
    const wanted = Math.min(messagesMax, 1 + this.#random.below(PACKET_MESSAGES_MAX));
    for (let count = 0; count < wanted; count += 1) {
      this.#events.prepare(filling, messagesMax - count);
      // A packet that is full before it has all its messages is sent as it is.
      if (!this.#append()) break;
      this.#events.advance();
      this.messages += 1;
    }
    return this.#encoder.finish();
  }

  #append(): boolean {
    const { words, at } = this.#events;
    const message = this.#message;
    message.idLow = words[at + WORD_ID]!;
    message.idHigh = words[at + WORD_ID + 1]!;
    message.instrument = words[at + WORD_BOOK]! + 1;
    message.ask = (words[at]! & (FLAG_ASK << 8)) !== 0;
    message.priceLow = words[at + WORD_PRICE]!;
    message.quantityLow = words[at + WORD_QUANTITY]!;
    switch (words[at]! & 255) {
      case KIND_ADD:
        return this.#encoder.add(message);
      case KIND_MODIFY:
        return this.#encoder.modify(message);
      case KIND_DELETE:
        return this.#encoder.delete(message);
      default:
        throw new RangeError(`FAST-like has no message for events of kind ${words[at]! & 255}`);
    }
  }
}
