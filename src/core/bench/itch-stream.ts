import { Random } from '../binary/random.ts';
import { bigHigh, bigLow } from '../binary/time.ts';
import { PcapWriter } from '../capture/capture-writer.ts';
import {
  EXT_WORD_RELATED_ID,
  FLAG_ASK,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_REDUCE,
  KIND_REPLACE,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
} from '../event/record.ts';
import {
  BUY,
  OutgoingMessage,
  SELL,
  TYPE_ADD,
  TYPE_CANCEL,
  TYPE_DELETE,
  TYPE_EXECUTED,
  TYPE_REPLACE,
} from '../feeds/itch/message-writer.ts';
import { MoldPacketEncoder } from '../feeds/itch/mold-encoder.ts';
import { EventCursor } from './event-cursor.ts';
import type { EventSource } from './event-stream.ts';

/** A packet holds 1 to this many messages, every number as often as the others. */
const PACKET_MESSAGES_MAX = 20;
const PACKET_BYTES_MAX = 1400;
/** Time from one message to the next, ns. */
const MESSAGE_GAP_NS = 100;
/** 2025-09-24 09:30:00 in New York: as ns since 1970, and since midnight there. */
const OPEN_UTC_NS = 1_758_720_600_000_000_000n;
const OPEN_NS = 34_200_000_000_000;
const PORT = 26_477;
const SYMBOL_LETTERS = 26;

/**
 * The events of a source as ITCH in MoldUDP64 packets: `next` answers one packet after the other. The records of
 * the source must keep to what ITCH can say (changes of the kind `replace`).
 */
export class ItchPackets {
  /** Messages in all packets so far. */
  messages = 0;
  readonly #events: EventCursor;
  readonly #random: Random;
  readonly #encoder: MoldPacketEncoder = new MoldPacketEncoder({
    session: 'BENCH',
    sequence: 1,
    packetBytesMax: PACKET_BYTES_MAX,
  });
  readonly #message: OutgoingMessage = new OutgoingMessage();

  constructor(source: EventSource, seed: number) {
    this.#events = new EventCursor(source);
    this.#random = new Random(seed);
  }

  /** ns since the open at which the last packet was sent. */
  get elapsedNs(): number {
    return this.messages * MESSAGE_GAP_NS;
  }

  /**
   * A packet of at most `messagesMax` messages, of the source's fill or its steady part. Valid until the next call.
   */
  next(filling: boolean, messagesMax: number): Uint8Array<ArrayBuffer> {
    const wanted = Math.min(messagesMax, 1 + this.#random.below(PACKET_MESSAGES_MAX));
    for (let count = 0; count < wanted; count += 1) {
      this.#events.prepare(filling, messagesMax - count);
      this.#translate();
      // A packet that is full before it has all its messages is sent as it is.
      if (!this.#encoder.append(this.#message)) break;
      this.#events.advance();
      this.messages += 1;
    }
    return this.#encoder.finish();
  }

  #translate(): void {
    const { words, at } = this.#events;
    const message = this.#message;
    const book = words[at + WORD_BOOK]!;
    message.locate = book + 1;
    message.setTime(OPEN_NS + this.messages * MESSAGE_GAP_NS);
    message.orderLow = words[at + WORD_ID]!;
    message.orderHigh = words[at + WORD_ID + 1]!;
    message.shares = words[at + WORD_QUANTITY]!;
    message.price = words[at + WORD_PRICE]!;
    switch (words[at]! & 255) {
      case KIND_ADD:
        message.type = TYPE_ADD;
        message.side = (words[at]! & (FLAG_ASK << 8)) !== 0 ? SELL : BUY;
        message.stockFirst = symbolWord(book);
        break;
      case KIND_DELETE:
        message.type = TYPE_DELETE;
        break;
      case KIND_EXECUTE:
        message.type = TYPE_EXECUTED;
        message.matchLow = this.messages | 0;
        break;
      case KIND_REDUCE:
        message.type = TYPE_CANCEL;
        break;
      case KIND_REPLACE: {
        const related = at + RECORD_WORDS + EXT_WORD_RELATED_ID;
        message.type = TYPE_REPLACE;
        message.newOrderLow = message.orderLow;
        message.newOrderHigh = message.orderHigh;
        message.orderLow = words[related]!;
        message.orderHigh = words[related + 1]!;
        break;
      }
      default:
        throw new RangeError(`ITCH has no message for events of kind ${words[at]! & 255}`);
    }
  }
}

/**
 * A capture of ITCH packets: first adds until `source` has its live orders, then its mix until the file has
 * `bytes`. @returns the messages written.
 */
export function writeItchCapture(
  source: EventSource,
  live: number,
  seed: number,
  bytes: number,
  sink: (chunk: Uint8Array) => void,
): number {
  let written = 0;
  const writer = new PcapWriter((chunk) => {
    written += chunk.length;
    sink(chunk);
  });
  const packets = new ItchPackets(source, seed);
  const header = {
    timeHigh: 0,
    timeLow: 0,
    ipVersion: 4,
    source: Int32Array.of(0, 0, 0, 0x0a000001),
    sourcePort: PORT,
    destination: Int32Array.of(0, 0, 0, 0xe9360c6f | 0),
    destinationPort: PORT,
  };
  while (packets.messages < live || written < bytes) {
    const filling = packets.messages < live;
    const payload = packets.next(filling, filling ? live - packets.messages : PACKET_MESSAGES_MAX);
    const time = OPEN_UTC_NS + BigInt(packets.elapsedNs);
    header.timeHigh = bigHigh(time);
    header.timeLow = bigLow(time);
    writer.writeUdp(header, payload, 0, payload.length);
  }
  writer.flush();
  return packets.messages;
}

/** `AA` to `ZZ` and two blanks. */
function symbolWord(book: number): number {
  const first = 65 + Math.floor(book / SYMBOL_LETTERS);
  return (first << 24) | ((65 + (book % SYMBOL_LETTERS)) << 16) | 0x2020;
}
