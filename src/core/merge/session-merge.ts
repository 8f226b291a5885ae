import { GAP_FILLED, GAP_LOST, GAP_OPEN } from '../event/record.ts';
import { Datagram } from '../packet/datagram.ts';
import { type GapBudget, SessionCounts } from './counts.ts';
import { RANGES_MAX, RangeList } from './ranges.ts';
import type { SeenNumbers } from './seen.ts';
import { WAITING_PACKETS_MAX, type WaitingRoom } from './waiting-room.ts';

export interface ArbiterOptions {
  /** Age at which a hole is reported. */
  readonly gapTimeoutNs: number;
  /** First number wanted, or the first one seen. */
  readonly start: 'first-seen' | number;
  /** The same for the first session of a channel, by its session; −1 = as `start` says. Absent: for none. */
  readonly startOf?: (session: number) => number;
  /** A hole is reported, too, when a number more than this above its first one is known; Infinity = never. */
  readonly window: number;
  /** Most packets that wait, all channels of a room together. */
  readonly waitingPacketsMax: number;
  /** 1 … 3: A; A and B; A, B and what recovery brings. */
  readonly lines: number;
  /** Copies of a number are compared only from `Arbiter.compare` on: for whoever does not know yet that there are two lines. */
  readonly comparesWhenAsked?: boolean;
  /** How long a reported hole waits for recovery; null: there is none, a hole is lost when it is reported. */
  readonly recoveryTimeoutNs: number | null;
}

/** For whoever sees one line and has no recovery source. */
export const ONE_LINE: Omit<ArbiterOptions, 'gapTimeoutNs' | 'start'> = {
  window: Number.POSITIVE_INFINITY,
  waitingPacketsMax: WAITING_PACKETS_MAX,
  lines: 1,
  recoveryTimeoutNs: null,
};

/** Takes what an arbiter lets through, in order. */
export interface ArbiterSink {
  /**
   * `take` messages of the datagram behind the first `skip`, which came on `line` first; `first` is the number of the
   * datagram's first message, 0 = unsequenced. The datagram is valid during the call.
   */
  deliver(channel: number, line: number, datagram: Datagram, first: number, skip: number, take: number): void;
  /**
   * A hole was reported, and how it ended: GAP_OPEN only with a recovery source, then GAP_FILLED (`by` that line) or
   * GAP_LOST, in parts; without one GAP_LOST at once.
   */
  gap(channel: number, session: number, first: number, count: number, state: number, by: number): void;
  /** Another session than the one before begins at `first`. */
  session(channel: number, session: number, first: number): void;
}

/** Part of the packet in hand, in the list of what waits: not copied yet. */
const IN_HAND = -1;

/**
 * One sequence space of a channel: puts the numbers that the lines show into order and passes each on once.
 *
 * From `#expected` up to `#highest` every number is in one of three lists: it is missing (`#holes`), waits (`#waiting`), or
 * is lost although numbers below are not (`#lost`). The lists are of ranges, so lines may cut their packets as they
 * like. What waits are parts of packets that overlap no others: of every number the first copy is kept.
 */
export class SessionMerge {
  readonly session: number;
  readonly counts: SessionCounts;
  /** Time of its first sight. */
  readonly since: number;
  readonly #channel: number;
  readonly #options: ArbiterOptions;
  readonly #sink: ArbiterSink;
  readonly #room: WaitingRoom;
  /** Nothing is passed on or reported yet: the session before is not over. */
  #held = false;
  #closed = false;
  /** Lowest number that belongs to the stream; −1 = not started. */
  #base = -1;
  #expected = -1;
  /** One above the highest number seen or named. */
  #highest = -1;
  /** All numbers from here to the expected one were delivered. */
  #quiet = -1;
  /** Per line: one above its highest number, and what it has not shown below. */
  readonly #lineHighest: Float64Array;
  readonly #unshown: RangeList[] = [];
  /** Missing numbers with the time from when on they are; of reported ones it is the time of the report. */
  readonly #holes: RangeList = new RangeList();
  /** Holes below were reported. */
  #reported = 0;
  #lost: RangeList = new RangeList(RANGES_MAX);
  /** Parts of packets behind a hole, with the slot of the packet. */
  readonly #waiting: RangeList = new RangeList();
  /** The packet in hand, and how many of its parts are in the list. */
  #hand: Datagram;
  #handFirst = 0;
  #handLine = 0;
  #handParts = 0;
  /** What waited, when it is passed on. */
  readonly #kept: Datagram = new Datagram();

  constructor(
    session: number,
    channel: number,
    options: ArbiterOptions,
    sink: ArbiterSink,
    room: WaitingRoom,
    budget: GapBudget,
  ) {
    this.session = session;
    this.counts = new SessionCounts(session, options.lines, budget);
    this.since = room.clock[0]!;
    this.#channel = channel;
    this.#options = options;
    this.#sink = sink;
    this.#room = room;
    this.#hand = this.#kept;
    this.#lineHighest = new Float64Array(options.lines);
    for (let line = 0; line < options.lines; line += 1) this.#unshown.push(new RangeList(RANGES_MAX));
  }

  /** Its first number is known. */
  get started(): boolean {
    return this.#base >= 0;
  }

  get isHeld(): boolean {
    return this.#held;
  }

  get hasHoles(): boolean {
    return this.#holes.count > 0;
  }

  /** Has the line shown anything of it? */
  showed(line: number): boolean {
    return this.counts.lines[line]!.packets > 0;
  }

  /** Starts the stream at a number. */
  begin(number: number): void {
    const base = Math.max(1, number);
    this.#base = base;
    this.#expected = base;
    this.#highest = base;
    this.#quiet = base;
    this.#reported = base;
    for (const unshown of this.#unshown) unshown.floor = base;
  }

  /** Lets packets wait and holes age without a word, until `release`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#drain();
    this.expire();
  }

  /** A packet with numbers. */
  data(line: number, datagram: Datagram, first: number, count: number): void {
    const counts = this.counts.lines[line]!;
    const end = first + count;
    counts.packets += 1;
    counts.messages += count;
    if (first === this.#lineHighest[line]) this.#lineHighest[line] = end;
    else this.#show(line, first, end);
    if (first === this.#expected && first === this.#highest && !this.#held && !this.#closed) {
      this.#expected = end;
      this.#highest = end;
      counts.deliveredFirst += count;
      this.#sink.deliver(this.#channel, line, datagram, first, 0, count);
    } else if (end <= this.#expected && first >= this.#quiet) counts.duplicates += count;
    else this.#sort(line, datagram, first, end);
  }

  /** Compares the numbers of the packet in hand with what other copies were; `digests` are theirs. */
  compare(
    seen: SeenNumbers,
    line: number,
    datagram: Datagram,
    first: number,
    count: number,
    digests: Int32Array,
  ): void {
    let lagging = first;
    for (let other = 0; other < 2; other += 1) {
      // A line that has shown nothing yet may still come with all of it.
      if (other !== line) lagging = Math.min(lagging, Math.max(this.#base, this.#lineHighest[other]!));
    }
    this.counts.conflicts += seen.note(this.session, first, count, line, datagram, digests, lagging);
  }

  /** A line says that `number` is the next one. */
  name(line: number, number: number): void {
    if (!this.started || this.#closed) return;
    const highest = this.#lineHighest[line]!;
    if (number > highest) {
      this.#unshown[line]!.push(highest, number, 0);
      this.#lineHighest[line] = number;
    }
    this.#raise(number);
    this.#watchWindow();
  }

  /** These numbers are lost, whoever may still have them. */
  declareLost(first: number, count: number): void {
    if (this.#closed) return;
    if (!this.started) this.begin(first);
    this.#raise(first + count);
    if (!this.#held) this.#loseWithin(first, first + count, false);
    this.#watchWindow();
  }

  /** Of these numbers those that are still missing in reported holes are lost. */
  abandon(first: number, count: number): void {
    if (!this.#held) this.#loseWithin(first, first + count, true);
  }

  /** Reports holes that have become too old, and gives up those that recovery did not fill in time. */
  expire(): void {
    if (this.#held) return;
    const { gapTimeoutNs, recoveryTimeoutNs } = this.#options;
    const now = this.#room.clock[0]!;
    const holes = this.#holes;
    if (recoveryTimeoutNs !== null) {
      while (this.#isReported(0) && now - holes.value(0) >= recoveryTimeoutNs) this.#lose(0);
    }
    let next = this.#unreported();
    while (next < holes.count && now - holes.value(next) >= gapTimeoutNs) {
      this.#report(next);
      next = this.#unreported();
    }
    this.#watchWindow();
    if (this.#isReported(0)) this.#room.announce(holes.value(0) + recoveryTimeoutNs!);
    if (next < holes.count) this.#room.announce(holes.value(next) + gapTimeoutNs);
  }

  /** Nothing more will come: every hole is lost, everything that waits is passed on. */
  finish(): void {
    while (this.#holes.count > 0) this.#lose(0);
    this.#drain();
  }

  /** Ends the session: what comes of it from now on only counts. */
  close(): void {
    this.finish();
    this.#closed = true;
    this.#lost.shrink();
    for (const unshown of this.#unshown) unshown.shrink();
  }

  /** Forgets what tells duplicates from late numbers, of a session long over: all are late then. */
  forget(): void {
    this.settle();
    this.#lost = new RangeList(RANGES_MAX);
    this.#quiet = Number.POSITIVE_INFINITY;
    this.#base = this.#highest;
    this.#lineHighest.fill(Number.POSITIVE_INFINITY);
    for (let line = 0; line < this.#unshown.length; line += 1)
      this.#unshown[line] = new RangeList(RANGES_MAX);
  }

  /** Brings `first`, `last` and what lines miss up to date. */
  settle(): void {
    if (!this.started || this.#highest === this.#base) return;
    const { counts } = this;
    counts.first = this.#base;
    counts.last = this.#highest - 1;
    counts.delivered = counts.total.deliveredFirst;
    for (let line = 0; line < counts.lines.length; line += 1) {
      const unshown = this.#unshown[line]!;
      const above = Math.max(this.#base, this.#lineHighest[line]!);
      counts.lines[line]!.missing =
        unshown.overlap(this.#base, this.#highest) + unshown.forgotten + Math.max(0, this.#highest - above);
    }
  }

  /** Notes what a line shows out of its order. */
  #show(line: number, first: number, end: number): void {
    const unshown = this.#unshown[line]!;
    const highest = this.#lineHighest[line]!;
    if (first > highest) unshown.push(highest, first, 0);
    else this.counts.lines[line]!.outOfOrder += unshown.subtract(first, Math.min(end, highest));
    if (end > highest) this.#lineHighest[line] = end;
  }

  /** A packet that is not simply the next one. */
  #sort(line: number, datagram: Datagram, first: number, end: number): void {
    const counts = this.counts.lines[line]!;
    if (!this.started && !this.#closed) this.begin(first);
    this.#hand = datagram;
    this.#handFirst = first;
    this.#handLine = line;
    const known = Math.min(end, this.#highest);
    if (first < known) {
      const below = Math.max(0, Math.min(known, this.#base) - first);
      const late = below + this.#lost.overlap(Math.max(first, this.#base), known);
      counts.late += late;
      counts.duplicates += known - first - late - this.#fill(first, known);
    }
    const from = Math.max(first, this.#highest);
    if (from < end) {
      if (this.#closed) counts.late += end - from;
      else {
        this.#raise(from);
        this.#place(from, end);
        this.#highest = end;
      }
    }
    if (this.#handParts > 0) this.#settleHand(datagram);
  }

  /** Passes on what can be of the packet in hand and of what waits, and keeps the rest of it. */
  #settleHand(datagram: Datagram): void {
    this.#drain();
    this.#watchWindow();
    if (!this.#held) {
      while (this.#handParts > 0 && this.#room.isFull(datagram, this.#options.waitingPacketsMax)) {
        this.#lose(0);
      }
    }
    if (this.#handParts === 0) return;
    const waiting = this.#waiting;
    const slot = this.#room.store.keep(datagram, this.#handFirst, this.#handLine, this.#handParts);
    let left = this.#handParts;
    this.#handParts = 0;
    for (let index = waiting.indexAbove(this.#handFirst); left > 0; index += 1) {
      if (waiting.value(index) !== IN_HAND) continue;
      waiting.setValue(index, slot);
      left -= 1;
    }
  }

  #place(from: number, to: number): void {
    this.#waiting.add(from, to, IN_HAND);
    this.#handParts += 1;
  }

  /** Puts the packet in hand into the holes between two numbers. @returns how many numbers were missing there. */
  #fill(first: number, end: number): number {
    const holes = this.#holes;
    let filled = 0;
    let at = holes.indexAbove(first);
    while (at < holes.count && holes.from(at) < end) {
      const from = Math.max(holes.from(at), first);
      const to = Math.min(holes.to(at), end);
      const isReported = this.#isReported(at);
      holes.cut(at, from, to);
      filled += to - from;
      this.#place(from, to);
      if (isReported) {
        this.counts.gaps.end(from, to, GAP_FILLED, this.#handLine);
        this.#sink.gap(this.#channel, this.session, from, to - from, GAP_FILLED, this.#handLine);
      }
      at = holes.indexAbove(to);
    }
    return filled;
  }

  /** Makes `number` the next one above everything known; what lies between is a new hole. */
  #raise(number: number): void {
    const highest = this.#highest;
    if (number <= highest) return;
    const holes = this.#holes;
    const top = holes.count - 1;
    // So many holes side by side come of numbers that were named but not shown: they share the first one's time.
    if (top >= RANGES_MAX && holes.to(top) === highest && !this.#isReported(top)) holes.extend(number);
    else {
      const now = this.#room.clock[0]!;
      holes.push(highest, number, now);
      this.#room.announce(now + this.#options.gapTimeoutNs);
    }
    this.#highest = number;
  }

  #isReported(index: number): boolean {
    return index < this.#holes.count && this.#holes.from(index) < this.#reported;
  }

  /** Index of the lowest hole that was not reported. */
  #unreported(): number {
    return this.#holes.indexAbove(this.#reported);
  }

  /** Reports holes that a number more than the window above is known of. */
  #watchWindow(): void {
    const { window } = this.#options;
    if (this.#held || window === Number.POSITIVE_INFINITY) return;
    const holes = this.#holes;
    let next = this.#unreported();
    while (next < holes.count && this.#highest - 1 - holes.from(next) > window) {
      this.#report(next);
      next = this.#unreported();
    }
  }

  #report(index: number): void {
    const { recoveryTimeoutNs } = this.#options;
    if (recoveryTimeoutNs === null) {
      this.#lose(index);
      return;
    }
    const from = this.#holes.from(index);
    const to = this.#holes.to(index);
    const now = this.#room.clock[0]!;
    this.#holes.setValue(index, now);
    this.#reported = to;
    this.counts.gaps.report(from, to, GAP_OPEN);
    this.#room.announce(now + recoveryTimeoutNs);
    this.#sink.gap(this.#channel, this.session, from, to - from, GAP_OPEN, -1);
  }

  #loseWithin(first: number, end: number, reportedOnly: boolean): void {
    const holes = this.#holes;
    let at = holes.indexAbove(first);
    while (at < holes.count && holes.from(at) < end) {
      if (reportedOnly && !this.#isReported(at)) return;
      this.#losePart(at, Math.max(first, holes.from(at)), Math.min(end, holes.to(at)));
      at = holes.indexAbove(first);
    }
  }

  #lose(index: number): void {
    this.#losePart(index, this.#holes.from(index), this.#holes.to(index));
  }

  /** Gives up the numbers `from` … `to − 1` of the hole at an index, and goes on behind them if they were all that was missing. */
  #losePart(index: number, from: number, to: number): void {
    const wasOpen = this.#isReported(index);
    this.#holes.cut(index, from, to);
    this.#lost.add(from, to, 0);
    this.#quiet = Math.max(this.#quiet, to);
    this.counts.lost += to - from;
    if (wasOpen) this.counts.gaps.end(from, to, GAP_LOST, -1);
    else this.counts.gaps.report(from, to, GAP_LOST);
    this.#sink.gap(this.#channel, this.session, from, to - from, GAP_LOST, -1);
    this.#drain();
  }

  /** Passes on what waits up to the lowest missing number. */
  #drain(): void {
    if (this.#held) return;
    const waiting = this.#waiting;
    const holes = this.#holes;
    while (waiting.count > 0) {
      const from = waiting.from(0);
      if (holes.count > 0 && holes.from(0) < from) break;
      const to = waiting.to(0);
      const slot = waiting.value(0);
      waiting.shift();
      this.#expected = to;
      if (slot === IN_HAND) {
        this.#handParts -= 1;
        this.#pass(this.#handLine, this.#hand, this.#handFirst, from, to);
      } else {
        const { store } = this.#room;
        store.read(slot, this.#kept);
        this.#pass(store.line(slot), this.#kept, store.first(slot), from, to);
        store.release(slot);
      }
    }
    if (holes.count > 0) this.#expected = holes.from(0);
    else if (waiting.count === 0 && this.started) this.#expected = this.#highest;
  }

  #pass(line: number, datagram: Datagram, first: number, from: number, to: number): void {
    this.counts.lines[line]!.deliveredFirst += to - from;
    this.#sink.deliver(this.#channel, line, datagram, first, from - first, to - from);
  }
}
