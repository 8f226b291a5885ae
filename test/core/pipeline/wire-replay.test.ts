import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/binary/random.ts';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import { PcapngWriter, PcapWriter } from '../../../src/core/capture/capture-writer.ts';
import type { UdpSender } from '../../../src/core/net/sender.ts';
import { openSender } from '../../../src/core/net/udp-sender.ts';
import type { WireClock } from '../../../src/core/pipeline/wire-pacer.ts';
import { replayOntoWire, type WireReplayOptions } from '../../../src/core/pipeline/wire-replay.ts';
import { type WireRate, WireSchedule } from '../../../src/core/pipeline/wire-schedule.ts';
import { PERFECT } from '../../../src/core/simulate/impairment.ts';
import { runOptions } from '../../world/run-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-wire-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MS = 1e6;
const START = 1_767_623_397_000_000_000n;

interface Sent {
  /** ns after the first one. */
  readonly time: number;
  readonly payload: Uint8Array;
  /** Last byte of the group; interface of a pcapng. */
  readonly group?: number;
  readonly interfaceId?: number;
}

let files = 0;

function capture(packets: readonly Sent[], interfaces: readonly string[] | null = null): string {
  const chunks: Uint8Array[] = [];
  const sink = (chunk: Uint8Array): void => void chunks.push(chunk.slice());
  const pcapng = interfaces === null ? null : new PcapngWriter(sink);
  const writer = pcapng ?? new PcapWriter(sink);
  for (const name of interfaces ?? []) pcapng!.addInterface({ name, description: '' });
  for (const { time, payload, group = 1, interfaceId = 0 } of packets) {
    const at = START + BigInt(time);
    if (pcapng !== null) pcapng.interfaceId = interfaceId;
    writer.writeUdp(
      {
        timeHigh: bigHigh(at),
        timeLow: bigLow(at),
        ipVersion: 4,
        source: Int32Array.of(0, 0, 0, 0x0a000001),
        sourcePort: 1000,
        destination: Int32Array.of(0, 0, 0, 0xef0a0a00 | group),
        destinationPort: 5001,
      },
      payload,
      0,
      payload.length,
    );
  }
  writer.flush();
  files += 1;
  const path = join(folder, `${files}.pcap`);
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

/** Numbered payloads of different lengths. */
function payloadOf(number: number): Uint8Array {
  const payload = new Uint8Array(8 + ((number * 7) % 90)).fill(number & 255);
  new DataView(payload.buffer).setUint32(0, number);
  return payload;
}

const numberOf = (payload: Uint8Array): number =>
  new DataView(payload.buffer, payload.byteOffset).getUint32(0);

/** Time that passes when somebody looks at it, blocks or sleeps; and now and then by itself. */
class VirtualClock implements WireClock {
  time = 7e9;
  /** Stalls of the whole machine: at this time it is so much later all at once. */
  readonly stalls: { readonly at: number; readonly ns: number }[] = [];
  readonly #random: Random = new Random(3);
  /** By how much sleeping takes longer than asked, at most. */
  readonly #overshoot: number;

  constructor(overshoot: number) {
    this.#overshoot = overshoot;
  }

  now(): number {
    this.#pass(120);
    return this.time;
  }

  block(until: number): void {
    this.#pass(Math.max(0, until - this.time) + this.#random.below(40_000));
  }

  async sleep(ns: number): Promise<void> {
    this.#pass(ns + this.#random.below(this.#overshoot));
  }

  #pass(ns: number): void {
    this.time += ns;
    const stall = this.stalls[0];
    if (stall === undefined || this.time < stall.at) return;
    this.time += stall.ns;
    this.stalls.shift();
  }
}

/** A wire in memory that notes what goes out and when. */
class NotingSender implements UdpSender {
  readonly name = 'dgram';
  readonly sendErrors = 0;
  sent = 0;
  readonly numbers: number[] = [];
  readonly times: number[] = [];
  readonly #clock: WireClock;
  #waiting: number[] = [];

  constructor(clock: WireClock) {
    this.#clock = clock;
  }

  send(bytes: Uint8Array, offset: number, length: number): void {
    this.#waiting.push(numberOf(bytes.subarray(offset, offset + length)));
    this.sent += 1;
  }

  flush(): number {
    const now = this.#clock.now();
    for (const number of this.#waiting) {
      this.numbers.push(number);
      this.times.push(now);
    }
    const count = this.#waiting.length;
    this.#waiting = [];
    return count;
  }

  async close(): Promise<void> {}
}

function options(path: string, clock: WireClock, senders: readonly UdpSender[]): WireReplayOptions {
  return {
    input: runOptions([path]),
    lines: senders.map((sender, index) => ({
      name: index === 0 ? 'A' : 'B',
      sender,
      takes: null,
      impairments: null,
    })),
    rate: { kind: 'recorded', factor: 1 },
    passes: 1,
    seed: 1,
    clock,
  };
}

/** Ten minutes with bursts and quiet times. */
function tenMinutes(): Sent[] {
  const random = new Random(11);
  const packets: Sent[] = [];
  for (
    let time = 0;
    time < 600e9;
    time += random.below(4) === 0 ? random.below(80 * MS) : random.below(20_000)
  ) {
    packets.push({ time, payload: payloadOf(packets.length) });
  }
  return packets;
}

describe('a replay onto the wire as captured', () => {
  const packets = tenMinutes();
  const path = capture(packets);

  it.each([1, 10])('is within 10 ms of its plan after ten minutes, at %i times the speed', async (factor) => {
    const clock = new VirtualClock(8 * MS);
    const sender = new NotingSender(clock);
    const began = clock.time;
    const result = await replayOntoWire({
      ...options(path, clock, [sender]),
      rate: { kind: 'recorded', factor },
    });
    expect(sender.numbers).toEqual(packets.map((_, number) => number));
    const first = sender.times[0]!;
    const late = sender.times.map((time, number) => time - first - packets[number]!.time / factor);
    // The first one cannot be early, and sets the plan within what it took to be sent.
    expect(Math.min(...late.slice(0, 5000))).toBeGreaterThan(-0.1 * MS);
    expect(late.every((ns) => ns > -0.1 * MS && ns < 10 * MS)).toBe(true);
    expect(Math.abs(late.at(-1)!)).toBeLessThan(10 * MS);
    const { lateness } = result;
    expect(lateness!.samples).toBe(packets.length);
    expect(lateness!.max).toBeLessThan(10 * MS);
    expect(Math.abs(lateness!.final)).toBeLessThan(10 * MS);
    expect(clock.time - began).toBeLessThan(600e9 / factor + 100 * MS);
  });

  it('catches up after a stall of the machine, and is on its plan again', async () => {
    const clock = new VirtualClock(3 * MS);
    const stalls = [100e9, 300e9].map((at) => ({ at: clock.time + at, ns: 400 * MS }));
    clock.stalls.push(...stalls);
    const sender = new NotingSender(clock);
    const began = clock.time;
    const { lateness } = await replayOntoWire(options(path, clock, [sender]));
    expect(lateness!.max).toBeGreaterThan(300 * MS);
    expect(lateness!.final).toBeLessThan(10 * MS);
    for (const [number, time] of sender.times.entries()) {
      const late = time - began - packets[number]!.time;
      const inStall = stalls.some(({ at, ns }) => time >= at && time < at + ns + 100 * MS);
      if (!inStall && late > 10 * MS) throw new Error(`packet ${number} is ${late} ns late without a stall`);
    }
  });
});

describe('a plan', () => {
  it('of a rate is a count times an interval, however many there are', () => {
    const rates: [WireRate, number][] = [
      [{ kind: 'packets', perSecond: 3 }, 1e9 / 3],
      [{ kind: 'bits', perSecond: 7e6 }, (100 * 8e9) / 7e6],
    ];
    for (const [rate, interval] of rates) {
      const schedule = new WireSchedule(rate);
      for (let number = 0; number < 100_000; number += 1) {
        const due = schedule.due(5, number);
        if (Math.abs(due - number * interval) > 1) throw new Error(`${number} is due at ${due}`);
        schedule.sent(due, 100);
        if (number % 1000 === 0) schedule.rewind();
      }
    }
  });

  it('never goes back, and takes datagrams without a time with those before them', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(1_000_000)), { minLength: 1 }), (times) => {
        const schedule = new WireSchedule({ kind: 'recorded', factor: 2 });
        const base = times.find((time) => time !== null) ?? 0;
        let most = 0;
        for (const time of times) {
          const due = schedule.due(time === null ? 0 : 9, time ?? 0);
          most = time === null ? most : Math.max(most, (time - base) / 2);
          expect(due).toBe(most);
          schedule.sent(due, 1);
        }
      }),
    );
  });

  it('goes on behind the last datagram when the capture begins again', async () => {
    const path = capture(
      [0, 10, 20, 60].map((ms, number) => ({ time: ms * MS, payload: payloadOf(number) })),
    );
    const clock = new VirtualClock(1);
    const sender = new NotingSender(clock);
    const result = await replayOntoWire({ ...options(path, clock, [sender]), passes: 3 });
    expect(result.passes).toBe(3);
    expect(sender.numbers).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    // 60 ms with three steps: the next pass begins 20 ms later.
    const planned = [0, 80, 160].flatMap((pass) => [0, 10, 20, 60].map((ms) => pass + ms));
    expect(sender.times.map((time) => Math.round((time - sender.times[0]!) / MS))).toEqual(planned);
  });
});

describe('lines', () => {
  const TOP: WireRate = { kind: 'top' };
  const everything = async (
    path: string,
    change: (lines: WireReplayOptions['lines']) => WireReplayOptions['lines'],
    seed = 1,
  ) => {
    const clock = new VirtualClock(1);
    const senders = [new NotingSender(clock), new NotingSender(clock)];
    const given = options(path, clock, senders);
    const result = await replayOntoWire({ ...given, rate: TOP, seed, lines: change(given.lines) });
    return { result, a: senders[0]!.numbers, b: senders[1]!.numbers };
  };
  const split = (lines: WireReplayOptions['lines']): WireReplayOptions['lines'] =>
    lines.map((line) => ({ ...line, takes: line.name }));
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

  it('are told by flow where the capture has one interface', async () => {
    const path = capture(
      numbers(9).map((number) => ({ time: number, payload: payloadOf(number), group: 7 - (number % 3) })),
    );
    const { result, a, b } = await everything(path, split);
    expect([a, b, result.otherLine]).toEqual([[0, 3, 6], [1, 4, 7], 3]);
    expect(result.lateness).toBeNull();
  });

  it.each([
    [
      ['eth0', 'eth1'],
      [0, 2, 4],
      [1, 3, 5],
    ],
    [
      ['B', 'A2'],
      [1, 3, 5],
      [0, 2, 4],
    ],
  ])('are told by interface where it has several: %j', async (names, wantedA, wantedB) => {
    const path = capture(
      numbers(6).map((number) => ({ time: number, payload: payloadOf(number), interfaceId: number % 2 })),
      names,
    );
    const { a, b } = await everything(path, split);
    expect([a, b]).toEqual([wantedA, wantedB]);
  });

  it('carry the same unless something goes wrong, by a seed', async () => {
    const count = 5000;
    const path = capture(numbers(count).map((number) => ({ time: number, payload: payloadOf(number) })));
    const impaired = (lines: WireReplayOptions['lines']): WireReplayOptions['lines'] =>
      lines.map((line) => ({
        ...line,
        impairments:
          line.name === 'A'
            ? null
            : { ...PERFECT, loss: 0.1, duplicates: 0.05, reorder: 0.05, corruptPart: 'message' },
      }));
    const { result, a, b } = await everything(path, impaired);
    expect(a).toEqual(numbers(count));
    const lineB = result.lines[1]!;
    expect(lineB.datagrams).toBe(count);
    expect(lineB.lost).toBe(count - new Set(b).size);
    expect(lineB.duplicated).toBe(b.length - new Set(b).size);
    expect(b.length).toBe(count - lineB.lost + lineB.duplicated);
    expect(lineB.lost / count).toBeCloseTo(0.1, 1);
    expect(lineB.reordered).toBeGreaterThan(100);
    expect((await everything(path, impaired)).b).toEqual(b);
    expect((await everything(path, impaired, 2)).b).not.toEqual(b);
  });
});

describe('on real sockets', () => {
  const clock: WireClock = {
    now: () => performance.now() * MS,
    block: (until) => {
      while (performance.now() * MS < until);
    },
    sleep: (ns) => new Promise((resolve) => setTimeout(resolve, ns / MS)),
  };

  it.each([
    ['as fast as possible', { kind: 'top' }],
    ['as captured', { kind: 'recorded', factor: 1 }],
  ] as const)('the same bytes arrive in the same order, %s', async (_, rate) => {
    const count = 200;
    const packets = Array.from({ length: count }, (_, number) => ({
      time: number * 300_000,
      payload: payloadOf(number),
    }));
    const path = capture(packets);
    const receiver = createSocket('udp4');
    receiver.bind(0, '127.0.0.1');
    await once(receiver, 'listening');
    const received: Uint8Array[] = [];
    const all = new Promise<void>((resolve) => {
      receiver.on('message', (message) => {
        received.push(new Uint8Array(message));
        if (received.length === count) resolve();
      });
    });
    const sender = await openSender({
      host: '127.0.0.1',
      port: receiver.address().port,
      iface: null,
      ttl: 1,
      loop: true,
      batch: 64,
    });
    const result = await replayOntoWire({ ...options(path, clock, [sender]), rate });
    await all;
    expect(received).toEqual(packets.map(({ payload }) => payload));
    expect(result.lines[0]).toMatchObject({
      datagrams: count,
      bytes: packets.reduce((sum, { payload }) => sum + payload.length, 0),
    });
    await sender.close();
    expect([sender.sent, sender.sendErrors]).toEqual([count, 0]);
    receiver.close();
  });
});
