import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBacklogLine } from '../../../../src/core/merge/recovery/backlog.ts';
import { RecoveryCounts } from '../../../../src/core/merge/recovery/counts.ts';
import { Fetcher, WAITING_RANGES_MAX } from '../../../../src/core/merge/recovery/fetcher.ts';
import { RECOVERY_DEFAULTS, type RecoverySettings } from '../../../../src/core/merge/recovery/settings.ts';
import {
  PACKET_DAMAGED,
  PACKET_OTHER_SESSION,
  PACKET_READ,
  type PacketNumbers,
  type Question,
  type RecoveryRoute,
} from '../../../../src/core/merge/recovery/surroundings.ts';
import { VirtualTimers } from '../../../world/virtual-timers.ts';

const MS = 1_000_000;
const SESSION = Buffer.from('0000010059');

/** A packet for the tests: kind, session byte, first number, count. */
const PACKET_BYTES = 10;

function packetOf(first: number, count: number, kind = 0, session = SESSION[0]!): Uint8Array {
  const view = new DataView(new ArrayBuffer(PACKET_BYTES));
  view.setUint8(0, kind);
  view.setUint8(1, session);
  view.setUint32(2, first);
  view.setUint32(6, count);
  return new Uint8Array(view.buffer);
}

class TestNumbers implements PacketNumbers {
  first = 0;
  count = 0;

  read(
    _channel: number,
    session: Uint8Array | null,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number {
    if (length !== PACKET_BYTES || bytes[offset] !== 0) return PACKET_DAMAGED;
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset);
    this.first = view.getUint32(2);
    this.count = view.getUint32(6);
    return session === null || session[0] === bytes[offset + 1] ? PACKET_READ : PACKET_OTHER_SESSION;
  }
}

/** Answers of a server, as the test decides them. */
class TestRoute implements RecoveryRoute {
  readonly answersOnePacket: boolean;
  readonly questions: (Question & { readonly at: number })[] = [];
  cancelled = 0;
  answer: (question: Question) => void = () => {};
  readonly #timers: VirtualTimers;

  constructor(timers: VirtualTimers, answersOnePacket: boolean) {
    this.#timers = timers;
    this.answersOnePacket = answersOnePacket;
  }

  ask(question: Question): void {
    this.questions.push({ ...question, at: this.#timers.now() });
    this.answer(question);
  }

  cancel(): void {
    this.cancelled += 1;
  }
}

class World {
  readonly timers = new VirtualTimers();
  readonly counts = new RecoveryCounts();
  readonly route: TestRoute;
  readonly fetcher: Fetcher;
  readonly delivered: number[] = [];
  readonly lost: { channel: number; first: number; count: number }[] = [];
  readonly backlog: string[] = [];
  idle = 0;
  /** Called for each packet that is handed on. */
  onPacket: (first: number, count: number) => void = () => {};
  /** Called for each range that is told as unrecoverable. */
  onLost: (first: number, count: number) => void = () => {};

  constructor(settings: Partial<RecoverySettings> = {}, answersOnePacket = false) {
    this.route = new TestRoute(this.timers, answersOnePacket);
    this.fetcher = new Fetcher({
      settings: { ...RECOVERY_DEFAULTS, ...settings },
      route: this.route,
      numbers: new TestNumbers(),
      timers: this.timers,
      counts: this.counts,
      sink: {
        packet: (_channel, bytes, offset) => {
          const view = new DataView(bytes.buffer, bytes.byteOffset + offset);
          const first = view.getUint32(2);
          const count = view.getUint32(6);
          for (let number = first; number < first + count; number += 1) this.delivered.push(number);
          this.onPacket(first, count);
        },
        unrecoverable: (channel, first, count) => {
          this.lost.push({ channel, first, count });
          this.onLost(first, count);
        },
        backlog: (line) => this.backlog.push(line.trimEnd()),
        idle: () => {
          this.idle += 1;
        },
      },
    });
  }

  /** A packet of a frame arrives. */
  frame(first: number, count = 1, kind = 0, session = SESSION[0]!): boolean {
    return this.fetcher.packet(first, packetOf(first, count, kind, session), 0, PACKET_BYTES);
  }

  /** The server is asked, after the next turn, and has everything. */
  serveAll(): void {
    this.route.answer = ({ first, last }) => {
      this.timers.after(1000, () => {
        this.frame(first, last - first + 1);
        this.fetcher.answered(null);
      });
    };
  }

  run(): void {
    while (this.timers.step());
  }

  get asked(): [number, number][] {
    return this.route.questions.map(({ first, last }) => [first, last]);
  }

  /** Backlog lines without our fields. */
  get steps(): string[] {
    return this.backlog.map((line) => line.replace(/ (ts|session|channel|ms|unneeded)=\S*/g, ''));
  }
}

describe('fetching a range', () => {
  it('asks once, hands on, and is done', () => {
    const world = new World();
    world.serveAll();
    world.fetcher.request(3, SESSION, 65, 1000);
    expect(world.asked).toEqual([]);
    world.run();
    expect(world.asked).toEqual([[65, 1064]]);
    expect(world.route.questions[0]).toMatchObject({ channel: 3, session: SESSION });
    expect(world.delivered).toEqual(Array.from({ length: 1000 }, (_, at) => 65 + at));
    expect(world.lost).toEqual([]);
    expect(world.counts).toMatchObject({
      requests: 1,
      retries: 0,
      fetchedRanges: 1,
      injectedPackets: 1,
      failures: 0,
    });
    expect(world.steps).toEqual(['requested 65 1064', 'fetched 65 1064 packets=1']);
    expect(parseBacklogLine(world.backlog[1]!)?.fields).toMatchObject({
      session: '0000010059',
      channel: '3',
    });
    expect(world.fetcher.isIdle).toBe(true);
    expect(world.idle).toBe(1);
    expect(world.timers.count).toBe(0);
  });

  it('joins what waits, takes it in ascending order, and forgets nothing that comes meanwhile', () => {
    const world = new World();
    world.serveAll();
    const { fetcher } = world;
    for (const [first, last] of [
      [10, 12],
      [2, 4],
      [5, 7],
      [20, 20],
      [18, 19],
      [7, 9],
      [5, 3],
    ]) {
      fetcher.request(0, SESSION, first!, last! - first! + 1);
    }
    world.timers.step();
    // While 2 … 12 is in hand: what is asked for already is not asked for again, what is new joins what waits.
    fetcher.request(0, SESSION, 2, 20);
    world.run();
    expect(world.asked).toEqual([
      [2, 12],
      [13, 21],
    ]);
    expect(world.counts.requests).toBe(2);
  });

  it('retries the rest of half an answer, with a growing pause, and escalates it alone', () => {
    const world = new World();
    const halves = [
      [1, 4],
      [7, 2],
      [9, 1],
    ];
    world.route.answer = () => {
      const half = halves.shift();
      world.timers.after(0, () => {
        if (half !== undefined) world.frame(half[0]!, half[1]);
        world.fetcher.answered(null);
      });
    };
    world.fetcher.request(0, SESSION, 1, 10);
    world.run();
    expect(world.route.questions.map(({ first, last, at }) => [first, last, at / MS])).toEqual([
      [1, 10, 0],
      [5, 10, 10],
      [5, 6, 30],
      [10, 10, 30],
    ]);
    expect(world.delivered).toEqual([1, 2, 3, 4, 7, 8, 9]);
    expect(world.lost).toEqual([
      { channel: 0, first: 5, count: 2 },
      { channel: 0, first: 10, count: 1 },
    ]);
    expect(world.counts).toMatchObject({
      requests: 1,
      retries: 2,
      failures: 3,
      shortAnswers: 4,
      fetchedRanges: 0,
      unrecoverableGaps: 2,
      unrecoverableNumbers: 3,
    });
    expect(world.steps).toEqual([
      'requested 1 10',
      'failed 5 6',
      'unrecoverable 5 6',
      'failed 10 10',
      'unrecoverable 10 10',
    ]);
  });

  it('does not take an answer without packets for a success', () => {
    const world = new World();
    world.route.answer = () => world.timers.after(0, () => world.fetcher.answered(null));
    world.fetcher.request(0, SESSION, 1, 10);
    world.run();
    expect(world.counts).toMatchObject({ fetchedRanges: 0, shortAnswers: 3, unrecoverableGaps: 1 });
    expect(world.lost).toEqual([{ channel: 0, first: 1, count: 10 }]);
  });

  it('gives a silent server its time for each attempt, and then up', () => {
    const world = new World({ retryAttempts: 2 });
    world.fetcher.request(0, SESSION, 1, 10);
    world.timers.advance(249 * MS);
    expect(world.route.cancelled).toBe(0);
    world.timers.advance(1 * MS);
    expect(world.route.cancelled).toBe(1);
    world.timers.advance(259 * MS);
    expect(world.lost).toEqual([]);
    world.timers.advance(1 * MS);
    expect(world.lost).toEqual([{ channel: 0, first: 1, count: 10 }]);
    expect(world.counts.lastFailure).toContain('250 ms');
    expect(world.counts.sloViolations).toBe(1);
    expect(world.steps.at(-1)).toBe('slo_violation 1 10');
    world.run();
    expect(world.fetcher.isIdle).toBe(true);
  });

  it('waits on while something useful comes, and for nothing else', () => {
    const world = new World({ retryAttempts: 1 });
    world.fetcher.request(0, SESSION, 1, 100);
    world.timers.step();
    for (let number = 1; number <= 10; number += 1) {
      world.timers.advance(200 * MS);
      world.frame(number);
    }
    expect(world.counts.failures).toBe(0);
    // Garbage, what came already, and what nobody asked for keep no question alive.
    for (let round = 0; round < 4; round += 1) {
      world.timers.advance(60 * MS);
      world.frame(5);
      world.frame(500);
      world.frame(20, 1, 1);
      world.frame(20, 1, 0, 7);
      world.fetcher.packet(21, packetOf(22, 1), 0, PACKET_BYTES);
    }
    world.timers.advance(10 * MS);
    expect(world.counts).toMatchObject({
      failures: 1,
      duplicatePackets: 4,
      stalePackets: 4,
      damagedPackets: 8,
      otherSessionPackets: 4,
      injectedPackets: 10,
    });
    expect(world.lost).toEqual([{ channel: 0, first: 11, count: 90 }]);
    expect(world.frame(11)).toBe(false);
    expect(world.delivered).toHaveLength(10);
  });

  it('tells nothing of a timeout of 0', () => {
    const world = new World({ requestTimeoutNs: 0 });
    world.fetcher.request(0, SESSION, 1, 1);
    world.timers.advance(3_600_000 * MS);
    expect(world.counts.failures).toBe(0);
    world.frame(1);
    expect(world.counts.fetchedRanges).toBe(1);
  });

  it('asks for nothing, and finds nothing late, while there is no room', () => {
    const world = new World({ retryAttempts: 1 }, true);
    world.fetcher.request(0, SESSION, 1, 10);
    world.timers.step();
    world.fetcher.pause();
    world.timers.advance(10_000 * MS);
    world.frame(1, 4);
    world.timers.advance(10_000 * MS);
    expect(world.asked).toEqual([[1, 10]]);
    expect(world.counts.failures).toBe(0);
    world.fetcher.resume();
    expect(world.asked).toEqual([
      [1, 10],
      [5, 10],
    ]);
    world.timers.advance(250 * MS);
    expect(world.counts.failures).toBe(1);
  });

  it('counts a connection that is made as a sign of life', () => {
    const world = new World({ retryAttempts: 1 });
    world.fetcher.request(0, SESSION, 1, 1);
    world.timers.advance(200 * MS);
    world.fetcher.reached();
    world.timers.advance(249 * MS);
    expect(world.counts.failures).toBe(0);
    world.timers.advance(1 * MS);
    expect(world.counts.failures).toBe(1);
  });

  it('keeps the interval between questions, also across ranges', () => {
    const world = new World({ minRequestIntervalNs: 100 * MS, retryBackoffNs: 1 * MS });
    world.serveAll();
    world.fetcher.request(0, SESSION, 1, 1);
    world.fetcher.request(0, SESSION, 5, 1);
    world.fetcher.request(1, SESSION, 7, 1);
    world.run();
    const times = world.route.questions.map(({ at }) => at);
    expect(times).toEqual([0, 100 * MS, 200 * MS]);
  });

  it('asks for many pieces with few questions, and stops an attempt at the first failure', () => {
    const world = new World({ retryAttempts: 2 });
    let attempt = 0;
    world.route.answer = ({ first, last }) => {
      world.timers.after(0, () => {
        if (world.route.questions.length === 1) {
          // Every other number of 400.
          for (let number = first; number <= last; number += 2) world.frame(number);
          world.fetcher.answered(null);
        } else if (attempt < 3) {
          attempt += 1;
          world.frame(first, last - first + 1);
          world.fetcher.answered(null);
        } else world.fetcher.answered('broken');
      });
    };
    world.fetcher.request(0, SESSION, 1, 400);
    world.run();
    expect(world.route.questions.length).toBe(1 + 3 + 1);
    expect(world.counts).toMatchObject({ failures: 2, retries: 1, lastFailure: 'broken' });
    const known = world.delivered.length + world.lost.reduce((sum, { count }) => sum + count, 0);
    expect(new Set(world.delivered).size).toBeLessThan(400);
    expect(known).toBeGreaterThanOrEqual(400);
  });
});

describe('one packet for each question', () => {
  it('asks for the rest at once, without an attempt', () => {
    const world = new World({}, true);
    world.route.answer = ({ first, last }) => {
      world.timers.after(1000, () => world.frame(first, Math.min(30, last - first + 1)));
    };
    world.fetcher.request(0, SESSION, 65, 1000);
    world.run();
    expect(world.route.questions).toHaveLength(34);
    expect(world.asked[33]).toEqual([1055, 1064]);
    expect(world.counts).toMatchObject({
      requests: 1,
      retries: 0,
      failures: 0,
      fetchedRanges: 1,
      questions: 34,
    });
    expect(new Set(world.delivered).size).toBe(1000);
  });

  it('takes an answer that comes after its question', () => {
    const world = new World({ retryAttempts: 2 }, true);
    world.fetcher.request(0, SESSION, 1, 10);
    world.timers.advance(255 * MS);
    world.frame(1, 10);
    world.run();
    expect(world.counts).toMatchObject({ fetchedRanges: 1, questions: 1, failures: 1 });
  });

  it('asks for a hole in the middle that the server has not, and gives up that alone', () => {
    const world = new World({ retryAttempts: 2 }, true);
    world.route.answer = ({ first }) => {
      if (first !== 5) world.timers.after(1000, () => world.frame(first, first === 1 ? 4 : 5));
    };
    world.fetcher.request(0, SESSION, 1, 10);
    world.timers.advance(600 * MS);
    expect(world.lost).toEqual([{ channel: 0, first: 5, count: 6 }]);
  });
});

describe('what comes from elsewhere', () => {
  it('is not fetched', () => {
    const world = new World();
    world.serveAll();
    world.fetcher.request(0, SESSION, 1, 10);
    world.fetcher.satisfied(0, SESSION, 1, 4);
    world.fetcher.satisfied(0, null, 9, 100);
    world.run();
    expect(world.asked).toEqual([[5, 8]]);
    world.fetcher.request(0, SESSION, 20, 2);
    world.fetcher.satisfied(0, SESSION, 20, 2);
    world.run();
    expect(world.asked).toHaveLength(1);
    expect(world.fetcher.isIdle).toBe(true);
  });

  it('ends a question that is under way, and its pauses', () => {
    const world = new World();
    world.fetcher.request(0, SESSION, 1, 10);
    world.timers.advance(1 * MS);
    world.frame(1, 5);
    world.fetcher.satisfied(0, SESSION, 6, 5);
    expect(world.fetcher.isIdle).toBe(false);
    world.run();
    expect(world.timers.now()).toBe(1 * MS);
    expect(world.route.cancelled).toBe(1);
    expect(world.counts).toMatchObject({ fetchedRanges: 1, failures: 0 });
    expect(parseBacklogLine(world.backlog.at(-1)!)?.fields).toMatchObject({ packets: '1', unneeded: '5' });
    expect(world.lost).toEqual([]);
  });

  it('may be told while a packet is handed on', () => {
    const world = new World();
    world.onPacket = (first, count) => {
      world.fetcher.satisfied(0, SESSION, first, count);
      world.fetcher.satisfied(0, SESSION, 3, 8);
      world.fetcher.request(0, SESSION, 50, 1);
    };
    world.fetcher.request(0, SESSION, 1, 10);
    world.timers.step();
    expect(world.frame(1, 2)).toBe(false);
    world.timers.advance(1 * MS);
    expect(world.asked).toEqual([
      [1, 10],
      [50, 50],
    ]);
  });
});

describe('limits', () => {
  it('keeps sessions and channels apart', () => {
    const world = new World();
    world.serveAll();
    const other = Buffer.from('1111111111');
    world.route.answer = ({ first, session }) => {
      world.timers.after(0, () => {
        world.frame(first, 1, 0, session?.[0] ?? 0);
        world.fetcher.answered(null);
      });
    };
    world.fetcher.request(0, SESSION, 1, 1);
    world.fetcher.request(0, other, 2, 1);
    world.fetcher.request(1, null, 3, 1);
    world.run();
    expect(
      world.route.questions.map(({ channel, session, first }) => [channel, session?.toString(), first]),
    ).toEqual([
      [0, SESSION.toString(), 1],
      [0, other.toString(), 2],
      [1, undefined, 3],
    ]);
  });

  it('refuses numbers beyond 2^53 − 1, and says so', () => {
    const world = new World();
    world.serveAll();
    const top = Number.MAX_SAFE_INTEGER;
    for (const [first, count] of [
      [top, 2],
      [2 ** 60, 1],
      [0, 1],
      [-5, 10],
      [top - 1, 3],
    ]) {
      world.fetcher.request(0, SESSION, first!, count!);
    }
    for (const count of [0, -1, Number.NaN]) world.fetcher.request(0, SESSION, 1, count);
    expect(world.lost).toEqual([]);
    world.run();
    expect(world.counts.refusedRequests).toBe(5);
    expect(world.lost).toHaveLength(5);
    expect(world.asked).toEqual([]);
    world.fetcher.request(0, SESSION, top - 1, 2);
    world.timers.step();
    expect(world.asked).toEqual([[top - 1, top]]);
  });

  it('never drops a range silently: one too many is unrecoverable at once', () => {
    const world = new World({ retryAttempts: 1 });
    const { fetcher } = world;
    for (let range = 0; range < WAITING_RANGES_MAX; range += 1) fetcher.request(0, SESSION, 1 + range * 2, 1);
    fetcher.request(0, SESSION, 1_000_000, 5);
    // What grows takes no room.
    fetcher.request(0, SESSION, 1 + WAITING_RANGES_MAX * 2 - 1, 1);
    expect(world.counts.droppedRequests).toBe(1);
    expect(world.lost).toEqual([]);
    world.timers.advance(0);
    expect(world.lost).toEqual([{ channel: 0, first: 1_000_000, count: 5 }]);
    fetcher.close();
    const lost = world.lost.reduce((sum, { count }) => sum + count, 0);
    expect(lost).toBe(WAITING_RANGES_MAX + 1 + 5);
  });

  it('tells each range though whoever hears of one needs it no more', () => {
    const world = new World({ retryAttempts: 1 });
    world.onLost = (first, count) => world.fetcher.satisfied(0, SESSION, first, count);
    world.fetcher.request(0, SESSION, 1, 10);
    world.timers.step();
    world.frame(4, 2);
    for (const first of [20, 30, 40]) world.fetcher.request(0, SESSION, first, 2);
    world.fetcher.close();
    expect(world.lost.map(({ first, count }) => [first, count])).toEqual([
      [1, 3],
      [6, 5],
      [20, 2],
      [30, 2],
      [40, 2],
    ]);
  });

  it('tells everything that is missing when it is closed, and nothing afterwards', () => {
    const world = new World();
    world.fetcher.request(0, SESSION, 1, 10);
    world.timers.advance(1 * MS);
    world.frame(3, 2);
    world.fetcher.request(0, SESSION, 20, 1);
    world.fetcher.request(1, null, 30, 2);
    world.fetcher.close();
    expect(world.lost).toEqual([
      { channel: 0, first: 1, count: 2 },
      { channel: 0, first: 5, count: 6 },
      { channel: 0, first: 20, count: 1 },
      { channel: 1, first: 30, count: 2 },
    ]);
    expect(world.fetcher.isIdle).toBe(true);
    world.fetcher.request(0, SESSION, 40, 1);
    world.fetcher.answered(null);
    world.run();
    expect(world.lost).toHaveLength(4);
    expect(world.idle).toBe(1);
  });
});

describe('whatever a server does', () => {
  const hole = fc.record({
    first: fc.integer({ min: 1, max: 400 }),
    count: fc.integer({ min: 1, max: 40 }),
    at: fc.nat(400),
  });
  const behaviour = fc.record({
    /** Share of numbers it has, of frames it sends twice, of garbage, of failures and silences; in tenths. */
    has: fc.integer({ min: 0, max: 10 }),
    noise: fc.integer({ min: 0, max: 4 }),
    failing: fc.integer({ min: 0, max: 6 }),
    silent: fc.integer({ min: 0, max: 3 }),
    packetMax: fc.integer({ min: 1, max: 12 }),
  });
  const choices = fc.infiniteStream(fc.nat(9));

  it.each([false, true])(
    'every number comes once, or is told as unrecoverable (one packet each: %s)',
    (onePacket) => {
      fc.assert(
        fc.property(
          fc.array(hole, { minLength: 1, maxLength: 20 }),
          behaviour,
          choices,
          fc.boolean(),
          (holes, server, stream, hasElsewhere) => {
            const world = new World({ retryAttempts: 3 }, onePacket);
            const { timers, fetcher } = world;
            const choose = (): number => stream.next().value as number;
            const taken = new Set<number>();
            const isTold = (number: number): boolean =>
              world.lost.some(({ first, count }) => first <= number && number < first + count);
            const wanted = new Set<number>();
            const elsewhere = new Set<number>();
            world.onPacket = (first, count) => {
              let isNew = false;
              for (let number = first; number < first + count; number += 1) {
                if (!taken.has(number)) isNew = true;
                taken.add(number);
              }
              // A packet is handed on only for something that was missing.
              expect(isNew).toBe(true);
            };
            const send = (first: number, last: number): void => {
              for (let number = first; number <= last; ) {
                const count = Math.min(1 + (choose() % server.packetMax), last - number + 1);
                if (choose() < server.has) {
                  world.frame(number, count);
                  if (choose() < server.noise) world.frame(number, count);
                  if (onePacket) return;
                }
                if (choose() < server.noise) world.frame(9000 + choose(), 3);
                if (choose() < server.noise) world.frame(number, count, 1);
                if (choose() < server.noise) world.frame(number, count, 0, 7);
                number += count;
              }
            };
            world.route.answer = ({ first, last }) => {
              if (choose() < server.silent) return;
              timers.after(choose() * MS, () => {
                const fails = choose() < server.failing;
                send(first, fails ? Math.floor((first + last) / 2) : last);
                if (!onePacket) fetcher.answered(fails ? 'broken' : null);
              });
            };
            for (const { first, count, at } of holes) {
              timers.after(at * MS, () => {
                // A number is asked for once; while it is missing, as often as one likes.
                const numbers = Array.from({ length: count }, (_, index) => first + index);
                const isKnown = (number: number): boolean =>
                  taken.has(number) || elsewhere.has(number) || isTold(number);
                if (numbers.some(isKnown)) return;
                for (const number of numbers) wanted.add(number);
                fetcher.request(0, SESSION, first, count);
              });
              if (hasElsewhere) {
                timers.after((at + choose()) * MS, () => {
                  elsewhere.add(first);
                  fetcher.satisfied(0, SESSION, first, 1);
                });
              }
            }
            world.run();
            for (const number of wanted) {
              const isThere = taken.has(number) || elsewhere.has(number);
              expect(isThere || isTold(number), `number ${number}`).toBe(true);
            }
            const told = world.lost.flatMap(({ first, count }) =>
              Array.from({ length: count }, (_, index) => first + index),
            );
            expect(new Set(told).size).toBe(told.length);
            for (const number of told)
              expect(wanted.has(number) && !taken.has(number), `${number}`).toBe(true);
            expect(fetcher.isIdle).toBe(true);
            expect(timers.count).toBe(0);
          },
        ),
        { numRuns: 300 },
      );
    },
  );
});
