import type { Datagram } from '../packet/datagram.ts';
import { GapBudget, LineCounts, type SessionCounts } from './counts.ts';
import { LINE_R, type TransportHeader } from './header.ts';
import { SeenNumbers } from './seen.ts';
import { type ArbiterOptions, type ArbiterSink, SessionMerge } from './session-merge.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** Most sessions of a channel that are kept; of older ones only the sum of their lines is. */
const SESSIONS_MAX = 2048;
/** Sessions behind the newest one that can still tell duplicates from late numbers. */
const SESSIONS_WHOLE = 16;
/** Most sessions that wait for their turn. */
const SESSIONS_WAITING_MAX = 64;

/**
 * Makes one stream of the lines of a channel: strictly rising numbers per session, none twice, and what is missing told as
 * a gap after `gapTimeoutNs` of the room's clock at the latest. Counts as docs/report.md says.
 *
 * A packet of another session than the current one begins the next session. While a line that was seen in the current
 * session has not shown the next one, its packets wait, so that the end of the current one can still come on that line;
 * at most for the gap timeout (and, with holes open, the recovery timeout behind it), or until the room is full.
 */
export class Arbiter {
  readonly channel: number;
  /** Damaged datagrams before the first session, packets of sessions that recovery named out of turn or that are forgotten. */
  readonly strays: readonly LineCounts[];
  readonly #options: ArbiterOptions;
  readonly #sink: ArbiterSink;
  readonly #room: WaitingRoom;
  /** What the lines showed, to compare it; null: they are not compared. */
  #seen: SeenNumbers | null = null;
  readonly #budget: GapBudget = new GapBudget();
  /** In order of first sight. */
  readonly #merges: SessionMerge[] = [];
  /** Index of the session in hand; those behind it wait for their turn. */
  #at = -1;
  #current: SessionMerge | null = null;
  /** Per line the index of the newest session that it showed. */
  readonly #newest: Int32Array;
  /** Session numbers up to here, 0 aside, are of sessions that are not kept any more. */
  #forgotten = 0;

  constructor(channel: number, options: ArbiterOptions, sink: ArbiterSink, room: WaitingRoom) {
    this.channel = channel;
    this.#options = options;
    this.#sink = sink;
    this.#room = room;
    if (options.lines > 1 && options.comparesWhenAsked !== true) this.compare();
    this.#newest = new Int32Array(options.lines).fill(-1);
    this.strays = Array.from({ length: options.lines }, () => new LineCounts());
  }

  /** Counts of the sessions as they are now, in order of first sight. */
  get sessions(): readonly SessionCounts[] {
    const counts: SessionCounts[] = [];
    for (const merge of this.#merges) {
      merge.settle();
      counts.push(merge.counts);
    }
    return counts;
  }

  /** Number of the session in hand, 0 = none. */
  get session(): number {
    return this.#current?.session ?? 0;
  }

  /** From now on the copies of a number are compared: for conflicts, and for the skew of the lines. */
  compare(): void {
    this.#seen ??= new SeenNumbers(this.#room.skew);
  }

  /** A datagram with messages. */
  data(line: number, datagram: Datagram, header: TransportHeader): void {
    const { session, first, count } = header;
    if (first === 0) {
      this.#unsequenced(line, datagram, session, count);
      return;
    }
    let merge = this.#current;
    if (merge === null || merge.session !== session || this.#at + 1 < this.#merges.length) {
      merge = this.#enter(line, session);
      if (merge === null) {
        const stray = this.strays[line]!;
        stray.packets += 1;
        stray.messages += count;
        stray.late += count;
        return;
      }
      while (merge.isHeld && this.#room.isFull(datagram, this.#options.waitingPacketsMax)) this.#next();
    }
    const seen = this.#seen;
    if (seen !== null) {
      const { digests } = this.#room;
      header.digest(datagram, count, digests);
      merge.compare(seen, line, datagram, first, count, digests);
    }
    merge.data(line, datagram, first, count);
    if (this.#at + 1 < this.#merges.length) this.#advance();
  }

  /** A heartbeat or end of session: no messages, but it may name a number that has not been seen. */
  mark(line: number, header: TransportHeader, isEnd: boolean): void {
    const merge = this.#enter(line, header.session);
    const counts = merge === null ? this.strays[line]! : merge.counts.lines[line]!;
    counts.packets += 1;
    if (!isEnd) counts.heartbeats += 1;
    if (merge !== null) {
      merge.name(line, header.first);
      this.#advance();
    }
  }

  /** A datagram whose framing is damaged: its header changes nothing. */
  damaged(line: number): void {
    const counts = this.#current === null ? this.strays[line]! : this.#current.counts.lines[line]!;
    counts.packets += 1;
    counts.malformed += 1;
  }

  /** Time has advanced: the room's clock. */
  expire(): void {
    this.#current?.expire();
    this.#advance();
  }

  /**
   * Upstream says that these numbers are lost. They are at once, with what is missing of them here; a session that
   * waits for its turn loses them by age.
   */
  declareLost(session: number, first: number, count: number): void {
    // A count of 0 is one that nobody knows: then age has to tell.
    if (count > 0) this.#enter(-1, session)?.declareLost(Math.max(1, first), count);
  }

  /** Recovery cannot bring these numbers of the current session: what is missing of them in reported holes is lost. */
  abandon(first: number, count: number): void {
    this.#current?.abandon(first, count);
    this.#advance();
  }

  /** Nothing more will come: every hole is lost, everything that waits is delivered. */
  finish(): void {
    while (this.#at + 1 < this.#merges.length) this.#next();
    this.#current?.finish();
  }

  #unsequenced(line: number, datagram: Datagram, session: number, count: number): void {
    const merge = this.#current ?? this.#enter(line, session);
    const counts = merge === null ? this.strays[line]! : merge.counts.lines[line]!;
    counts.packets += 1;
    counts.unsequenced += count;
    this.#sink.deliver(this.channel, line, datagram, 0, 0, count);
  }

  /** The session that a line names, made at first sight; null where it must not begin one. Line −1 shows nothing. */
  #enter(line: number, session: number): SessionMerge | null {
    let index = this.#merges.length - 1;
    while (index >= 0 && this.#merges[index]!.session !== session) index -= 1;
    if (index < 0) {
      const isForgotten = session !== 0 && session <= this.#forgotten;
      if (isForgotten || (line === LINE_R && this.#current !== null)) return null;
      index = this.#open(session);
    }
    const merge = this.#merges[index]!;
    if (line >= 0 && index > this.#newest[line]!) {
      this.#newest[line] = index;
      this.#advance();
    }
    return merge;
  }

  /** @returns the index of the new session. */
  #open(session: number): number {
    const { gapTimeoutNs } = this.#options;
    const room = this.#room;
    if (this.#merges.length - this.#at > SESSIONS_WAITING_MAX) this.#next();
    if (this.#merges.length >= SESSIONS_MAX) this.#drop();
    const last = this.#merges[this.#merges.length - 1] ?? null;
    const merge = new SessionMerge(session, this.channel, this.#options, this.#sink, room, this.#budget);
    this.#merges.push(merge);
    // Also behind a session of which only heartbeats came; messages without a session are none.
    if (last !== null && (last.started || last.session !== 0)) {
      merge.begin(1);
      merge.hold();
      room.announce(room.clock[0]! + gapTimeoutNs);
    } else {
      const start = this.#startOf(session);
      if (start >= 0) merge.begin(start);
      this.#current?.close();
      this.#at = this.#merges.length - 1;
      this.#current = merge;
    }
    return this.#merges.length - 1;
  }

  /** First number wanted of the session that the channel begins with; −1 = the first one seen. */
  #startOf(session: number): number {
    const { start, startOf } = this.#options;
    const known = startOf?.(session) ?? -1;
    if (known >= 0 || start === 'first-seen') return known;
    return start;
  }

  /** Goes on to the next session as long as the current one is over. */
  #advance(): void {
    while (this.#at + 1 < this.#merges.length && this.#isOver()) this.#next();
  }

  /** Is nothing more to be expected of the current session? The next one has begun on some line. */
  #isOver(): boolean {
    const { gapTimeoutNs, recoveryTimeoutNs } = this.#options;
    const current = this.#current!;
    const { since } = this.#merges[this.#at + 1]!;
    const now = this.#room.clock[0]!;
    if (now - since < gapTimeoutNs) {
      for (let line = 0; line < this.#newest.length; line += 1) {
        if (line !== LINE_R && current.showed(line) && this.#newest[line]! <= this.#at) {
          this.#room.announce(since + gapTimeoutNs);
          return false;
        }
      }
    }
    if (recoveryTimeoutNs === null || !current.hasHoles) return true;
    const end = since + gapTimeoutNs + recoveryTimeoutNs;
    if (now >= end) return true;
    this.#room.announce(end);
    return false;
  }

  #next(): void {
    const { channel } = this;
    this.#current!.close();
    this.#at += 1;
    const old = this.#at - SESSIONS_WHOLE;
    if (old >= 0) this.#merges[old]!.forget();
    const next = this.#merges[this.#at]!;
    this.#current = next;
    this.#sink.session(channel, next.session, 1);
    next.release();
  }

  /** Keeps of the oldest session the counts of its lines only. */
  #drop(): void {
    const [oldest] = this.#merges.splice(0, 1);
    oldest!.settle();
    for (let line = 0; line < this.strays.length; line += 1) {
      this.strays[line]!.add(oldest!.counts.lines[line]!);
      this.#newest[line] = this.#newest[line]! - 1;
    }
    this.#forgotten = Math.max(this.#forgotten, oldest!.session);
    this.#at -= 1;
  }
}
