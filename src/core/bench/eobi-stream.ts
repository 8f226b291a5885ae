import { Random } from '../binary/random.ts';
import { bigHigh, bigLow } from '../binary/time.ts';
import {
  EXT_WORD_RELATED_ID,
  FLAG_ASK,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_REPLACE,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
} from '../event/record.ts';
import {
  ID_FULL_ORDER_EXECUTION,
  ID_ORDER_ADD,
  ID_ORDER_DELETE,
  ID_ORDER_MODIFY,
  ID_PARTIAL_ORDER_EXECUTION,
  RELEASES,
  SIDE_BUY,
  SIDE_SELL,
} from '../feeds/eobi/layout.ts';
import { OutgoingMessage } from '../feeds/eobi/outgoing-message.ts';
import { T7PacketEncoder } from '../feeds/eobi/packet-encoder.ts';
import { EventCursor } from './event-cursor.ts';
import type { EventSource } from './event-stream.ts';

/** A packet holds 1 to this many messages, every number as often as the others. */
const PACKET_MESSAGES_MAX = 20;
const PACKET_BYTES_MAX = 1400;
const MESSAGE_GAP_NS = 100;
const RELEASE = RELEASES['14.1'];
const SEGMENT = 688;
/** 2026-01-05 08:00 UTC. */
const OPEN_NS = 1_767_600_000_000_000_000n;

/** A message with the places of what the events of a source say. */
class EventMessage {
  readonly message: OutgoingMessage;
  readonly security: number;
  readonly key: number;
  readonly quantity: number;
  readonly side: number;
  readonly price: number;

  constructor(templateId: number, quantity: string, price: string) {
    this.message = new OutgoingMessage(RELEASE, templateId);
    this.security = this.message.at('SecurityID');
    this.key = this.message.at('TrdRegTSTimePriority');
    this.quantity = this.message.at(quantity);
    this.side = this.message.at('Side');
    this.price = this.message.at(price);
  }
}

/**
 * The events of a source as EOBI 14.1 packets of one product: `next` answers one packet after the other. The records of
 * the source must keep to what EOBI can say (changes of the kind `replace`).
 */
export class EobiPackets {
  messages = 0;
  readonly #events: EventCursor;
  readonly #random: Random;
  readonly #encoder: T7PacketEncoder = new T7PacketEncoder({
    release: RELEASE,
    partition: 1,
    packetBytesMax: PACKET_BYTES_MAX,
  });
  readonly #segment: { id: number; msgSeqNum: number } = { id: SEGMENT, msgSeqNum: 0 };
  readonly #add: EventMessage = new EventMessage(ID_ORDER_ADD, 'DisplayQty', 'Price');
  readonly #modify: EventMessage = new EventMessage(ID_ORDER_MODIFY, 'DisplayQty', 'Price');
  readonly #delete: EventMessage = new EventMessage(ID_ORDER_DELETE, 'DisplayQty', 'Price');
  readonly #full: EventMessage = new EventMessage(ID_FULL_ORDER_EXECUTION, 'LastQty', 'LastPx');
  readonly #partial: EventMessage = new EventMessage(ID_PARTIAL_ORDER_EXECUTION, 'LastQty', 'LastPx');
  readonly #previousKey: number = this.#modify.message.at('TrdRegTSPrevTimePriority');

  constructor(source: EventSource, seed: number) {
    this.#events = new EventCursor(source);
    this.#random = new Random(seed);
  }

  next(filling: boolean, messagesMax: number): Uint8Array<ArrayBuffer> {
    const wanted = Math.min(messagesMax, 1 + this.#random.below(PACKET_MESSAGES_MAX));
    for (let count = 0; count < wanted; count += 1) {
      this.#events.prepare(filling, messagesMax - count);
      // A packet that is full before it has all its messages is sent as it is.
      if (!this.#encoder.append(this.#segment, this.#translate())) break;
      this.#events.advance();
      this.messages += 1;
    }
    const time = OPEN_NS + BigInt(this.messages * MESSAGE_GAP_NS);
    return this.#encoder.finish(true, bigHigh(time), bigLow(time));
  }

  #translate(): OutgoingMessage {
    const { words, at } = this.#events;
    const { message, security, key, quantity, side, price } = this.#messageOf(words[at]! & 255);
    message.putInteger(security, words[at + WORD_BOOK]! + 1);
    message.put64(key, words[at + WORD_ID + 1]!, words[at + WORD_ID]!);
    message.putInteger(quantity, words[at + WORD_QUANTITY]!);
    message.putInteger(price, words[at + WORD_PRICE]!);
    message.put8(side, (words[at]! & (FLAG_ASK << 8)) !== 0 ? SIDE_SELL : SIDE_BUY);
    if (message === this.#modify.message) {
      const related = at + RECORD_WORDS + EXT_WORD_RELATED_ID;
      message.put64(this.#previousKey, words[related + 1]!, words[related]!);
    }
    return message;
  }

  #messageOf(kind: number): EventMessage {
    switch (kind) {
      case KIND_ADD:
        return this.#add;
      case KIND_DELETE:
        return this.#delete;
      case KIND_REPLACE:
        return this.#modify;
      case KIND_EXECUTE:
        return this.#full;
      default:
        return this.#partial;
    }
  }
}
