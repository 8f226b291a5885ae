import type { Random } from '../../../src/core/binary/random.ts';
import { GAP_FILLED, GAP_LOST, GAP_OPEN } from '../../../src/core/event/record.ts';
import { HEADER_DAMAGED, HEADER_DATA, HEADER_END_OF_SESSION } from '../../../src/core/feeds/feed.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { Arbiter } from '../../../src/core/merge/arbiter.ts';
import type { ArbiterOptions, ArbiterSink } from '../../../src/core/merge/session-merge.ts';
import { WaitingRoom } from '../../../src/core/merge/waiting-room.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { type Episode, holds, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 512;
const PACKET_BYTES = 512;
const MESSAGES_MAX = 6;
const LINES = 3;
const LINE_R = 2;
const SESSIONS = 4;
const GAP_TIMEOUT_NS = 5e6;
const RECOVERY_TIMEOUT_NS = 1e8;
const TWO_32 = 4294967296;
/** What mutants are spliced with. */
const OTHER: Uint8Array = new Uint8Array(64).fill(0xff);

/** Hostile packets on three lines of one channel, with a recovery source that answers, gives up or keeps still. */
export function linesTarget(): Target {
  return {
    name: 'lines',
    title:
      'mutated packets of lines A, B and R → arbiter; strictly rising, none twice, every hole told, bounded, never stalls',
    share: 100,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new LinesEpisode(random, outcomes),
  };
}

class LinesEpisode implements Episode, ArbiterSink {
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #packet: Scratch = new Scratch(PACKET_BYTES);
  readonly #datagram: Datagram = new Datagram();
  readonly #transport = itch.transport!();
  readonly #room: WaitingRoom = new WaitingRoom();
  readonly #options: ArbiterOptions;
  readonly #arbiter: Arbiter;
  /** Per line the number that it shows next. */
  readonly #shown: number[] = [1, 1, 1];
  #sessionName = 1;
  /** What the output has come to. */
  #session = -1;
  #next = -1;
  #delivered = 0;
  #lost = 0;
  /** Lost numbers that the output has not come to, with the number behind them. */
  #ahead: (readonly [from: number, to: number])[] = [];
  /** The hole that was opened last, for answers of recovery. */
  #hole: readonly [first: number, count: number] | null = null;

  constructor(random: Random, outcomes: Outcomes) {
    this.#random = random;
    this.#outcomes = outcomes;
    this.#options = {
      gapTimeoutNs: GAP_TIMEOUT_NS,
      start: random.below(2) === 0 ? 1 : 'first-seen',
      window: random.below(3) === 0 ? 1 + random.below(64) : Number.POSITIVE_INFINITY,
      waitingPacketsMax: random.below(2) === 0 ? 4 + random.below(32) : 4096,
      lines: LINES,
      recoveryTimeoutNs: random.below(2) === 0 ? null : RECOVERY_TIMEOUT_NS,
    };
    if (this.#options.start === 1) this.#next = 1;
    this.#arbiter = new Arbiter(0, this.#options, this, this.#room);
  }

  next(): void {
    const random = this.#random;
    this.#advance(random.below(4) === 0 ? random.below(3_000_000) : random.below(1000));
    switch (random.below(64)) {
      case 0:
        this.#settle();
        break;
      case 1: {
        // Records of a packet pipe name no number beyond 2^53.
        const first = this.#number();
        const count = Math.min(random.below(64), Number.MAX_SAFE_INTEGER - first);
        this.#arbiter.declareLost(random.below(SESSIONS + 2), first, count);
        break;
      }
      case 2:
        if (this.#hole !== null) this.#arbiter.abandon(...this.#hole);
        break;
      default:
        this.#take(this.#write());
    }
    const { packets } = this.#room;
    holds(packets <= this.#options.waitingPacketsMax, `${packets} packets wait`);
  }

  end(): void {
    this.#settle();
    this.#arbiter.finish();
    same('packets that wait at the end', this.#room.packets, 0);
    let delivered = 0;
    for (const session of this.#arbiter.sessions) {
      delivered += session.delivered;
      let first = 0;
      for (const line of session.lines) {
        same('numbers of a line', line.deliveredFirst + line.duplicates + line.late, line.messages);
        first += line.deliveredFirst;
      }
      same('numbers delivered first', first, session.delivered);
      if (session.first === null || session.last === null) continue;
      same('numbers of a session', session.delivered + session.lost, session.last - session.first + 1);
    }
    same('numbers delivered', delivered, this.#delivered);
    this.#outcomes.add('numbers delivered', this.#delivered);
    this.#outcomes.add('numbers lost', this.#lost);
  }

  deliver(
    _channel: number,
    line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
  ): void {
    holds(
      line >= 0 && line < LINES && take > 0 && skip >= 0,
      `delivered ${take} behind ${skip} of line ${line}`,
    );
    holds(datagram.length >= 20, 'a packet without a header');
    if (first === 0) return;
    const from = first + skip;
    if (this.#next < 0) this.#next = from;
    this.#passLost();
    same('number that goes out', from, this.#next);
    this.#next = from + take;
    this.#delivered += take;
  }

  gap(_channel: number, _session: number, first: number, count: number, state: number): void {
    holds(count > 0, `a hole of ${count}`);
    if (state === GAP_OPEN) {
      this.#hole = [first, count];
      this.#outcomes.add('holes opened');
    } else if (state === GAP_FILLED) this.#outcomes.add('holes filled');
    else if (state === GAP_LOST) {
      this.#outcomes.add('holes lost');
      this.#lost += count;
      if (this.#next < 0) this.#next = first;
      this.#passLost();
      holds(first >= this.#next, `numbers from ${first} are lost, and ${this.#next} is the next one`);
      holds(!this.#ahead.some(([from, to]) => first < to && from < first + count), `${first} is lost twice`);
      // Lost ahead of the output, whose place is told when it comes to them.
      this.#ahead.push([first, first + count]);
    }
  }

  session(_channel: number, session: number, first: number): void {
    holds(session !== this.#session, 'a session begins again');
    this.#session = session;
    this.#next = first;
    this.#ahead = [];
    this.#outcomes.add('sessions begun');
  }

  /** The output goes on behind numbers that are lost. */
  #passLost(): void {
    for (;;) {
      const at = this.#ahead.findIndex(([from]) => from === this.#next);
      if (at < 0) return;
      this.#next = this.#ahead[at]![1];
      this.#ahead.splice(at, 1);
    }
  }

  /** Time goes on far enough: whatever came, nothing waits any more. */
  #settle(): void {
    for (let round = 0; round <= SESSIONS; round += 1) {
      this.#advance(2 * (GAP_TIMEOUT_NS + RECOVERY_TIMEOUT_NS));
      this.#room.rearm();
      this.#arbiter.expire();
    }
    same('packets that wait when all timeouts have passed', this.#room.packets, 0);
  }

  #advance(ns: number): void {
    this.#room.clock[0]! += ns;
    if (!this.#room.isDue) return;
    this.#room.rearm();
    this.#arbiter.expire();
  }

  #take(line: number): void {
    const transport = this.#transport;
    const datagram = this.#datagram;
    datagram.attach(this.#packet.bytes);
    datagram.length = this.#packet.length;
    const kind = transport.readHeader(datagram);
    if (kind === HEADER_DATA) this.#arbiter.data(line, datagram, transport);
    else if (kind === HEADER_DAMAGED) {
      this.#arbiter.damaged(line);
      this.#outcomes.add('damaged');
    } else this.#arbiter.mark(line, transport, kind === HEADER_END_OF_SESSION);
  }

  /** A number that a line may name: the next one, one near it, one far ahead, or one at the end of all. */
  #number(): number {
    const random = this.#random;
    const near = this.#shown[random.below(LINES)]!;
    // Behind a leap everything is late until the next session: a few are enough.
    switch (random.below(1024)) {
      case 0:
        return random.below(1 << 20);
      case 1:
        return Number.MAX_SAFE_INTEGER - random.below(16);
      case 2:
        return 0;
      default:
        return Math.max(1, near + random.below(24) - 12);
    }
  }

  /** Writes a packet. @returns its line. */
  #write(): number {
    const random = this.#random;
    const line = random.below(16) === 0 ? LINE_R : random.below(2);
    const packet = this.#packet;
    const { view, bytes } = packet;
    if (random.below(200) === 0) {
      this.#sessionName = random.below(SESSIONS);
      this.#shown.fill(1);
    }
    const isStale = random.below(40) === 0;
    const name = isStale ? random.below(SESSIONS) : this.#sessionName;
    bytes.fill(0x30, 0, 10);
    bytes[9] = name === 0 && random.below(4) === 0 ? 0 : 0x41 + name;
    if (name === 0) bytes.fill(0x20, 0, 10);
    let first = random.below(3) === 0 ? this.#number() : this.#shown[line]!;
    if (line === LINE_R && this.#hole !== null) first = this.#hole[0] + random.below(this.#hole[1]);
    const kind = random.below(24);
    const count = kind < 2 ? 0 : 1 + random.below(MESSAGES_MAX);
    view.setUint32(10, Math.floor(first / TWO_32));
    view.setUint32(14, first % TWO_32);
    view.setUint16(18, kind === 0 ? 0xffff : count);
    let at = 20;
    for (let message = 0; message < count; message += 1) {
      const length = random.below(24);
      view.setUint16(at, length);
      bytes.fill(random.below(16) === 0 ? random.below(256) : 1, at + 2, at + 2 + length);
      at += 2 + length;
    }
    packet.length = at;
    // A line goes on behind what it has shown, or leaves something out.
    if (!isStale && first < 1 << 21)
      this.#shown[line] = first + count + (random.below(8) === 0 ? random.below(8) : 0);
    if (random.below(8) === 0) mutate(packet, random, OTHER);
    return line;
  }
}
