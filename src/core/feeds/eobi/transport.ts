import { digest32 } from '../../binary/digest.ts';
import type { Datagram } from '../../packet/datagram.ts';
import { HEADER_DAMAGED, HEADER_DATA, type TransportReader } from '../feed.ts';
import { PACKET_HEADER_BYTES, PACKET_HEADER_ID_MAX, PACKET_HEADER_ID_MIN } from './layout.ts';
import { APPL_SEQ_NUM_OFFSET, PARTITION_OFFSET, RESET_OFFSET, TRANSACT_TIME_OFFSET } from './packet.ts';

const TWO_32 = 4294967296;
/** Numbers so close to the top of their 32 bits, and so close to 0, are taken for a wrap. */
const WRAP_NUMBERS = 16777216;
/** Sessions that a packet can still belong to, a power of two. */
const SESSIONS_KNOWN = 16;

/** The channels of one destination are its partitions. */
export function partitionOf({ view, offset, length }: Datagram): number {
  return length < PACKET_HEADER_BYTES ? -1 : view.getUint8(offset + PARTITION_OFFSET);
}

/** Does the payload begin with a PacketHeader of any release? */
export function hasPacketHeader({ view, offset, length }: Datagram): boolean {
  if (length < PACKET_HEADER_BYTES || view.getUint16(offset, true) !== PACKET_HEADER_BYTES) return false;
  const template = view.getUint16(offset + 2, true);
  return template >= PACKET_HEADER_ID_MIN && template <= PACKET_HEADER_ID_MAX;
}

/**
 * Framing of one partition of one destination. Its packets are numbered by ApplSeqNum; each counts as one, whatever is in
 * it, also when its messages turn out to be damaged.
 *
 * A packet with ApplSeqResetIndicator says that the numbers begin anew. It opens another session if it was sent
 * (TransactTime) behind everything that the current one has shown; packets that were sent before a reset and
 * arrive after it belong to the session before. So both lines of a partition show the same sessions, also while one
 * of them is behind.
 *
 * The 32 bits of ApplSeqNum are extended: where the highest number of the session is close to their top and the new one
 * close to 0, the count has wrapped.
 */
export class EobiTransport implements TransportReader {
  session = 1;
  first = 0;
  count = 0;
  damageOffset = 0;
  readonly headerBytes: number = PACKET_HEADER_BYTES;
  /** The newest session. */
  #newest = 1;
  /** Number of its last packet that said reset: the next one of several says nothing new. */
  #resetNumber = -1;
  /** By session modulo their number: the highest number, −1 = none, and its time; and the time of the reset. */
  readonly #highest: Float64Array = new Float64Array(SESSIONS_KNOWN).fill(-1);
  readonly #highestTime: Int32Array = new Int32Array(SESSIONS_KNOWN * 2);
  readonly #start: Int32Array = new Int32Array(SESSIONS_KNOWN * 2);

  readHeader(datagram: Datagram): number {
    if (!hasPacketHeader(datagram)) {
      this.first = 0;
      this.count = 0;
      this.damageOffset = 0;
      return HEADER_DAMAGED;
    }
    const { view, offset } = datagram;
    const number = view.getUint32(offset + APPL_SEQ_NUM_OFFSET, true);
    const timeLow = view.getInt32(offset + TRANSACT_TIME_OFFSET, true);
    const timeHigh = view.getInt32(offset + TRANSACT_TIME_OFFSET + 4, true);
    if (view.getUint8(offset + RESET_OFFSET) === 1) this.#noteReset(number, timeHigh, timeLow);
    if (this.#newest > 1) this.session = this.#sessionAt(timeHigh, timeLow);
    const slot = this.session & (SESSIONS_KNOWN - 1);
    const highest = this.#highest[slot]!;
    const extended = extend(number, highest);
    if (extended > highest) {
      this.#highest[slot] = extended;
      this.#highestTime[slot * 2] = timeHigh;
      this.#highestTime[slot * 2 + 1] = timeLow;
    }
    this.first = extended;
    this.count = 1;
    return HEADER_DATA;
  }

  digest({ view, offset, length }: Datagram, _count: number, into: Int32Array): void {
    into[0] = digest32(view, offset, length);
  }

  sessionText(): string | null {
    return null;
  }

  /** The first packet of all opens the first session, also where it comes behind others of it. */
  #noteReset(number: number, timeHigh: number, timeLow: number): void {
    const slot = this.#newest & (SESSIONS_KNOWN - 1);
    const highest = this.#highest[slot]!;
    if (highest < 0) {
      this.#resetNumber = number;
      return;
    }
    if (isBehind(timeHigh, timeLow, this.#highestTime, slot)) {
      // Several packets in a row may say so: the later ones say nothing new.
      if (number <= highest || highest !== this.#resetNumber) this.#open(timeHigh, timeLow);
      this.#resetNumber = number;
      return;
    }
    const before = (this.#newest - 1) & (SESSIONS_KNOWN - 1);
    if (
      this.#newest > 1 &&
      number < this.#resetNumber &&
      isBehind(timeHigh, timeLow, this.#highestTime, before) &&
      !isBehind(timeHigh, timeLow, this.#start, slot)
    ) {
      // The first ones of several arrive behind others of them.
      this.#start[slot * 2] = timeHigh;
      this.#start[slot * 2 + 1] = timeLow;
    }
  }

  #open(timeHigh: number, timeLow: number): void {
    this.#newest += 1;
    const slot = this.#newest & (SESSIONS_KNOWN - 1);
    this.#highest[slot] = -1;
    this.#start[slot * 2] = timeHigh;
    this.#start[slot * 2 + 1] = timeLow;
  }

  /** The newest session that had begun when a packet was sent; one without a time belongs to the newest. */
  #sessionAt(timeHigh: number, timeLow: number): number {
    if (timeHigh < 0) return this.#newest;
    const oldest = Math.max(1, this.#newest - SESSIONS_KNOWN + 1);
    let session = this.#newest;
    while (session > oldest && isAhead(timeHigh, timeLow, this.#start, session & (SESSIONS_KNOWN - 1))) {
      session -= 1;
    }
    return session;
  }
}

/** The number that 32 bits of it stand for, near the highest one so far. */
function extend(number: number, highest: number): number {
  if (highest < 0) return number;
  const low = highest % TWO_32;
  const base = highest - low;
  if (low >= TWO_32 - WRAP_NUMBERS && number < WRAP_NUMBERS) {
    const wrapped = base + TWO_32 + number;
    return wrapped <= Number.MAX_SAFE_INTEGER ? wrapped : base + number;
  }
  if (base > 0 && low < WRAP_NUMBERS && number >= TWO_32 - WRAP_NUMBERS) return base - TWO_32 + number;
  return base + number;
}

/** Was a packet sent later than the time in a table of halves? */
function isBehind(high: number, low: number, times: Int32Array, slot: number): boolean {
  const otherHigh = times[slot * 2]!;
  if (high !== otherHigh) return high > otherHigh;
  return low >>> 0 > times[slot * 2 + 1]! >>> 0;
}

/** Earlier? */
function isAhead(high: number, low: number, times: Int32Array, slot: number): boolean {
  const otherHigh = times[slot * 2]!;
  if (high !== otherHigh) return high < otherHigh;
  return low >>> 0 < times[slot * 2 + 1]! >>> 0;
}
