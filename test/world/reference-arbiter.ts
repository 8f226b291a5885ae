/**
 * The merge as its rules say it, number by number and as slow as that is: what `Arbiter` has to agree with. Numbers, never
 * ranges; everything is remembered, nothing is bounded.
 *
 *  1. A packet's numbers are looked at in turn. What was delivered or waits is a duplicate; what was lost, lies before the
 *     start or behind the end of a session that is over, is late; the rest is new and waits with its line and packet.
 *  2. Numbers between the highest known and a higher one that is shown or named are missing from that moment on.
 *  3. Whatever waits without a missing number below is delivered.
 *  4. Numbers that became missing together, stand side by side and were not reported yet are a hole. It is reported at the
 *     age of the gap timeout, or when a number more than the window above its first one is known. Without recovery it is
 *     then lost; with recovery it is lost when it has not come the recovery timeout later.
 *  5. While a packet has to wait and the waiting packets are at their cap, the lowest hole is lost.
 *  6. Another session waits until every line (recovery aside) that showed the current one has shown a later one, or for
 *     the gap timeout; with recovery also while the current one has missing numbers, for the recovery timeout more.
 */
export interface ReferenceOptions {
  readonly gapTimeout: number;
  readonly recoveryTimeout: number | null;
  readonly window: number;
  readonly cap: number;
  readonly start: number | 'first-seen';
  readonly lines: number;
}

export interface ReferencePacket {
  readonly line: number;
  readonly session: number;
  readonly first: number;
  readonly count: number;
  readonly id: number;
  /** Of each number. */
  readonly digests: readonly number[];
  readonly time: number;
}

type State = 'missing' | 'waiting' | 'delivered' | 'lost';

interface Entry {
  state: State;
  /** Which raise made it missing, and when. */
  hole: number;
  since: number;
  reportedAt: number | null;
  /** Number of the report, 0 = none, and how it stands. */
  report: number;
  ending: 'open' | 'filled' | 'lost';
  by: number;
  packet: ReferencePacket | null;
}

interface LineState {
  packets: number;
  messages: number;
  deliveredFirst: number;
  duplicates: number;
  late: number;
  outOfOrder: number;
  unsequenced: number;
  malformed: number;
  heartbeats: number;
  highest: number;
  readonly shown: Set<number>;
}

class Session {
  readonly id: number;
  readonly since: number;
  readonly lines: LineState[];
  readonly numbers: Map<number, Entry> = new Map();
  base: number | null = null;
  highest = 0;
  conflicts = 0;
  held = false;
  closed = false;

  constructor(id: number, since: number, lines: number) {
    this.id = id;
    this.since = since;
    this.lines = Array.from({ length: lines }, lineState);
  }

  begin(base: number): void {
    this.base = base;
    this.highest = base;
  }

  /** Numbers of a state, ascending. */
  of(state: State): number[] {
    return [...this.numbers]
      .filter(([, entry]) => entry.state === state)
      .map(([number]) => number)
      .sort((a, b) => a - b);
  }
}

export class ReferenceArbiter {
  /** `deliver SESSION NUMBER LINE PACKET`, `gap SESSION NUMBER STATE BY`, `session SESSION`, one per number. */
  readonly log: string[] = [];
  readonly skews: number[] = [];
  readonly sessions: Session[] = [];
  readonly strays: LineState[];
  time = 0;
  readonly #options: ReferenceOptions;
  #at = -1;
  #holes = 0;
  #reports = 0;
  readonly #newest: number[];
  /** By number what the newest session that showed it knows of its copies. */
  readonly #copies = new Map<number, Copies>();

  constructor(options: ReferenceOptions) {
    this.#options = options;
    this.strays = Array.from({ length: options.lines }, lineState);
    this.#newest = Array.from({ length: options.lines }, () => -1);
  }

  tick(time: number): void {
    this.time = Math.max(this.time, time);
    if (this.#at >= 0) this.#age(this.sessions[this.#at]!);
    this.#advance();
  }

  data(packet: ReferencePacket): void {
    const { line, first, count } = packet;
    const session = this.#enter(line, packet.session);
    if (session === null) {
      const stray = this.strays[line]!;
      stray.packets += 1;
      stray.messages += count;
      stray.late += count;
      return;
    }
    while (session.held && this.#waitingPackets() >= this.#options.cap) this.#next();
    const state = session.lines[line]!;
    state.packets += 1;
    state.messages += count;
    if (session.base === null && !session.closed) session.begin(first);
    const base = session.base ?? Number.POSITIVE_INFINITY;
    const fills: number[] = [];
    for (let number = first; number < first + count; number += 1) {
      if (this.#options.lines > 1) this.#compare(session, packet, number);
      if (!state.shown.has(number) && number < state.highest) state.outOfOrder += 1;
      state.shown.add(number);
      state.highest = Math.max(state.highest, number + 1);
      const entry = session.numbers.get(number);
      if (entry?.state === 'delivered' || entry?.state === 'waiting') state.duplicates += 1;
      else if (entry?.state === 'lost' || number < base || session.closed) state.late += 1;
      else fills.push(number);
    }
    for (const number of fills) {
      this.#raise(session, number);
      if (!session.numbers.has(number)) {
        session.numbers.set(number, newEntry(0, this.time));
        session.highest = number + 1;
      }
      const entry = session.numbers.get(number)!;
      entry.state = 'waiting';
      entry.packet = packet;
      if (entry.reportedAt !== null) {
        entry.ending = 'filled';
        entry.by = line;
        this.log.push(`gap ${session.id} ${number} filled ${line}`);
      }
    }
    this.#deliver(session);
    this.#watchWindow(session);
    if (!session.held) {
      const waits = (): boolean => fills.some((number) => session.numbers.get(number)!.state === 'waiting');
      // The packet in hand does not wait yet.
      while (waits() && this.#waitingPackets() - 1 >= this.#options.cap) this.#loseLowest(session);
    }
    this.#advance();
  }

  mark(line: number, id: number, next: number, isEnd: boolean): void {
    const session = this.#enter(line, id);
    const state = session === null ? this.strays[line]! : session.lines[line]!;
    state.packets += 1;
    if (!isEnd) state.heartbeats += 1;
    if (session === null || session.base === null || session.closed) return;
    state.highest = Math.max(state.highest, next);
    this.#raise(session, next);
    this.#watchWindow(session);
    this.#advance();
  }

  unsequenced(packet: ReferencePacket): void {
    const session = this.#current() ?? this.#enter(packet.line, packet.session)!;
    const state = session.lines[packet.line]!;
    state.packets += 1;
    state.unsequenced += packet.count;
    this.log.push(`deliver without numbers ${packet.line} ${packet.id}`);
  }

  damaged(line: number): void {
    const state = this.#current()?.lines[line] ?? this.strays[line]!;
    state.packets += 1;
    state.malformed += 1;
  }

  declareLost(id: number, first: number, count: number): void {
    const session = this.#enter(-1, id);
    if (session === null || session.closed) return;
    if (session.base === null) session.begin(first);
    this.#raise(session, first + count);
    if (!session.held) this.#loseWithin(session, first, count, false);
    this.#watchWindow(session);
  }

  abandon(first: number, count: number): void {
    const session = this.#current();
    if (session !== null) this.#loseWithin(session, first, count, true);
    this.#advance();
  }

  finish(): void {
    while (this.#at + 1 < this.sessions.length) this.#next();
    const session = this.#current();
    if (session !== null) this.#finish(session);
  }

  /** What the report says of a session; `line` null = of the session, else of that line. */
  counts(session: Session): Record<string, unknown> {
    const numbers = [...session.numbers.keys()].sort((a, b) => a - b);
    return {
      session: session.id,
      first: numbers[0] ?? null,
      last: numbers.at(-1) ?? null,
      delivered: session.of('delivered').length,
      lost: session.of('lost').length,
      conflicts: session.conflicts,
      gaps: this.#gaps(session, numbers),
      lines: session.lines.map(({ shown, highest: _, ...state }) => ({
        ...state,
        missing: numbers.filter((number) => !shown.has(number)).length,
      })),
    };
  }

  #gaps(session: Session, numbers: readonly number[]): object[] {
    const gaps: { from: number; to: number; state: string; by: number; report: number }[] = [];
    for (const number of numbers) {
      const { report, ending, by } = session.numbers.get(number)!;
      if (report === 0) continue;
      const last = gaps.at(-1);
      const goesOn =
        last?.to === number - 1 && last.report === report && last.state === ending && last.by === by;
      if (goesOn) last.to = number;
      else gaps.push({ from: number, to: number, state: ending, by, report });
    }
    return gaps.map(({ report: _, ...gap }) => gap);
  }

  #current(): Session | null {
    return this.sessions[this.#at] ?? null;
  }

  #compare(session: Session, packet: ReferencePacket, number: number): void {
    const digest = packet.digests[number - packet.first]!;
    let copies = this.#copies.get(number);
    if (copies === undefined || copies.session < session.id) {
      copies = { session: session.id, digest, inConflict: false, times: [] };
      this.#copies.set(number, copies);
    }
    if (copies.session !== session.id) return;
    if (copies.digest !== digest && !copies.inConflict) {
      copies.inConflict = true;
      session.conflicts += 1;
    }
    if (packet.line === 2 || copies.times[packet.line] !== undefined) return;
    copies.times[packet.line] = packet.time;
    const [a, b] = copies.times;
    if (a !== undefined && b !== undefined) this.skews.push(b - a);
  }

  #raise(session: Session, next: number): void {
    if (next <= session.highest) return;
    this.#holes += 1;
    for (let number = session.highest; number < next; number += 1) {
      session.numbers.set(number, newEntry(this.#holes, this.time));
    }
    session.highest = next;
  }

  #deliver(session: Session): void {
    if (session.held || session.base === null) return;
    for (let number = session.base; number < session.highest; number += 1) {
      const entry = session.numbers.get(number)!;
      if (entry.state === 'missing') return;
      if (entry.state !== 'waiting') continue;
      entry.state = 'delivered';
      const { line, id } = entry.packet!;
      session.lines[line]!.deliveredFirst += 1;
      this.log.push(`deliver ${session.id} ${number} ${line} ${id}`);
    }
  }

  /** The hole that a missing number belongs to, its numbers ascending. */
  #holeOf(session: Session, number: number): number[] {
    const entry = session.numbers.get(number)!;
    const belongs = (other: number): boolean => {
      const that = session.numbers.get(other);
      return that?.state === 'missing' && that.hole === entry.hole && that.report === entry.report;
    };
    let from = number;
    while (belongs(from - 1)) from -= 1;
    const hole: number[] = [];
    for (; belongs(from); from += 1) hole.push(from);
    return hole;
  }

  #loseLowest(session: Session): void {
    this.#lose(session, this.#holeOf(session, session.of('missing')[0]!));
  }

  #lose(session: Session, hole: readonly number[]): void {
    this.#reports += 1;
    for (const number of hole) {
      const entry = session.numbers.get(number)!;
      entry.state = 'lost';
      entry.ending = 'lost';
      if (entry.report === 0) entry.report = this.#reports;
      this.log.push(`gap ${session.id} ${number} lost -1`);
    }
    this.#deliver(session);
  }

  #report(session: Session, hole: readonly number[]): void {
    if (this.#options.recoveryTimeout === null) {
      this.#lose(session, hole);
      return;
    }
    this.#reports += 1;
    for (const number of hole) {
      const entry = session.numbers.get(number)!;
      entry.report = this.#reports;
      entry.reportedAt = this.time;
      this.log.push(`gap ${session.id} ${number} open -1`);
    }
  }

  #loseWithin(session: Session, first: number, count: number, reportedOnly: boolean): void {
    const wanted = (number: number): boolean => {
      const entry = session.numbers.get(number)!;
      if (entry.state !== 'missing' || number < first || number >= first + count) return false;
      return !reportedOnly || entry.reportedAt !== null;
    };
    for (;;) {
      const number = session.of('missing').find(wanted);
      if (number === undefined) return;
      this.#lose(session, this.#holeOf(session, number).filter(wanted));
    }
  }

  #unreported(session: Session): number | undefined {
    return session.of('missing').find((number) => session.numbers.get(number)!.reportedAt === null);
  }

  #age(session: Session): void {
    const { gapTimeout, recoveryTimeout } = this.#options;
    const entryOf = (number: number): Entry => session.numbers.get(number)!;
    for (;;) {
      const [lowest] = session.of('missing');
      if (lowest === undefined || recoveryTimeout === null) break;
      const { reportedAt } = entryOf(lowest);
      if (reportedAt === null || this.time - reportedAt < recoveryTimeout) break;
      this.#loseLowest(session);
    }
    for (;;) {
      const number = this.#unreported(session);
      if (number === undefined || this.time - entryOf(number).since < gapTimeout) break;
      this.#report(session, this.#holeOf(session, number));
    }
    this.#watchWindow(session);
  }

  #watchWindow(session: Session): void {
    if (session.held || session.closed) return;
    for (;;) {
      const number = this.#unreported(session);
      if (number === undefined || session.highest - 1 - number <= this.#options.window) return;
      this.#report(session, this.#holeOf(session, number));
    }
  }

  /** Packets of which something waits, in all sessions. */
  #waitingPackets(): number {
    const packets = new Set<number>();
    for (const { numbers } of this.sessions) {
      for (const { state, packet } of numbers.values()) if (state === 'waiting') packets.add(packet!.id);
    }
    return packets.size;
  }

  #enter(line: number, id: number): Session | null {
    let index = this.sessions.findIndex((session) => session.id === id);
    if (index < 0) {
      if (line === 2 && this.#current() !== null) return null;
      index = this.sessions.length;
      const last = this.sessions.at(-1);
      const session = new Session(id, this.time, this.#options.lines);
      this.sessions.push(session);
      if (last !== undefined && (last.base !== null || last.id !== 0)) {
        session.begin(1);
        session.held = true;
      } else {
        if (this.#options.start !== 'first-seen') session.begin(this.#options.start);
        if (last !== undefined) last.closed = true;
        this.#at = index;
      }
    }
    if (line >= 0) {
      this.#newest[line] = Math.max(this.#newest[line]!, index);
      this.#advance();
    }
    return this.sessions[index]!;
  }

  #advance(): void {
    while (this.#at + 1 < this.sessions.length && this.#isOver()) this.#next();
  }

  #isOver(): boolean {
    const { gapTimeout, recoveryTimeout } = this.#options;
    const current = this.#current()!;
    const waited = this.time - this.sessions[this.#at + 1]!.since;
    const everyLine = current.lines.every(
      ({ packets }, line) => line === 2 || packets === 0 || this.#newest[line]! > this.#at,
    );
    if (!everyLine && waited < gapTimeout) return false;
    if (recoveryTimeout === null || current.of('missing').length === 0) return true;
    return waited >= gapTimeout + recoveryTimeout;
  }

  #next(): void {
    const current = this.#current()!;
    this.#finish(current);
    current.closed = true;
    this.#at += 1;
    const next = this.#current()!;
    next.held = false;
    this.log.push(`session ${next.id}`);
    this.#deliver(next);
    this.#age(next);
  }

  #finish(session: Session): void {
    while (session.of('missing').length > 0) this.#loseLowest(session);
    this.#deliver(session);
  }
}

interface Copies {
  readonly session: number;
  readonly digest: number;
  inConflict: boolean;
  /** First time by line. */
  readonly times: (number | undefined)[];
}

function newEntry(hole: number, since: number): Entry {
  return {
    state: 'missing',
    hole,
    since,
    reportedAt: null,
    report: 0,
    ending: 'open',
    by: -1,
    packet: null,
  };
}

function lineState(): LineState {
  return {
    packets: 0,
    messages: 0,
    deliveredFirst: 0,
    duplicates: 0,
    late: 0,
    outOfOrder: 0,
    unsequenced: 0,
    malformed: 0,
    heartbeats: 0,
    highest: 0,
    shown: new Set(),
  };
}
