import type { Dictionary } from '../../event/dictionary.ts';
import type { Datagram } from '../../packet/datagram.ts';
import type { FeedCounts } from '../counts.ts';
import type { DecoderTargets, SnapshotOptions } from '../feed.ts';
import { HeldRoom } from './held-room.ts';
import {
  ID_HEARTBEAT,
  ID_INSTRUMENT_SUMMARY,
  ID_PRODUCT_SUMMARY,
  ID_SNAPSHOT_ORDER,
  MESSAGE_HEAD_BYTES,
  NULL_U16,
  NULL_U32,
  PACKET_HEADER_BYTES,
  type Release,
} from './layout.ts';
import { MessageDecoder, type ProductWatch } from './messages.ts';
import { COMPLETE_OFFSET, SEGMENT_OFFSET } from './packet.ts';
import { NEXT_UNKNOWN, type Product, type SnapshotCycle } from './product.ts';
import { ProductTable } from './product-table.ts';
import { ShownMessages } from './shown-messages.ts';

/**
 * Joins the changes of each product with its snapshots, so that who comes late ends in the right books.
 *
 * A product whose numbers were seen from 1 on is complete. One that begins in the middle, or of which something was
 * lost, is not: once snapshots are expected or seen, its changes wait. The first whole cycle that reaches up to what
 * waits (LastMsgSeqNumProcessed ≥ the number before it) is loaded into emptied books, the changes that it contains are
 * left out, the others follow. Cycles that begin without a ProductSummary, have a jump in their numbers, end before all
 * orders of an instrument have come, or are older than what waits, are ignored, and so are all cycles of a complete
 * product. Where no snapshot comes, the changes are applied as they are when the input ends, or left out if a snapshot
 * was required.
 */
export class SnapshotJoin implements ProductWatch {
  readonly #messages: MessageDecoder;
  readonly #counts: FeedCounts;
  readonly #dictionary: Dictionary;
  readonly #options: SnapshotOptions;
  readonly #shown: ShownMessages | null;
  readonly #table: ProductTable = new ProductTable();
  readonly #room: HeldRoom = new HeldRoom();
  /** The product whose snapshot began last. */
  #snapshotOf: Product | null = null;
  /** The packet in hand, for events that a message out of turn causes. */
  #datagram: Datagram | null = null;
  #channel = 0;
  /** Number of the packet that made a product begin anew last. */
  #restartedIn = 0;
  /** What waited is being decoded: its jumps have been told. */
  #applies = false;

  constructor(source: string, release: Release, targets: DecoderTargets, options: SnapshotOptions) {
    this.#messages = new MessageDecoder(source, release, targets, this);
    this.#counts = targets.counts;
    this.#dictionary = targets.dictionary;
    this.#options = options;
    const { messages = null } = targets;
    this.#shown = messages === null ? null : new ShownMessages(messages, this.#messages.books, release);
  }

  get products(): readonly Product[] {
    return this.#table.products;
  }

  /** Takes a packet of a channel whose header can be read. */
  take(datagram: Datagram, channel: number, isReset: boolean): void {
    const { view, offset, length } = datagram;
    const product = this.#table.at(view.getInt32(offset + SEGMENT_OFFSET, true), channel);
    if (product === null) {
      this.#counts.noteMalformed('product beyond the last one', datagram.packetNumber, SEGMENT_OFFSET);
      return;
    }
    if (this.#shown !== null) this.#shown.show(datagram, product);
    this.#datagram = datagram;
    this.#channel = channel;
    if (length >= PACKET_HEADER_BYTES + MESSAGE_HEAD_BYTES) {
      const first = view.getUint16(offset + PACKET_HEADER_BYTES + 2, true);
      if (first >= ID_PRODUCT_SUMMARY && first <= ID_SNAPSHOT_ORDER) {
        this.#takeSnapshot(datagram, channel, product);
        return;
      }
      if (!product.hasChanges && first !== ID_HEARTBEAT) this.#settleOn(product, channel);
    }
    // A part of the packet may have to wait, and one behind it not any more.
    for (let from = PACKET_HEADER_BYTES; ; ) {
      if (!product.holds) {
        from = this.#messages.changes(datagram, channel, product, from, length, isReset);
        product.lossTold = false;
      }
      if (!product.holds || from >= length) return;
      from = this.#hold(datagram, channel, product, from, length, isReset);
    }
  }

  /** Packets of a channel are lost. */
  lost(channel: number): void {
    for (const product of this.products) {
      if (product.cycle?.channel === channel) this.#drop(product);
      if (!product.hasChanges || product.channel !== channel) continue;
      product.hadLoss = true;
      product.lossTold = true;
      product.synced = false;
      if (!product.holds && this.#expects(product)) {
        product.holds = true;
        product.need = product.next === NEXT_UNKNOWN ? 0 : (product.next >>> 0) - 1;
      }
    }
  }

  /** The input has ended: loads the cycles that are whole, and sees to what still waits. */
  finish(): void {
    for (const product of this.products) {
      this.#endCycle(product, product.cycle?.complete === true);
      if (product.holds) this.#release(product);
    }
  }

  jumped(product: Product, sequence: number, isReset: boolean): boolean {
    if (this.#applies) {
      product.next = sequence | 0;
      return false;
    }
    // Behind the highest number it reads the same, but that product has begun.
    if (product.next === NEXT_UNKNOWN && product.first === null) {
      product.next = sequence | 0;
      product.first = sequence;
      product.synced = sequence <= 1;
      if (product.synced || !this.#expects(product)) return false;
      this.#beginHold(product, sequence - 1);
      return true;
    }
    const expected = product.next >>> 0;
    if (sequence > expected) {
      this.#tellLoss(product, expected, sequence);
      if (!this.#expects(product)) return false;
      this.#beginHold(product, sequence - 1);
      return true;
    }
    // Once in a packet: what falls again in it is no beginning.
    const { packetNumber } = this.#datagram!;
    const isAnew = isReset && packetNumber !== this.#restartedIn;
    if (isAnew) {
      this.#restartedIn = packetNumber;
      this.#restart(product, sequence);
    } else this.#counts.remark('MsgSeqNum below the expected one', packetNumber, product.segment);
    product.next = sequence | 0;
    if (product.synced || !isAnew || !this.#expects(product)) return false;
    this.#beginHold(product, sequence - 1);
    return true;
  }

  named(product: Product, last: number): void {
    if (this.#applies) return;
    const sent = last === NULL_U32 ? 0 : last;
    if (product.next === NEXT_UNKNOWN) {
      product.next = (sent + 1) | 0;
      product.synced = sent === 0;
      if (!product.synced && this.#expects(product)) this.#beginHold(product, sent);
      return;
    }
    const expected = product.next >>> 0;
    if (sent < expected) return;
    this.#tellLoss(product, expected, sent + 1);
    if (this.#expects(product)) this.#beginHold(product, sent);
  }

  /** Are there snapshots that are worth waiting for? */
  #expects(product: Product): boolean {
    return this.#options.expected || product.snapshotsSeen;
  }

  #beginHold(product: Product, need: number): void {
    product.holds = true;
    product.need = need;
  }

  /** The numbers `expected` … `next − 1` of a product will not come. */
  #tellLoss(product: Product, expected: number, next: number): void {
    product.synced = false;
    product.hadLoss = true;
    product.lost += next - expected;
    // A loss of packets has been told already, by their numbers.
    if (!product.lossTold) this.#messages.gap(this.#datagram!, this.#channel, expected, next - expected);
    product.lossTold = false;
    product.next = next | 0;
  }

  /** The numbers of a product begin anew with its packets' numbers: what was known of its books is void. */
  #restart(product: Product, sequence: number): void {
    this.#counts.remark('MsgSeqNum begins anew with a reset', this.#datagram!.packetNumber, product.segment);
    this.#messages.clear(this.#datagram!, this.#channel, product, sequence);
    this.#drop(product);
    this.#discard(product);
    product.synced = sequence <= 1;
    product.through = 0;
  }

  /** The first changes of a product: its books belong to their channel. */
  #settleOn(product: Product, channel: number): void {
    product.hasChanges = true;
    product.channel = channel;
    for (const book of product.books) this.#dictionary.rehome(book, channel);
  }

  /** Lets the messages from `from` on wait. @returns where those begin that need not: `to`, unless the product begins anew. */
  #hold(
    datagram: Datagram,
    channel: number,
    product: Product,
    from: number,
    to: number,
    isReset: boolean,
  ): number {
    const anew = this.#follow(datagram, product, from, to, isReset);
    if (anew < to) {
      // What came before is void with all that waited.
      this.#discard(product);
      this.#messages.tally(datagram, from, anew);
      product.holds = false;
    } else if (this.#room.hasRoom(datagram.length)) {
      product.held.push(this.#room.keep(datagram, channel, from, to));
    } else {
      this.#counts.remark('too much waits for a snapshot', datagram.packetNumber, product.segment);
      product.next = NEXT_UNKNOWN;
      product.held.push(this.#room.hold(datagram, channel, from, to));
      this.#apply(product);
    }
    return anew;
  }

  /**
   * Follows the numbers of messages that wait: a jump moves what a snapshot has to reach.
   * @returns where the product begins anew and no longer waits; `to` where it does not.
   */
  #follow(datagram: Datagram, product: Product, from: number, to: number, isReset: boolean): number {
    const { view, offset } = datagram;
    let at = offset + from;
    const end = offset + to;
    while (end - at >= MESSAGE_HEAD_BYTES) {
      const length = view.getUint16(at, true);
      if (length < MESSAGE_HEAD_BYTES || length > end - at) break;
      const sequence = view.getUint32(at + 4, true);
      const template = view.getUint16(at + 2, true);
      if (template === ID_HEARTBEAT) {
        if (length >= MESSAGE_HEAD_BYTES + 4) this.named(product, view.getUint32(at + 8, true));
      } else if (sequence !== NULL_U32) {
        if (sequence !== product.next >>> 0) {
          this.jumped(product, sequence, isReset);
          // It begins at 1 again.
          if (product.synced) return at - offset;
        }
        product.lossTold = false;
        product.next = (sequence + 1) | 0;
      }
      at += length;
    }
    return to;
  }

  #takeSnapshot(datagram: Datagram, channel: number, product: Product): void {
    const { view, offset, length, packetNumber } = datagram;
    let from = PACKET_HEADER_BYTES;
    let at = from;
    while (at < length) {
      const left = length - at;
      const bytes = left < MESSAGE_HEAD_BYTES ? 0 : view.getUint16(offset + at, true);
      if (bytes < MESSAGE_HEAD_BYTES || bytes > left) {
        this.#counts.noteMalformed('damaged datagram', packetNumber, at);
        this.#drop(product);
        return;
      }
      const template = view.getUint16(offset + at + 2, true);
      const { malformed } = this.#counts;
      this.#messages.tally(datagram, at, at + bytes);
      if (this.#counts.malformed !== malformed) this.#drop(product);
      else if (template === ID_PRODUCT_SUMMARY) {
        this.#append(datagram, channel, product, from, at);
        this.#endCycle(product, true);
        this.#endOther(product, channel);
        this.#beginCycle(product, channel, view, offset + at);
        from = at;
      } else if (template !== ID_HEARTBEAT) this.#proceed(product, view, offset + at, template);
      at += bytes;
    }
    this.#append(datagram, channel, product, from, length);
    const { cycle } = product;
    if (cycle !== null) cycle.complete = view.getUint8(offset + COMPLETE_OFFSET) === 1;
  }

  #beginCycle(product: Product, channel: number, view: DataView, at: number): void {
    product.snapshotsSeen = true;
    if (!product.synced && !product.holds && product.next !== NEXT_UNKNOWN) {
      this.#beginHold(product, (product.next >>> 0) - 1);
    }
    const said = view.getUint32(at + 8, true);
    const last = said === NULL_U32 ? 0 : said;
    if (product.synced || last < product.need) return;
    product.cycle = {
      last,
      channel,
      parts: [],
      next: (view.getUint32(at + 4, true) + 1) >>> 0,
      ordersLeft: 0,
      complete: false,
    };
  }

  /** The next message of a running cycle. */
  #proceed(product: Product, view: DataView, at: number, template: number): void {
    const { cycle } = product;
    if (cycle === null) return;
    const isOrder = template === ID_SNAPSHOT_ORDER;
    const isSummary = template === ID_INSTRUMENT_SUMMARY;
    const isOutOfPlace = cycle.ordersLeft > 0 ? isSummary : isOrder;
    if (view.getUint32(at + 4, true) !== cycle.next || isOutOfPlace) {
      this.#drop(product);
      return;
    }
    cycle.next = (cycle.next + 1) >>> 0;
    if (isOrder) cycle.ordersLeft -= 1;
    else if (isSummary) {
      const orders = view.getUint16(at + 32, true);
      cycle.ordersLeft = orders === NULL_U16 ? 0 : orders;
    }
  }

  /** A snapshot begins: that of another product before it on the channel has ended, if its last packet says so. */
  #endOther(product: Product, channel: number): void {
    const other = this.#snapshotOf;
    this.#snapshotOf = product;
    if (other === null || other === product || other.cycle?.channel !== channel) return;
    if (other.cycle.complete) this.#endCycle(other, true);
  }

  /** Adds a part of a packet to a running cycle. */
  #append(datagram: Datagram, channel: number, product: Product, from: number, to: number): void {
    const { cycle } = product;
    if (cycle === null || from >= to) return;
    if (!this.#room.hasRoom(datagram.length)) {
      this.#counts.remark('a snapshot is too large', datagram.packetNumber, from);
      this.#drop(product);
      return;
    }
    cycle.parts.push(this.#room.keep(datagram, channel, from, to));
  }

  /** A cycle ends: loads it if it is whole, and nothing is missing between it and what waits. */
  #endCycle(product: Product, isEnd: boolean): void {
    const { cycle } = product;
    if (cycle === null) return;
    product.cycle = null;
    for (const part of cycle.parts) this.#room.forget(part);
    if (!isEnd || cycle.ordersLeft > 0 || product.synced || cycle.last < product.need) return;
    this.#load(product, cycle);
  }

  #load(product: Product, { parts, last }: SnapshotCycle): void {
    const messages = this.#messages;
    const head = parts[0];
    if (head !== undefined) {
      const { datagram } = head;
      const first = datagram.view.getUint32(datagram.offset + head.from + 4, true);
      messages.clear(datagram, head.channel, product, first);
    }
    for (const { datagram, channel, from, to } of parts) {
      messages.snapshot(datagram, channel, product, from, to);
    }
    product.snapshots += 1;
    product.synced = true;
    product.lossTold = false;
    product.through = last;
    product.next = (last + 1) | 0;
    product.need = 0;
    this.#apply(product);
  }

  /** Decodes what waited. */
  #apply(product: Product): void {
    product.holds = false;
    this.#applies = true;
    for (const part of product.held) {
      this.#room.forget(part);
      this.#messages.changes(part.datagram, part.channel, product, part.from, part.to, false);
    }
    product.held.length = 0;
    this.#applies = false;
  }

  /** No snapshot came: what waited is applied as it is, or left out where one was required. */
  #release(product: Product): void {
    if (product.held.length === 0) return;
    const { datagram } = product.held[0];
    if (this.#options.required) {
      this.#counts.remark('no snapshot came: changes are left out', datagram.packetNumber, product.segment);
      this.#discard(product);
      return;
    }
    this.#counts.remark(
      'no snapshot came: changes are applied without',
      datagram.packetNumber,
      product.segment,
    );
    product.next = NEXT_UNKNOWN;
    this.#apply(product);
  }

  /** Counts what waits as read and forgets it. */
  #discard(product: Product): void {
    for (const part of product.held) {
      this.#messages.tally(part.datagram, part.from, part.to);
      this.#room.forget(part);
    }
    product.held.length = 0;
  }

  /** Forgets the running cycle. */
  #drop(product: Product): void {
    const { cycle } = product;
    if (cycle === null) return;
    product.cycle = null;
    for (const part of cycle.parts) this.#room.forget(part);
  }
}
