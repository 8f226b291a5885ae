import { encodeMessage, type FieldValue } from '../feeds/eobi/fields.ts';
import {
  ID_ADD_COMPLEX_INSTRUMENT,
  ID_ADD_FLEXIBLE_INSTRUMENT,
  ID_AUCTION_BBO,
  ID_EXECUTION_SUMMARY,
  ID_FULL_ORDER_EXECUTION,
  ID_INSTRUMENT_STATE_CHANGE,
  ID_ORDER_ADD,
  ID_ORDER_DELETE,
  ID_ORDER_MODIFY,
  ID_ORDER_MODIFY_SAME_PRIO,
  ID_PARTIAL_ORDER_EXECUTION,
  ID_PRODUCT_STATE_CHANGE,
  ID_TRADE_REPORT,
  ID_TRADE_REVERSAL,
  SIDE_BUY,
  SIDE_SELL,
} from '../feeds/eobi/layout.ts';
import { type MarketSegment, messagesIn, T7PacketEncoder } from '../feeds/eobi/packet-encoder.ts';
import {
  ACTION_ADD,
  ACTION_BREAK,
  ACTION_CROSS,
  ACTION_DELETE,
  ACTION_DIRECTORY,
  ACTION_EXECUTE,
  ACTION_MODIFY,
  ACTION_REDUCE,
  ACTION_REPLACE,
  ACTION_RESIZE,
  ACTION_STATE,
  ACTION_SYSTEM,
  ACTION_TRADE,
  type Action,
  type ActionSource,
} from './action.ts';
import { EobiBooks } from './eobi-books.ts';
import { FIXTURE_PACKET_MESSAGES } from './eobi-fixture.ts';
import { openT7Line, PACKET_BYTES_MAX } from './eobi-lines.ts';
import { EobiSnapshots } from './eobi-snapshots.ts';
import { CONTINUOUS, EobiTemplates, RELEASE, type Template } from './eobi-templates.ts';
import type { FeedSession, LineFile } from './feed-session.ts';
import type { PacketLine } from './line.ts';
import { UnixTime } from './unix-time.ts';

export interface EobiSessionOptions {
  readonly source: ActionSource;
  /** ns since 1970 of the midnight that times count from. */
  readonly midnight: bigint;
  readonly files: readonly LineFile[];
  /** The public fixture: one product, four messages a packet, no snapshots. */
  readonly isFixture: boolean;
  /** From one snapshot of a product to the next; the products take turns. */
  readonly snapshotNs: number;
}

/** Products of the exchange, their instruments taking turns; and that of the fixture. */
const SEGMENTS = [688, 689] as const;
const PARTITION = 2;
const FIXTURE_SEGMENT = 77;
const FIXTURE_PARTITION = 3;
/** Transactions wait at most so long for others of their packet, and so many share one. */
const HOLD_NS = 20_000;
const TRANSACTIONS_MAX = 12;
const HEARTBEAT_NS = 1e9;
/** Heartbeats at the end: they tell when the last packet is missing, and one of them may be, too. */
const LAST_HEARTBEATS = 3;
/** TradSesStatus by the exchange's system events: open in the market hours, else closed. */
const SESSION_OPEN = 2;
const SESSION_CLOSED = 3;
const MARKET_HOURS_BEGIN = 0x51;
/** TradeReport of an auction. */
const MATCH_AUCTION = 7;
const SUMMARY_ORDERS_MAX = 0xfffe;

/**
 * Writes actions as EOBI 14.1: changes on one channel, and snapshots of every product again and again on another, the
 * same packets on each line. An order is known by the time it came in.
 */
export class EobiSession implements FeedSession {
  readonly lines: readonly PacketLine[];
  readonly session = null;
  readonly books: EobiBooks;
  readonly #source: ActionSource;
  readonly #isFixture: boolean;
  readonly #snapshotNs: number;
  readonly #changeLines: readonly PacketLine[];
  readonly #snapshotLines: readonly PacketLine[];
  readonly #changes: T7PacketEncoder;
  readonly #snapshots: EobiSnapshots;
  readonly #segments: readonly MarketSegment[];
  /** The same products on the snapshot channel, which numbers its messages on its own. */
  readonly #snapshotSegments: readonly MarketSegment[];
  readonly #templates: EobiTemplates;
  readonly #time: UnixTime;
  /** Times in ns since midnight: of the open packet's first transaction, of the last packet, of the next cycle. */
  #opened = 0;
  #sent = 0;
  #nextCycle = 0;
  #nextProduct = 0;
  #transactions = 0;

  constructor({ source, midnight, files, isFixture, snapshotNs }: EobiSessionOptions) {
    this.#source = source;
    this.#isFixture = isFixture;
    this.#snapshotNs = snapshotNs;
    this.books = new EobiBooks(source, isFixture);
    this.#time = new UnixTime(midnight);
    this.#templates = new EobiTemplates(this.books, midnight);
    this.#changeLines = files.map((file) => openT7Line(file, false));
    this.#snapshotLines = isFixture ? [] : files.map((file) => openT7Line(file, true));
    this.lines = [...this.#changeLines, ...this.#snapshotLines];
    const partition = isFixture ? FIXTURE_PARTITION : PARTITION;
    const options = { release: RELEASE, partition, packetBytesMax: PACKET_BYTES_MAX };
    this.#changes = new T7PacketEncoder(options);
    this.#snapshots = new EobiSnapshots(
      source,
      this.books,
      this.#templates,
      this.#snapshotLines,
      partition,
      midnight,
    );
    const numbers = isFixture ? [FIXTURE_SEGMENT] : SEGMENTS;
    this.#segments = numbers.map((id) => ({ id, msgSeqNum: 0 }));
    this.#snapshotSegments = numbers.map((id) => ({ id, msgSeqNum: 0 }));
  }

  take(action: Action): void {
    const { kind, instrument } = action;
    this.#pass(action.time);
    if (kind === ACTION_SYSTEM) {
      for (const segment of this.#segments) this.#productState(segment, action);
      this.#snapshot(action.time);
      return;
    }
    const segment = this.#segmentOf(instrument);
    // A packet is of one product.
    if (this.#changes.segment !== null && this.#changes.segment !== segment) this.#send(action.time);
    switch (kind) {
      case ACTION_DIRECTORY:
        this.#definition(segment, action);
        break;
      case ACTION_STATE:
        this.#instrumentState(segment, action);
        break;
      case ACTION_ADD:
        this.#order(segment, action, ID_ORDER_ADD, action.quantity);
        break;
      case ACTION_REPLACE:
        this.#modify(segment, action);
        break;
      case ACTION_REDUCE:
        this.#resize(segment, action, action.left + action.quantity, action.left);
        break;
      case ACTION_RESIZE:
        this.#resize(segment, action, action.oldQuantity, action.quantity);
        break;
      case ACTION_DELETE:
        this.#order(segment, action, ID_ORDER_DELETE, action.quantity);
        break;
      case ACTION_EXECUTE:
        this.#execute(segment, action);
        break;
      case ACTION_TRADE:
        this.#print(segment, action);
        break;
      case ACTION_CROSS:
        this.#auction(segment, action);
        break;
      case ACTION_BREAK:
        this.#reverse(segment, action);
        break;
      case ACTION_MODIFY:
        throw new RangeError('EOBI gives an order that loses its place another time priority');
    }
    this.#transactions += 1;
    if (this.#transactions === (this.#isFixture ? FIXTURE_PACKET_MESSAGES : TRANSACTIONS_MAX))
      this.#send(action.time);
    this.#snapshot(action.time);
  }

  finish(time: number): void {
    this.#send(time);
    if (!this.#isFixture) {
      for (const index of this.#segments.keys()) this.#cycle(index, time + 1);
      for (let beat = 1; beat <= LAST_HEARTBEATS; beat += 1) this.#heartbeats(time + beat * HEARTBEAT_NS);
    }
    for (const { wire } of this.lines) wire.finish();
  }

  messagesByType(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const line of [this.#changeLines[0], this.#snapshotLines[0]]) {
      for (const [type, count] of Object.entries(line?.messagesByType() ?? {}))
        counts[type] = (counts[type] ?? 0) + count;
    }
    return counts;
  }

  #segmentOf(instrument: number): MarketSegment {
    return this.#segments[instrument % this.#segments.length];
  }

  /** Time goes on to `time`: what has waited long enough goes out, and heartbeats. */
  #pass(time: number): void {
    if (this.#isFixture) return;
    if (this.#changes.count > 0 && time > this.#opened + HOLD_NS) this.#send(this.#opened + HOLD_NS);
    if (this.#sent === 0) this.#sent = time;
    if (this.#nextCycle === 0) this.#nextCycle = time + this.#snapshotNs / this.#segments.length;
    while (this.#changes.count === 0 && time - this.#sent > HEARTBEAT_NS)
      this.#heartbeats(this.#sent + HEARTBEAT_NS);
  }

  /** Snapshots the next product when it is time to. The exchange's books have the effect of all that was taken. */
  #snapshot(time: number): void {
    if (this.#isFixture || time < this.#nextCycle) return;
    // What a snapshot contains has been sent before it.
    this.#send(time);
    this.#cycle(this.#nextProduct, time);
    this.#nextProduct = (this.#nextProduct + 1) % this.#segments.length;
    this.#nextCycle = time + this.#snapshotNs / this.#segments.length;
  }

  /** Sends the open packet of changes, if there is one. */
  #send(time: number, isComplete = true): void {
    this.#transactions = 0;
    if (this.#changes.count === 0) return;
    this.#time.set(time);
    const packet = this.#changes.finish(isComplete, this.#time.high, this.#time.low);
    this.#sent = time;
    this.#put(this.#changeLines, packet, time);
  }

  #put(lines: readonly PacketLine[], packet: Uint8Array, time: number): void {
    const messages = messagesIn(packet);
    for (const line of lines) line.send(packet, messages, time);
  }

  #heartbeats(time: number): void {
    this.#time.set(time);
    this.#sent = time;
    for (const segment of this.#segments) {
      const packet = this.#changes.heartbeat(segment, this.#time.high, this.#time.low);
      for (const { wire } of this.#changeLines) wire.ledger.heartbeats += 1;
      this.#put(this.#changeLines, packet, time);
    }
  }

  /** Appends a message of the transaction in hand; what is full in the middle of one goes out incomplete. */
  #append(segment: MarketSegment, { message }: Template, time: number, isFirst: boolean): void {
    if (!this.#changes.append(segment, message)) {
      this.#send(time, isFirst);
      this.#changes.append(segment, message);
    }
    if (this.#changes.count === 1) this.#opened = time;
  }

  #begin(templateId: number, action: Action): Template {
    return this.#templates.begin(templateId, action.instrument, action.time);
  }

  #stamp(template: Template, name: string): void {
    this.#templates.stamp(template, name);
  }

  #details(template: Template, action: Action, quantity: number): void {
    template.integer('DisplayQty', this.#quantity(quantity));
    template.byte('Side', action.ask === 1 ? SIDE_SELL : SIDE_BUY);
    template.integer('Price', this.books.price(action.instrument, action.price));
  }

  #quantity(quantity: number): bigint {
    return BigInt(quantity) * this.books.quantityFactor;
  }

  /** OrderAdd, or OrderDelete. */
  #order(segment: MarketSegment, action: Action, templateId: number, quantity: number): void {
    const template = this.#begin(templateId, action);
    this.#stamp(template, 'RequestTime');
    if (templateId === ID_ORDER_DELETE) this.#stamp(template, 'TransactTime');
    template.halves('TrdRegTSTimePriority', action.idHigh, action.idLow);
    this.#details(template, action, quantity);
    this.#append(segment, template, action.time, true);
  }

  #modify(segment: MarketSegment, action: Action): void {
    const template = this.#begin(ID_ORDER_MODIFY, action);
    this.#stamp(template, 'RequestTime');
    template.halves('TrdRegTSPrevTimePriority', action.idHigh, action.idLow);
    template.integer('PrevPrice', this.books.price(action.instrument, action.oldPrice));
    template.integer('PrevDisplayQty', this.#quantity(action.oldQuantity));
    template.halves('TrdRegTSTimePriority', action.newIdHigh, action.newIdLow);
    this.#details(template, action, action.quantity);
    this.#append(segment, template, action.time, true);
  }

  #resize(segment: MarketSegment, action: Action, from: number, to: number): void {
    const template = this.#begin(ID_ORDER_MODIFY_SAME_PRIO, action);
    this.#stamp(template, 'RequestTime');
    this.#stamp(template, 'TransactTime');
    template.integer('PrevDisplayQty', this.#quantity(from));
    template.halves('TrdRegTSTimePriority', action.idHigh, action.idLow);
    this.#details(template, action, to);
    this.#append(segment, template, action.time, true);
  }

  /** A match step: its summary, and the execution of the resting order. */
  #execute(segment: MarketSegment, action: Action): void {
    const { instrument, executionPrice } = action;
    const quantity = this.#quantity(action.quantity);
    const price = this.books.price(instrument, executionPrice === 0 ? action.price : executionPrice);
    if (!this.#isFixture) {
      const summary = this.#begin(ID_EXECUTION_SUMMARY, action);
      this.#stamp(summary, 'RequestTime');
      this.#stamp(summary, 'ExecID');
      this.#stamp(summary, 'AggressorTime');
      summary.integer('LastQty', quantity);
      summary.byte('AggressorSide', action.ask === 1 ? SIDE_BUY : SIDE_SELL);
      summary.integer('LastPx', price);
      this.#append(segment, summary, action.time, true);
    }
    const isFull = action.left === 0;
    const execution = this.#begin(isFull ? ID_FULL_ORDER_EXECUTION : ID_PARTIAL_ORDER_EXECUTION, action);
    execution.byte('Side', action.ask === 1 ? SIDE_SELL : SIDE_BUY);
    execution.word('TrdMatchID', action.match | 0);
    execution.integer('Price', this.books.price(instrument, action.price));
    execution.halves('TrdRegTSTimePriority', action.idHigh, action.idLow);
    execution.integer('LastQty', quantity);
    execution.integer('LastPx', price);
    this.#append(segment, execution, action.time, this.#isFixture);
  }

  #print(segment: MarketSegment, action: Action): void {
    const template = this.#begin(ID_TRADE_REPORT, action);
    this.#stamp(template, 'TransactTime');
    template.integer('LastQty', this.#quantity(action.quantity));
    template.integer('LastPx', this.books.price(action.instrument, action.price));
    template.word('TrdMatchID', action.match | 0);
    template.byte('MatchType', MATCH_AUCTION);
    this.#append(segment, template, action.time, true);
  }

  #auction(segment: MarketSegment, action: Action): void {
    const template = this.#begin(ID_AUCTION_BBO, action);
    this.#stamp(template, 'TransactTime');
    this.#append(segment, template, action.time, true);
  }

  #reverse(segment: MarketSegment, action: Action): void {
    const template = this.#begin(ID_TRADE_REVERSAL, action);
    this.#stamp(template, 'TransactTime');
    this.#stamp(template, 'TrdRegTSExecutionTime');
    template.word('TrdMatchID', action.match | 0);
    template.byte('NoMDEntries', 0);
    this.#append(segment, template, action.time, true);
  }

  #productState(segment: MarketSegment, action: Action): void {
    if (this.#changes.segment !== segment) this.#send(action.time);
    const template = this.#templates.begin(ID_PRODUCT_STATE_CHANGE, -1, action.time);
    this.#stamp(template, 'TransactTime');
    template.byte('TradSesStatus', action.code === MARKET_HOURS_BEGIN ? SESSION_OPEN : SESSION_CLOSED);
    this.#append(segment, template, action.time, true);
  }

  #instrumentState(segment: MarketSegment, action: Action): void {
    const template = this.#begin(ID_INSTRUMENT_STATE_CHANGE, action);
    this.#stamp(template, 'TransactTime');
    template.byte('SecurityTradingStatus', CONTINUOUS);
    this.#append(segment, template, action.time, true);
  }

  /** Names the instrument: a spread as a complex instrument of two legs, another one as a flexible one. */
  #definition(segment: MarketSegment, action: Action): void {
    const isSpread = this.books.isSpread(action.instrument);
    const template = this.#begin(isSpread ? ID_ADD_COMPLEX_INSTRUMENT : ID_ADD_FLEXIBLE_INSTRUMENT, action);
    const { bytes, layout } = template.message;
    const fields: Record<string, FieldValue> = {
      SecurityID: this.books.instrument(action.instrument),
      SecurityDesc: this.#source.instruments[action.instrument].symbol,
      ...(isSpread ? { NoLegs: 0, LastFragment: 1 } : {}),
    };
    bytes.fill(0);
    encodeMessage(bytes, 0, RELEASE, layout.templateId, fields);
    this.#stamp(template, 'TransactTime');
    this.#append(segment, template, action.time, true);
  }

  /** One snapshot of a product. */
  #cycle(index: number, time: number): void {
    const segment = this.#segments[index];
    const instruments = [...this.#source.instruments.keys()].filter(
      (instrument) => this.#segmentOf(instrument) === segment,
    );
    // What has more orders than a summary can announce has no snapshot.
    if (instruments.some((instrument) => this.books.orders(instrument) > SUMMARY_ORDERS_MAX)) return;
    this.#snapshots.send(this.#snapshotSegments[index], segment.msgSeqNum, instruments, time);
  }
}
