import { Arbiter } from '../../../src/core/merge/arbiter.ts';
import type { SessionCounts } from '../../../src/core/merge/counts.ts';
import type { TransportHeader } from '../../../src/core/merge/header.ts';
import { type ArbiterOptions, type ArbiterSink, ONE_LINE } from '../../../src/core/merge/session-merge.ts';
import { WaitingRoom } from '../../../src/core/merge/waiting-room.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';

const STATES = ['', 'open', 'filled', 'lost'];

/** Larger gaps are not written number by number. */
const NUMBERS_MAX = 10_000;

export interface Sent {
  readonly line?: number;
  readonly session?: number;
  readonly first: number;
  readonly count?: number;
  /** Is found again in the packet's bytes. */
  readonly id?: number;
  readonly bytes?: number;
  readonly digests?: readonly number[];
  readonly time?: number;
}

/** An arbiter with a clock, and what came out of it. */
export class MergeRun implements ArbiterSink {
  readonly room: WaitingRoom = new WaitingRoom();
  readonly arbiter: Arbiter;
  /** Numbers of deliveries as ranges with their line, gaps, sessions: `1-3 A`, `lost 4-5`, `session 2`. */
  readonly log: string[] = [];
  /** The same number by number, as ReferenceArbiter writes it. */
  readonly numbers: string[] = [];
  /** Is added to every number on the way in, and taken away on the way out. */
  readonly #shift: number;
  /** Session that is passed on: the arbiter names it where it changes. */
  #session = 1;

  constructor(wanted: Partial<ArbiterOptions> = {}, shift = 0) {
    this.#shift = shift;
    const options = { ...ONE_LINE, gapTimeoutNs: 5, start: 'first-seen' as const, lines: 2, ...wanted };
    this.arbiter = new Arbiter(0, options, this, this.room);
  }

  at(time: number): this {
    const { room } = this;
    room.clock[0] = Math.max(room.clock[0]!, time);
    if (!room.isDue) return this;
    room.rearm();
    this.arbiter.expire();
    return this;
  }

  data({ line = 0, session = 1, first, count = 1, id = 0, bytes = 8, digests, time = 0 }: Sent): this {
    const datagram = new Datagram();
    datagram.attach(new Uint8Array(bytes + 3));
    datagram.offset = 3;
    datagram.length = bytes;
    datagram.timeLow = time | 0;
    datagram.timeHigh = Math.floor(time / 2 ** 32);
    datagram.view.setUint32(3, id);
    for (let at = 7; at < bytes + 3; at += 1) datagram.bytes[at] = at;
    const number = first === 0 ? 0 : first + this.#shift;
    this.arbiter.data(line, datagram, header(session, number, count, digests ?? []));
    return this;
  }

  mark(line: number, session: number, next: number, isEnd = false): this {
    this.arbiter.mark(line, header(session, next + this.#shift, 0, []), isEnd);
    return this;
  }

  finish(): string[] {
    this.arbiter.finish();
    return this.log;
  }

  get sessions(): readonly SessionCounts[] {
    return this.arbiter.sessions;
  }

  deliver(
    _channel: number,
    line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
  ): void {
    const id = datagram.view.getUint32(datagram.offset);
    for (let at = 4; at < datagram.length; at += 1) {
      if (datagram.bytes[datagram.offset + at] !== ((3 + at) & 0xff))
        throw new Error('bytes are not those sent');
    }
    const name = 'ABR'[line];
    if (first === 0) {
      this.log.push(`${take} without numbers ${name}`);
      this.numbers.push(`deliver without numbers ${line} ${id}`);
      return;
    }
    const from = first + skip - this.#shift;
    this.log.push(`${from}-${from + take - 1} ${name}`);
    for (let at = 0; at < take; at += 1)
      this.numbers.push(`deliver ${this.#session} ${from + at} ${line} ${id}`);
  }

  gap(_channel: number, session: number, first: number, count: number, state: number, by: number): void {
    const from = first - this.#shift;
    const name = `${STATES[state]} ${from}-${from + count - 1}`;
    this.log.push(by < 0 ? name : `${name} ${'ABR'[by]}`);
    this.#session = session;
    if (count > NUMBERS_MAX) return;
    for (let at = 0; at < count; at += 1)
      this.numbers.push(`gap ${session} ${from + at} ${STATES[state]} ${by}`);
  }

  session(_channel: number, session: number): void {
    this.log.push(`session ${session}`);
    this.numbers.push(`session ${session}`);
    this.#session = session;
  }

  /** Counts as ReferenceArbiter has them. */
  counts(): object[] {
    const back = (number: number | null): number | null => (number === null ? null : number - this.#shift);
    return this.sessions.map(({ session, first, last, delivered, lost, conflicts, gaps, lines }) => ({
      session,
      first: back(first),
      last: back(last),
      delivered,
      lost,
      conflicts,
      gaps: gaps.list.map(({ from, to, state, by }) => ({ from: back(from), to: back(to), state, by })),
      lines: lines.map((line) => ({ ...line })),
    }));
  }
}

function header(session: number, first: number, count: number, digests: readonly number[]): TransportHeader {
  return {
    session,
    first,
    count,
    digest(_datagram, wanted, into) {
      for (let at = 0; at < wanted; at += 1) into[at] = digests[at] ?? 7;
    },
  };
}
