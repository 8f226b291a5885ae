import { GAP_FILLED, type GAP_LOST, GAP_OPEN } from '../event/record.ts';

/** Counts of one line in one session; numbers are sequence numbers, `packets` and what follows `missing` are datagrams. */
export class LineCounts {
  /** Datagrams, heartbeats, ends of session and damaged ones included. */
  packets = 0;
  /** Numbers shown, repeated ones included. */
  messages = 0;
  /** Numbers whose first copy came on this line and was delivered. */
  deliveredFirst = 0;
  /** Numbers that had been shown before. */
  duplicates = 0;
  /** Numbers that lie before the start, were lost before, or lie behind the end of a session that is over. */
  late = 0;
  /** Numbers below the line's highest that it had not shown before. */
  outOfOrder = 0;
  /** Numbers of the session that the line never showed. */
  missing = 0;
  /** Messages without a number. */
  unsequenced = 0;
  malformed = 0;
  /** Without ends of session. */
  heartbeats = 0;

  add(other: LineCounts): void {
    this.packets += other.packets;
    this.messages += other.messages;
    this.deliveredFirst += other.deliveredFirst;
    this.duplicates += other.duplicates;
    this.late += other.late;
    this.outOfOrder += other.outOfOrder;
    this.missing += other.missing;
    this.unsequenced += other.unsequenced;
    this.malformed += other.malformed;
    this.heartbeats += other.heartbeats;
  }
}

/** Counts of one session on one channel; those that lines have are the sums over its lines. */
export class SessionCounts {
  readonly session: number;
  /** First and last number that belong to the stream, lost ones included; null before the first. */
  first: number | null = null;
  last: number | null = null;
  delivered = 0;
  lost = 0;
  /** Numbers of which a copy had other bytes than the first one. */
  conflicts = 0;
  readonly gaps: GapList;
  readonly lines: readonly LineCounts[];

  constructor(session: number, lines: number, budget: GapBudget) {
    this.session = session;
    this.gaps = new GapList(budget);
    this.lines = Array.from({ length: lines }, () => new LineCounts());
  }

  /** A fresh sum over the lines. */
  get total(): LineCounts {
    const total = new LineCounts();
    for (const line of this.lines) total.add(line);
    return total;
  }
}

/** A hole that was reported, or the part of one that ended alike. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly state: 'open' | 'filled' | 'lost';
  /** Line that filled it, −1 = none. */
  readonly by: number;
}

/** Most gaps that a channel lists one by one; more are only counted. */
export const GAPS_LISTED_MAX = 65536;

export class GapBudget {
  left: number = GAPS_LISTED_MAX;
}

class ListedGap implements Gap {
  from: number;
  to: number;
  by = -1;
  code: number;
  /** Where the hole that was reported began: parts of one hole that end alike are listed as one. */
  readonly origin: number;

  constructor(from: number, to: number, code: number, origin: number) {
    this.from = from;
    this.to = to;
    this.code = code;
    this.origin = origin;
  }

  get state(): Gap['state'] {
    return this.code === GAP_OPEN ? 'open' : this.code === GAP_FILLED ? 'filled' : 'lost';
  }
}

/** The holes of a session that were reported, ascending, and how they ended. `to` is in here, as in reports. */
export class GapList {
  readonly list: Gap[] = [];
  /** Gaps beyond those that the channel lists. */
  notListed = 0;
  readonly #budget: GapBudget;

  constructor(budget: GapBudget) {
    this.#budget = budget;
  }

  /** The hole `from` … `to − 1` is reported, with GAP_OPEN or GAP_LOST. */
  report(from: number, to: number, state: number): void {
    if (this.#budget.left === 0) {
      this.notListed += 1;
      return;
    }
    this.#insert(this.#indexAt(from), new ListedGap(from, to - 1, state, from));
  }

  /** Numbers of an open hole were filled by a line, or are lost. */
  end(from: number, to: number, state: typeof GAP_FILLED | typeof GAP_LOST, by: number): void {
    let at = this.#indexAt(from);
    const gap = this.#at(at);
    if (gap === null || gap.from > from || gap.code !== GAP_OPEN) return;
    const last = gap.to;
    if (to <= last) this.#insert(at + 1, new ListedGap(to, last, GAP_OPEN, gap.origin));
    const ended = gap.from < from ? new ListedGap(from, to - 1, state, gap.origin) : gap;
    if (ended === gap) gap.code = state;
    else {
      gap.to = from - 1;
      at += 1;
      this.#insert(at, ended);
    }
    ended.to = to - 1;
    ended.by = by;
    this.#join(at);
    this.#join(at - 1);
  }

  /** Makes one of the gap at `index` and the next one, if they are parts of one hole that ended alike. */
  #join(index: number): void {
    const left = this.#at(index);
    const right = this.#at(index + 1);
    if (left === null || right === null || left.to + 1 !== right.from) return;
    if (left.origin !== right.origin || left.code !== right.code || left.by !== right.by) return;
    left.to = right.to;
    this.list.splice(index + 1, 1);
    this.#budget.left += 1;
  }

  #insert(index: number, gap: ListedGap): void {
    this.list.splice(index, 0, gap);
    this.#budget.left -= 1;
  }

  #at(index: number): ListedGap | null {
    return (this.list[index] as ListedGap | undefined) ?? null;
  }

  /** Index of the first gap that does not end below `number`. */
  #indexAt(number: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.list[middle]!.to < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
