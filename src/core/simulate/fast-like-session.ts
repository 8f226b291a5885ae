import { FastLikePacketEncoder, OutgoingMessage } from '../feeds/fast-like/encoder.ts';
import {
  NUMBER_BYTES,
  SCALE,
  TEMPLATE_ADD,
  TEMPLATE_DELETE,
  TEMPLATE_MODIFY,
  TEMPLATE_TRADE,
  typeName,
} from '../feeds/fast-like/layout.ts';
import {
  ACTION_ADD,
  ACTION_DELETE,
  ACTION_EXECUTE,
  ACTION_MODIFY,
  ACTION_REDUCE,
  ACTION_REPLACE,
  ACTION_RESIZE,
  ACTION_TRADE,
  type Action,
  type ActionSource,
} from './action.ts';
import type { FeedSession, LineFile } from './feed-session.ts';
import { type LineProfile, PacketLine } from './line.ts';
import { countsByName, type PacketShape } from './packet-shape.ts';
import { PlainBooks, type ToldBooks } from './told-books.ts';

const PACKET_BYTES_MAX = 1400;
const MESSAGES_MAX = 40;
/** A message waits at most so long for others of its packet. */
const HOLD_NS = 20_000;
const HEAD_BYTES = 3;
const TYPE_COUNT = 256;
const TWO_32 = 4294967296;

const PROFILES: Readonly<Record<'A' | 'B', LineProfile>> = {
  A: {
    name: 'A',
    group: '239.10.10.1',
    port: 5001,
    source: '10.10.0.1',
    sourcePort: 15_001,
    latencyNs: 4_000,
  },
  B: {
    name: 'B',
    group: '239.10.10.2',
    port: 5002,
    source: '10.10.0.2',
    sourcePort: 15_002,
    latencyNs: 6_500,
  },
};

/** FAST-like packets; the encoder's messages have heads of three bytes. */
const SHAPE: PacketShape = {
  typeCount: TYPE_COUNT,
  typeName,
  tally(payload, messages, byType) {
    let at = NUMBER_BYTES;
    for (let left = messages; left > 0; left -= 1) {
      byType[payload[at + 1]] += 1;
      at += HEAD_BYTES + payload[at + 2];
    }
  },
  /** The first byte of the packet's number, which then is beyond every number there can be. */
  framingByte() {
    return 0;
  },
  byteInside(payload, messages, random) {
    let at = NUMBER_BYTES;
    for (let skip = random.below(messages); skip > 0; skip -= 1) at += HEAD_BYTES + payload[at + 2];
    return at + HEAD_BYTES + random.below(payload[at + 2]);
  },
};

/**
 * Writes actions as FAST-like messages, the same packets on each line. An execution is a trade that names the order,
 * and then what is left of it; an order that gets another id is deleted and added. What the format has no message for
 * is left out.
 */
export class FastLikeSession implements FeedSession {
  readonly lines: readonly PacketLine[];
  readonly session = null;
  readonly books: ToldBooks;
  readonly #source: ActionSource;
  readonly #encoder: FastLikePacketEncoder = new FastLikePacketEncoder({
    sequence: 1,
    packetBytesMax: PACKET_BYTES_MAX,
  });
  readonly #message: OutgoingMessage = new OutgoingMessage();
  readonly #byType: Float64Array = new Float64Array(TYPE_COUNT);
  #messages = 0;
  #opened = 0;

  constructor(source: ActionSource, files: readonly LineFile[]) {
    this.#source = source;
    this.lines = files.map(({ name, openWire }) => {
      const profile = PROFILES[name];
      return new PacketLine(profile, SHAPE, openWire(profile, SHAPE));
    });
    // Prices and quantities are plain integers: those of the source, in its smallest unit.
    this.books = new PlainBooks(source, SCALE, 0, 1n);
  }

  take(action: Action): void {
    const { kind, time } = action;
    if (this.#messages > 0 && time > this.#opened + HOLD_NS) this.#send(this.#opened + HOLD_NS);
    switch (kind) {
      case ACTION_ADD:
        this.#order(action, action.idHigh, action.idLow, action.quantity);
        this.#append(TEMPLATE_ADD, time);
        break;
      case ACTION_REPLACE:
        this.#order(action, action.idHigh, action.idLow, 0);
        this.#append(TEMPLATE_DELETE, time);
        this.#order(action, action.newIdHigh, action.newIdLow, action.quantity);
        this.#append(TEMPLATE_ADD, time);
        break;
      case ACTION_REDUCE:
        this.#order(action, action.idHigh, action.idLow, action.left);
        this.#append(TEMPLATE_MODIFY, time);
        break;
      case ACTION_RESIZE:
        this.#order(action, action.idHigh, action.idLow, action.quantity);
        this.#append(TEMPLATE_MODIFY, time);
        break;
      case ACTION_DELETE:
        this.#order(action, action.idHigh, action.idLow, 0);
        this.#append(TEMPLATE_DELETE, time);
        break;
      case ACTION_EXECUTE:
        this.#execute(action);
        break;
      case ACTION_TRADE:
        this.#order(action, 0, 0, action.quantity);
        this.#message.hasMaker = false;
        this.#message.hasTaker = false;
        this.#append(TEMPLATE_TRADE, time);
        break;
      case ACTION_MODIFY:
        throw new RangeError('the FAST-like format has no message that gives an order another price');
    }
  }

  finish(time: number): void {
    this.#send(time);
    for (const { wire } of this.lines) wire.finish();
  }

  messagesByType(): Record<string, number> {
    return countsByName(SHAPE, this.#byType);
  }

  #execute(action: Action): void {
    const { executionPrice, quantity, left, time } = action;
    const message = this.#message;
    this.#order(action, action.idHigh, action.idLow, quantity);
    message.hasMaker = true;
    message.hasTaker = true;
    message.ask = action.ask === 0;
    if (executionPrice !== 0) this.#price(executionPrice);
    this.#append(TEMPLATE_TRADE, time);
    this.#order(action, action.idHigh, action.idLow, left);
    this.#append(left === 0 ? TEMPLATE_DELETE : TEMPLATE_MODIFY, time);
  }

  #order(action: Action, idHigh: number, idLow: number, quantity: number): void {
    const message = this.#message;
    message.idHigh = idHigh;
    message.idLow = idLow;
    message.instrument = this.#source.instruments[action.instrument].number;
    message.ask = action.ask === 1;
    message.quantityHigh = Math.floor(quantity / TWO_32);
    message.quantityLow = quantity | 0;
    this.#price(action.price);
  }

  #price(price: number): void {
    this.#message.priceHigh = Math.floor(price / TWO_32);
    this.#message.priceLow = price | 0;
  }

  #append(template: number, time: number): void {
    if (!this.#write(template)) {
      this.#send(time);
      this.#write(template);
    }
    this.#byType[template] += 1;
    if (this.#messages === 0) this.#opened = time;
    this.#messages += 1;
    if (this.#messages === MESSAGES_MAX) this.#send(time);
  }

  #write(template: number): boolean {
    const encoder = this.#encoder;
    const message = this.#message;
    switch (template) {
      case TEMPLATE_ADD:
        return encoder.add(message);
      case TEMPLATE_MODIFY:
        return encoder.modify(message);
      case TEMPLATE_DELETE:
        return encoder.delete(message);
      default:
        return encoder.trade(message);
    }
  }

  #send(time: number): void {
    if (this.#messages === 0) return;
    const packet = this.#encoder.finish();
    for (const line of this.lines) line.send(packet, this.#messages, time);
    this.#messages = 0;
  }
}
