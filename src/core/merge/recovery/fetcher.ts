import type { RecoveryCounts } from './counts.ts';
import { hullsOf, NumberSet } from './number-set.ts';
import { type RecordedRange, RecoveryRecord } from './recovery-record.ts';
import type { RecoverySettings } from './settings.ts';
import {
  type FetcherSink,
  PACKET_DAMAGED,
  PACKET_OTHER_SESSION,
  PACKET_READ,
  type PacketNumbers,
  type RecoveryRoute,
  type RecoveryTimers,
} from './surroundings.ts';
import { type Lane, WaitingRanges } from './waiting-ranges.ts';

/** Most ranges that wait over all channels; what is beyond is told as unrecoverable at once. */
export const WAITING_RANGES_MAX = 65536;
/** Most questions of one attempt: what is missing in more pieces is asked for with the narrowest gaps between them. */
const QUESTIONS_PER_ATTEMPT_MAX = 16;

/** The range in hand. */
interface Job extends RecordedRange {
  readonly missing: NumberSet;
  attempt: number;
  packets: number;
  unneeded: number;
}

/**
 * Fetches ranges of numbers, one after the other, ascending within a channel: asks, waits, counts what came number by
 * number, asks again for the rest, and in the end has either handed on every number of a range or told the missing ones
 * as unrecoverable. Pure: clock and way to the server are given.
 *
 * What comes while a range is in hand waits and grows together with what touches it, so a hole that grows is one range.
 * A question ends when nothing useful has come for the request timeout, whatever else comes.
 */
export class Fetcher {
  readonly #settings: RecoverySettings;
  readonly #route: RecoveryRoute;
  readonly #numbers: PacketNumbers;
  readonly #timers: RecoveryTimers;
  readonly #sink: FetcherSink;
  readonly #counts: RecoveryCounts;
  readonly #record: RecoveryRecord;
  readonly #waiting: WaitingRanges = new WaitingRanges();
  #job: Job | null = null;
  /** Pairs of the running attempt, and where in them it is. */
  #hulls: number[] = [];
  #hullAt = 0;
  #isAsking = false;
  #deadline = 0;
  #lastQuestion: number = Number.NEGATIVE_INFINITY;
  /** Numbers to tell as unrecoverable at the next turn. */
  #refused: { readonly lane: Lane; readonly first: number; readonly count: number }[] = [];
  #takeBackWait: (() => void) | null = null;
  #takeBackDeadline: (() => void) | null = null;
  #isStarting = false;
  #isPaused = false;
  /** Waits for `resume` to ask on. */
  #heldUp: Job | null = null;
  #isClosed = false;

  constructor(parts: {
    readonly settings: RecoverySettings;
    readonly route: RecoveryRoute;
    readonly numbers: PacketNumbers;
    readonly timers: RecoveryTimers;
    readonly sink: FetcherSink;
    readonly counts: RecoveryCounts;
  }) {
    this.#settings = parts.settings;
    this.#route = parts.route;
    this.#numbers = parts.numbers;
    this.#timers = parts.timers;
    this.#sink = parts.sink;
    this.#counts = parts.counts;
    this.#record = new RecoveryRecord(parts);
  }

  get isIdle(): boolean {
    return this.#job === null && this.#waiting.count === 0 && this.#refused.length === 0;
  }

  /** A hole was reported or has grown. Numbers that are asked for already are not asked for twice. */
  request(channel: number, session: Uint8Array | null, first: number, count: number): void {
    if (!(count > 0) || this.#isClosed) return;
    const to = first + count;
    const lane = this.#waiting.open(channel, session);
    if (!(first >= 1 && first <= Number.MAX_SAFE_INTEGER - (count - 1))) {
      this.#counts.refusedRequests += 1;
      this.#refuse(lane, first, count);
    } else if (
      this.#waiting.count + this.#refused.length >= WAITING_RANGES_MAX &&
      lane.waiting.overlap(first - 1, to + 1) === 0
    ) {
      this.#counts.droppedRequests += 1;
      this.#refuse(lane, first, count);
    } else if (this.#job?.lane === lane) lane.waiting.addWithout(first, to, this.#job.missing);
    else lane.waiting.add(first, to);
    this.#startSoon();
  }

  /**
   * These numbers are not needed any more: they came from elsewhere, or were given up.
   * @param session null = the one of the channel that was asked for last.
   */
  satisfied(channel: number, session: Uint8Array | null, first: number, count: number): void {
    const to = first + count;
    const lane = session === null ? this.#waiting.newest(channel) : this.#waiting.find(channel, session);
    if (lane === null) return;
    lane.waiting.subtract(first, to);
    const job = this.#job;
    if (job?.lane === lane) {
      job.unneeded += job.missing.subtract(first, to);
      if (job.missing.isEmpty) this.#endSoon();
    }
    this.#startSoon();
  }

  /** The server is reached: what was asked has the whole time from now on. */
  reached(): void {
    this.#renew();
  }

  /** Whoever takes the packets has no room: nothing more is asked for, and what is under way is not late. */
  pause(): void {
    this.#isPaused = true;
  }

  /** There is room again. */
  resume(): void {
    this.#isPaused = false;
    this.#renew();
    const job = this.#heldUp;
    this.#heldUp = null;
    if (job !== null && job === this.#job) this.#ask(job);
  }

  /**
   * A packet came.
   * @param number what its frame says its first number is; −1 where no frame does.
   * @returns false when nothing more of this answer is of interest.
   */
  packet(number: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const counts = this.#counts;
    const job = this.#job;
    if (job === null) {
      counts.stalePackets += 1;
      return false;
    }
    const { channel, session } = job.lane;
    const numbers = this.#numbers;
    const verdict = numbers.read(channel, session, bytes, offset, length);
    if (verdict === PACKET_DAMAGED || (verdict === PACKET_READ && number >= 0 && number !== numbers.first)) {
      counts.damagedPackets += 1;
      return true;
    }
    if (verdict === PACKET_OTHER_SESSION) {
      counts.otherSessionPackets += 1;
      return true;
    }
    const from = numbers.first;
    const to = from + numbers.count;
    if (job.missing.subtract(from, to) === 0) {
      if (from <= job.last && to > job.first) counts.duplicatePackets += 1;
      else counts.stalePackets += 1;
      return true;
    }
    counts.injectedPackets += 1;
    job.packets += 1;
    this.#renew();
    this.#sink.packet(channel, bytes, offset, length);
    if (this.#job !== job) return false;
    if (job.missing.isEmpty) {
      this.#fetched(job);
      return false;
    }
    if (this.#route.answersOnePacket && this.#isAsking) {
      this.#endQuestion();
      if (this.#isPaused) this.#heldUp = job;
      else this.#ask(job);
    }
    return true;
  }

  /** The answer has ended, in order (null) or as the text says. */
  answered(failure: string | null): void {
    const job = this.#job;
    if (job === null || !this.#isAsking) return;
    this.#endQuestion();
    if (failure !== null) {
      this.#failed(job, failure);
      return;
    }
    // Closed in order, but not every number came: half an answer is no answer.
    if (job.missing.overlap(this.#hulls[this.#hullAt]!, this.#hulls[this.#hullAt + 1]!) > 0) {
      this.#counts.shortAnswers += 1;
    }
    this.#hullAt += 2;
    this.#ask(job);
  }

  /** Gives up: everything that is still missing is told as unrecoverable, now. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#takeBackWait?.();
    this.#takeBackWait = null;
    const job = this.#job;
    if (job !== null) {
      this.#endQuestion();
      this.#route.cancel();
      this.#giveUp(job);
    }
    this.#tellRefused();
    for (let lane = this.#waiting.next(); lane !== null; lane = this.#waiting.next()) {
      this.#loseAll(lane, lane.waiting);
    }
    this.#sink.idle();
  }

  #startSoon(): void {
    if (this.#job !== null || this.#isStarting || this.#isClosed) return;
    this.#isStarting = true;
    this.#wait(0, () => {
      this.#isStarting = false;
      this.#start();
    });
  }

  /** Takes up the next range, of the channels in turn. */
  #start(): void {
    if (this.#isClosed) return;
    const lane = this.#waiting.next();
    if (lane === null) {
      this.#sink.idle();
      return;
    }
    const from = lane.waiting.from(0);
    const to = lane.waiting.to(0);
    lane.waiting.shift();
    const missing = new NumberSet();
    missing.add(from, to);
    const started = this.#timers.now();
    const job: Job = {
      lane,
      first: from,
      last: to - 1,
      missing,
      started,
      attempt: 0,
      packets: 0,
      unneeded: 0,
    };
    this.#job = job;
    this.#record.requested(job);
    this.#attempt(job);
  }

  #attempt(job: Job): void {
    job.attempt += 1;
    if (job.attempt > 1) this.#counts.retries += 1;
    this.#hulls = hullsOf(job.missing, QUESTIONS_PER_ATTEMPT_MAX);
    this.#hullAt = 0;
    this.#ask(job);
  }

  /** Asks for what is missing in the next piece of the attempt; behind the last one the attempt has failed. */
  #ask(job: Job): void {
    const { minRequestIntervalNs, requestTimeoutNs } = this.#settings;
    const { missing } = job;
    for (; this.#hullAt < this.#hulls.length; this.#hullAt += 2) {
      const first = missing.lowestFrom(this.#hulls[this.#hullAt]!);
      const to = this.#hulls[this.#hullAt + 1]!;
      if (first >= to) continue;
      const now = this.#timers.now();
      const wait = this.#lastQuestion + minRequestIntervalNs - now;
      if (wait > 0) {
        this.#wait(wait, () => this.#ask(job));
        return;
      }
      this.#lastQuestion = now;
      this.#counts.questions += 1;
      this.#isAsking = true;
      this.#deadline = now + requestTimeoutNs;
      if (requestTimeoutNs > 0 && this.#takeBackDeadline === null) this.#watchDeadline(requestTimeoutNs);
      this.#route.ask({ channel: job.lane.channel, session: job.lane.session, first, last: to - 1 });
      return;
    }
    if (missing.isEmpty) this.#fetched(job);
    else this.#failed(job, 'the answer had not every number');
  }

  /** One timer for all packets of a question: what is useful only moves the time that it looks at. */
  #watchDeadline(ns: number): void {
    this.#takeBackDeadline = this.#timers.after(ns, () => {
      this.#takeBackDeadline = null;
      const job = this.#job;
      if (job === null || !this.#isAsking) return;
      const left = this.#isPaused ? ns : this.#deadline - this.#timers.now();
      if (left > 0) {
        this.#watchDeadline(left);
        return;
      }
      this.#endQuestion();
      this.#route.cancel();
      this.#failed(job, `nothing useful came for ${this.#settings.requestTimeoutNs / 1e6} ms`);
    });
  }

  #renew(): void {
    if (this.#isAsking) this.#deadline = this.#timers.now() + this.#settings.requestTimeoutNs;
  }

  #endQuestion(): void {
    this.#isAsking = false;
    this.#takeBackDeadline?.();
    this.#takeBackDeadline = null;
  }

  #failed(job: Job, failure: string): void {
    const { retryAttempts, retryBackoffNs } = this.#settings;
    if (job.missing.isEmpty) {
      this.#fetched(job);
      return;
    }
    this.#counts.failures += 1;
    this.#counts.lastFailure = failure;
    if (job.attempt < retryAttempts) {
      this.#wait(job.attempt * retryBackoffNs, () => this.#attempt(job));
      return;
    }
    this.#giveUp(job);
    this.#startSoon();
  }

  /** Tells what is missing of the range in hand. */
  #giveUp(job: Job): void {
    this.#job = null;
    this.#loseAll(job.lane, job.missing);
    this.#record.ended(job);
  }

  /** Each range is out before it is told: whoever hears it may say that it is not needed any more. */
  #loseAll(lane: Lane, numbers: NumberSet): void {
    while (!numbers.isEmpty) {
      const from = numbers.from(0);
      const to = numbers.to(0);
      numbers.shift();
      this.#lose(lane, from, to);
    }
  }

  #lose(lane: Lane, from: number, to: number): void {
    this.#record.lost(lane, from, to);
    this.#sink.unrecoverable(lane.channel, from, to - from, lane.session);
  }

  /** Every number of the range is there, or needed no more. */
  #fetched(job: Job): void {
    this.#job = null;
    this.#takeBackWait?.();
    this.#takeBackWait = null;
    if (this.#isAsking) {
      this.#endQuestion();
      this.#route.cancel();
    }
    this.#record.fetched(job);
    this.#startSoon();
  }

  /** Nothing of the range in hand is missing any more; whoever said so is not called back from there. */
  #endSoon(): void {
    const job = this.#job!;
    this.#timers.after(0, () => {
      if (this.#job === job && !this.#isClosed) this.#fetched(job);
    });
  }

  #wait(ns: number, go: () => void): void {
    this.#takeBackWait = this.#timers.after(ns, () => {
      this.#takeBackWait = null;
      go();
    });
  }

  #refuse(lane: Lane, first: number, count: number): void {
    if (this.#refused.length === 0) this.#timers.after(0, () => this.#tellRefused());
    this.#refused.push({ lane, first, count });
  }

  #tellRefused(): void {
    const refused = this.#refused;
    this.#refused = [];
    for (const { lane, first, count } of refused) this.#lose(lane, first, first + count);
  }
}
