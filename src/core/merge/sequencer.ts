import type { Datagram } from '../packet/datagram.ts';
import { RANGES_MAX, RangeList } from './ranges.ts';

/** What a datagram's transport header says; the feed's packet decoder is one. */
export interface TransportHeader {
  /** Dense session number, 0 = none. */
  readonly session: number;
  /** Number of its first message, or the next expected one; 0 = unsequenced. */
  readonly first: number;
  /** Whole messages in it. */
  readonly count: number;
}

/** Takes what a sequencer lets through, in order. */
export interface SequencedSink {
  /** `take` messages of the datagram behind the first `skip`; `first` is the number of its first message, 0 = unsequenced. */
  deliver(channel: number, datagram: Datagram, first: number, skip: number, take: number): void;
  /** Numbers `first` … `first + count − 1` will not come any more. */
  lost(channel: number, first: number, count: number): void;
  /** Another session than the one before begins at `first`. */
  session(channel: number, first: number): void;
}

export interface SequencerOptions {
  /** Age at which a hole is reported. */
  readonly gapTimeoutNs: number;
  /** First number wanted, or the first one seen. */
  readonly start: 'first-seen' | number;
}

/** Most packets, and most bytes of them, that may wait for holes to fill, all channels together. */
export const WAITING_PACKETS_MAX = 32768;
export const WAITING_BYTES_MAX: number = 64 * 1024 * 1024;
/** Most lost ranges listed one by one per session; more are only counted. */
export const GAPS_LISTED_MAX = 65536;

/** What the channels of one pipeline share: how many packets wait, and whether any hole is open. */
export class WaitingRoom {
  packets = 0;
  bytes = 0;
  /** Time of the newest packet, ns since the first one; never runs backwards. An array, so that setting it allocates nothing. */
  readonly clock: Float64Array = new Float64Array(1);
  /** Channels with an open hole; while it is 0, time need not be looked at. */
  channelsWithHoles = 0;
}

export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly state: 'open' | 'filled' | 'lost';
}

/** Counts of one session on one channel; numbers are message numbers, `packets` are datagrams. */
export class SessionCounts {
  readonly session: number;
  first: number | null = null;
  last: number | null = null;
  packets = 0;
  duplicates = 0;
  outOfOrder = 0;
  late = 0;
  unsequenced = 0;
  readonly gaps: Gap[] = [];
  /** Lost ranges beyond GAPS_LISTED_MAX. */
  gapsNotListed = 0;

  constructor(session: number) {
    this.session = session;
  }
}

interface Waiting {
  readonly datagram: Datagram;
  readonly first: number;
  readonly end: number;
}

/**
 * Puts the datagrams of one channel, seen on one line, into the order of their numbers and passes on only what is
 * new. A hole waits for `gapTimeoutNs` (in the packets' own time) or until too many packets wait; then its numbers
 * are reported lost and the stream moves on. Works on ranges, so a line may cut its packets as it likes.
 *
 * Counts as docs/report.md says: what had been delivered comes again as `duplicates`, what was
 * lost or lies before the start as `late`.
 */
export class Sequencer {
  readonly channel: number;
  readonly sessions: SessionCounts[] = [];
  readonly #options: SequencerOptions;
  readonly #sink: SequencedSink;
  readonly #room: WaitingRoom;
  #current: SessionCounts | null = null;
  /** The session's first number is known. */
  #started = false;
  /** Lowest number that belongs to the stream. */
  #base = 0;
  /** One above the highest number seen or named, as long as none from the base on was. */
  #highestBelow = 0;
  /** Next number to deliver. Either all below `#highest` is delivered, or this one is missing. */
  #expected = 0;
  /** One above the highest number seen or named. */
  #highest = 0;
  /** Numbers below `#highest` that were never shown, lost ones included; from `#expected` on they are the open holes. */
  #unshown: RangeList = new RangeList();
  #lost: RangeList = new RangeList();
  /** Packets behind a hole, ascending by first number. */
  #waiting: Waiting[] = [];
  #holeOpen = false;

  constructor(channel: number, options: SequencerOptions, sink: SequencedSink, room: WaitingRoom) {
    this.channel = channel;
    this.#options = options;
    this.#sink = sink;
    this.#room = room;
  }

  /** A datagram with messages. */
  data(datagram: Datagram, header: TransportHeader): void {
    const first = header.first;
    const current = this.#current;
    if (
      first === this.#expected &&
      first === this.#highest &&
      this.#started &&
      current !== null &&
      header.session === current.session
    ) {
      current.packets += 1;
      this.#expected = first + header.count;
      this.#highest = this.#expected;
      this.#sink.deliver(this.channel, datagram, first, 0, header.count);
      return;
    }
    this.#sort(datagram, header);
    this.#settle();
  }

  /** A heartbeat or end of session: no messages, but it may name a number that has not been seen. */
  mark(header: TransportHeader): void {
    const current = this.#enter(header.session);
    if (current === null) this.#over(header.session).packets += 1;
    else {
      current.packets += 1;
      if (this.#started) {
        this.#raise(header.first);
        this.#highestBelow = Math.max(this.#highestBelow, header.first);
      }
    }
    this.#settle();
  }

  /** A datagram whose framing is damaged: counted as a packet, its header changes nothing. */
  damaged(): void {
    if (this.#current !== null) this.#current.packets += 1;
  }

  /** Reports the holes that have become too old. */
  expire(): void {
    const now = this.#room.clock[0]!;
    while (this.#expected < this.#highest) {
      const hole = this.#unshown.ranges[this.#unshown.indexAbove(this.#expected)]!;
      if (now - hole.since < this.#options.gapTimeoutNs) break;
      this.#giveUp();
    }
    this.#settle();
  }

  /** Nothing more will come: every open hole is lost, everything that waits is delivered. */
  finish(): void {
    while (this.#expected < this.#highest) this.#giveUp();
    const current = this.#current;
    if (current !== null && this.#started && this.#highest > this.#base) {
      current.first = this.#base;
      current.last = this.#highest - 1;
    }
    this.#settle();
  }

  #sort(datagram: Datagram, header: TransportHeader): void {
    const { first, count } = header;
    if (first === 0) {
      const counts = this.#current ?? this.#enter(header.session) ?? this.#over(header.session);
      counts.packets += 1;
      counts.unsequenced += count;
      this.#sink.deliver(this.channel, datagram, 0, 0, count);
      return;
    }
    const current = this.#enter(header.session);
    if (current === null) {
      const over = this.#over(header.session);
      over.packets += 1;
      over.late += count;
      return;
    }
    current.packets += 1;
    if (!this.#started) this.#begin(first, first);
    const end = first + count;
    const known = this.#countKnown(current, first, Math.min(end, this.#highest));
    this.#highestBelow = Math.max(this.#highestBelow, end);
    if (known === count) return;
    if (end > this.#highest) {
      this.#raise(first);
      this.#highest = end;
    }
    if (first > this.#expected) this.#makeRoom(first, datagram.length);
    if (first <= this.#expected) {
      this.#pass(datagram, first, end);
      this.#drain();
    } else this.#keep(datagram, first, end);
  }

  /** Counts the numbers `first` … `end − 1`, all below the highest. @returns how many of them bring nothing new. */
  #countKnown(current: SessionCounts, first: number, end: number): number {
    let known = 0;
    const passed = Math.min(end, this.#expected);
    if (first < passed) {
      const beforeBase = Math.max(0, Math.min(passed, this.#base) - first);
      const late = beforeBase + this.#lost.overlap(Math.max(first, this.#base), passed);
      current.late += late;
      if (beforeBase > 0) current.outOfOrder -= this.#inOrderBelow(first, first + beforeBase);
      current.outOfOrder += this.#unshown.subtract(first, passed);
      current.duplicates += passed - first - late;
      known = passed - first;
    }
    const open = Math.max(first, this.#expected);
    if (open < end) {
      const filling = this.#unshown.subtract(open, end);
      current.outOfOrder += filling;
      current.duplicates += end - open - filling;
      known += end - open - filling;
    }
    return known;
  }

  /** Numbers below the base that come before any higher one was seen or named: late, but in order. */
  #inOrderBelow(first: number, end: number): number {
    const from = Math.max(first, this.#highest > this.#base ? this.#base : this.#highestBelow);
    return from < end ? this.#unshown.overlap(from, end) : 0;
  }

  /** Makes `number` the next one above everything seen; what lies between is a new hole. */
  #raise(number: number): void {
    if (number <= this.#highest) return;
    // Open holes must stay listed: make the lowest one a lost one before the list forgets it.
    if (this.#unshown.ranges.length === RANGES_MAX && this.#expected < this.#highest) this.#giveUp();
    this.#unshown.push(this.#highest, number, this.#room.clock[0]!);
    this.#highest = number;
  }

  /** Delivers what is new of a packet that reaches down to the expected number. */
  #pass(datagram: Datagram, first: number, end: number): void {
    if (end <= this.#expected) return;
    const skip = this.#expected - first;
    this.#expected = end;
    this.#sink.deliver(this.channel, datagram, first, skip, end - first - skip);
  }

  /** Gives up holes until a packet of this size may wait, or until nothing is missing in front of it. */
  #makeRoom(first: number, bytes: number): void {
    const room = this.#room;
    while (
      first > this.#expected &&
      (room.packets >= WAITING_PACKETS_MAX || room.bytes + bytes > WAITING_BYTES_MAX)
    ) {
      this.#giveUp();
    }
  }

  #keep(datagram: Datagram, first: number, end: number): void {
    const waiting = this.#waiting;
    let at = waiting.length;
    while (at > 0 && waiting[at - 1]!.first > first) at -= 1;
    waiting.splice(at, 0, { datagram: datagram.copy(), first, end });
    this.#room.packets += 1;
    this.#room.bytes += datagram.length;
  }

  #drain(): void {
    const waiting = this.#waiting;
    let done = 0;
    while (done < waiting.length && waiting[done]!.first <= this.#expected) {
      const { datagram, first, end } = waiting[done]!;
      done += 1;
      this.#room.packets -= 1;
      this.#room.bytes -= datagram.length;
      this.#pass(datagram, first, end);
    }
    if (done > 0) waiting.splice(0, done);
  }

  /** Reports the hole at the expected number as lost and goes on behind it. */
  #giveUp(): void {
    const hole = this.#unshown.ranges[this.#unshown.indexAbove(this.#expected)]!;
    const { to } = hole;
    const from = this.#expected;
    const current = this.#current!;
    if (current.gaps.length < GAPS_LISTED_MAX) current.gaps.push({ from, to: to - 1, state: 'lost' });
    else current.gapsNotListed += 1;
    this.#lost.push(from, to, hole.since);
    this.#expected = to;
    this.#sink.lost(this.channel, from, to - from);
    this.#drain();
  }

  /** Starts the stream of the current session at a number; `highestBelow` as the field. */
  #begin(base: number, highestBelow: number): void {
    this.#started = true;
    this.#base = base;
    this.#highestBelow = highestBelow;
    this.#expected = base;
    this.#highest = base;
    this.#unshown = new RangeList();
    this.#lost = new RangeList();
    // What lies before the start was never shown either.
    if (base > 0) this.#unshown.push(0, base, 0);
  }

  /** Counts of the session a datagram names; null when that session is over. */
  #enter(session: number): SessionCounts | null {
    const current = this.#current;
    if (current !== null && current.session === session) return current;
    if (this.sessions.some((counts) => counts.session === session)) return null;
    // Also behind a session of which only heartbeats came; messages without a session are none.
    const later = current !== null && (this.#started || current.session !== 0);
    if (later) this.finish();
    const counts = new SessionCounts(session);
    this.sessions.push(counts);
    this.#current = counts;
    this.#started = false;
    if (later) {
      this.#begin(1, 0);
      this.#sink.session(this.channel, 1);
    } else if (this.#options.start !== 'first-seen') this.#begin(this.#options.start, 0);
    return counts;
  }

  #over(session: number): SessionCounts {
    return this.sessions.find((counts) => counts.session === session)!;
  }

  /** Keeps the shared count of channels with holes right. */
  #settle(): void {
    const open = this.#expected < this.#highest;
    if (open === this.#holeOpen) return;
    this.#holeOpen = open;
    this.#room.channelsWithHoles += open ? 1 : -1;
  }
}
