import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bigHigh, bigLow } from '../../../../src/core/binary/time.ts';
import { parseAddress } from '../../../../src/core/capture/address.ts';
import { PcapWriter } from '../../../../src/core/capture/capture-writer.ts';
import { ONE_LINE } from '../../../../src/core/merge/session-merge.ts';
import { type RunReport, reportOf } from '../../../../src/core/pipeline/report.ts';
import { run } from '../../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../../src/core/pipeline/run-options.ts';
import { runOptions } from '../../../world/run-options.ts';
import { add, heartbeat, instrumentSummary, packet, productSummary, snapshotOrder, TIME } from './harness.ts';

/*
 * Whole runs over captures: flows, partitions, losses of packets, snapshots on a port of their own.
 */

const CHANGES = 59001;
const SNAPSHOTS = 59000;
const GROUP = parseAddress('224.0.50.1')!.words;
const folder = mkdtempSync(join(tmpdir(), 'eobi-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Sent = readonly [port: number, payload: Uint8Array];

let files = 0;
function capture(packets: readonly Sent[]): string {
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(chunk.slice()));
  for (const [index, [port, payload]] of packets.entries()) {
    const time = TIME + BigInt(index) * 10_000_000n;
    const header = {
      timeHigh: bigHigh(time),
      timeLow: bigLow(time),
      ipVersion: 4,
      source: Int32Array.of(0, 0, 0, 0x0a000001),
      sourcePort: 1000,
      destination: GROUP,
      destinationPort: port,
    };
    writer.writeUdp(header, payload, 0, payload.length);
  }
  writer.flush();
  files += 1;
  const path = join(folder, `${files}.pcap`);
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

async function replay(packets: readonly Sent[], wanted: Partial<RunOptions> = {}): Promise<RunReport> {
  const result = await run(runOptions([capture(packets)], wanted));
  return reportOf(result, { command: 'replay', version: '0', allInstruments: true });
}

function change(number: number, sequence: number, partition = 2): Sent {
  return [CHANGES, packet({ number, partition }, add(sequence, { key: BigInt(sequence) }))];
}

function cycle(number: number, first: number, last: number): Sent {
  const keys = Array.from({ length: last }, (_, at) => BigInt(at + 1));
  return [
    SNAPSHOTS,
    packet(
      { number },
      productSummary(first, last),
      instrumentSummary(first + 1, keys.length),
      ...keys.map((key, at) => snapshotOrder(first + 2 + at, { key })),
    ),
  ];
}

const LATE: readonly Sent[] = [
  change(5, 5),
  cycle(900, 7000, 4),
  change(6, 6),
  cycle(901, 7006, 6),
  change(7, 7),
];
const NEXT_ORDERS = 7;

describe('a capture with changes and snapshots', () => {
  const snapshots = [{ address: GROUP, port: SNAPSHOTS }];

  test.each([
    ['found by their looks', {}],
    ['named', { snapshots }],
    ['named, the changes chosen by port', { snapshots, ports: new Set([CHANGES]) }],
    ['required', { snapshots, snapshotRequired: true, feedName: 'eobi-14.1' }],
  ])('%s: the books of a late joiner are whole', async (_, wanted) => {
    const report = await replay(LATE, wanted);
    expect(report.book.orders).toBe(NEXT_ORDERS);
    expect(report.feed).toMatchObject({ protocol: 'eobi-14.1', framing: 't7-packet', malformed: 0 });
    expect(report.sequence?.products).toEqual([
      { segment: 688, channel: 0, first: '5', last: '7', lost: 0, snapshots: 1, complete: true },
    ]);
    expect(report.sequence?.channels).toMatchObject([
      { channel: 0, session: null, first: '5', last: '7', packets: 3, gaps: [] },
      { channel: 1, session: null, first: '900', last: '901', packets: 2, gaps: [] },
    ]);
    expect(report.inputs[0]!.skipped).toEqual({});
  });

  test('the changes alone: what was there before is missing', async () => {
    const report = await replay(LATE, { ports: new Set([CHANGES]) });
    expect(report.book.orders).toBe(3);
    expect(report.inputs[0]!.skipped).toEqual({ otherPort: 2 });
    expect(report.sequence?.products).toMatchObject([{ snapshots: 0, complete: false }]);
  });

  test('a late joiner and one that saw all end with the same hash', async () => {
    const all: readonly Sent[] = [change(1, 1), change(2, 2), change(3, 3), change(4, 4), ...LATE];
    const whole = await replay(all);
    const late = await replay(LATE);
    expect(whole.sequence?.products).toMatchObject([{ first: '1', snapshots: 0, complete: true }]);
    expect(late.book).toEqual(whole.book);
    expect(whole.events).toMatchObject({ add: 7, total: 7 });
  });

  test('a loss of packets is told by their numbers; the next whole cycle makes the books right', async () => {
    const lossy: readonly Sent[] = [change(1, 1), change(3, 3), change(4, 4)];
    const stale = await replay(lossy);
    expect(stale.sequence?.channels).toMatchObject([{ gaps: [{ from: '2', to: '2', state: 'lost' }] }]);
    expect(stale.sequence?.products).toMatchObject([{ lost: 1, complete: false }]);
    expect(stale.events).toMatchObject({ gap: 1 });
    expect(stale.instruments).toMatchObject([{ stale: true, orders: 3 }]);
    const healed = await replay([...lossy, cycle(1, 1, 4), change(5, 5)]);
    expect(healed.instruments).toMatchObject([{ stale: false, orders: 5 }]);
    expect(healed.sequence?.products).toMatchObject([{ lost: 1, snapshots: 1, complete: true }]);
  });

  test('a heartbeat shows a loss, and is a message without an event', async () => {
    const report = await replay([change(1, 1), [CHANGES, packet({ number: 2 }, heartbeat(4))]]);
    expect(report.feed.messagesByType).toEqual({ '13001': 1, '13100': 1 });
    expect(report.events).toMatchObject({ gap: 1, add: 1, total: 2 });
    expect(report.instruments).toMatchObject([{ stale: true }]);
  });

  test('packets out of order and twice', async () => {
    const report = await replay([change(1, 1), change(3, 3), change(2, 2), change(2, 2), change(4, 4)], {
      arbiter: { ...ONE_LINE, gapTimeoutNs: 1_000_000_000, start: 'first-seen' },
    });
    expect(report.sequence?.channels).toMatchObject([{ duplicates: 1, outOfOrder: 1, gaps: [] }]);
    expect(report.events).toMatchObject({ add: 4, gap: 0 });
    expect(report.feed.remarks).toEqual({});
  });
});

describe('channels', () => {
  test('the partitions of one group count their packets apart', async () => {
    const other = (number: number, sequence: number): Sent => [
      CHANGES,
      packet({ number, partition: 9, segment: 4 }, add(sequence, { key: 1n, security: BigInt(sequence) })),
    ];
    const report = await replay([change(1, 1), other(51, 1), change(2, 2), other(52, 2), other(53, 3)]);
    expect(report.sequence?.channels).toMatchObject([
      { channel: 0, first: '1', last: '2', gaps: [] },
      { channel: 1, first: '51', last: '53', gaps: [] },
    ]);
    expect(report.book).toMatchObject({ instruments: 4, orders: 5 });
  });

  test('numbers that begin anew are a session of packets; the books stay', async () => {
    const reset: Sent = [CHANGES, packet({ number: 1, reset: 1, time: TIME + 1n }, add(3, { key: 3n }))];
    const next: Sent = [CHANGES, packet({ number: 2, time: TIME + 2n }, add(4, { key: 4n }))];
    const report = await replay([change(1, 1), change(2, 2), reset, next]);
    expect(report.sequence?.channels).toMatchObject([
      { channel: 0, first: '1', last: '2' },
      { channel: 0, first: '1', last: '2' },
    ]);
    expect(report.events).toMatchObject({ reset: 1, session: 0, gap: 0, add: 4 });
    expect(report.book.orders).toBe(4);
  });

  test('both lines in one capture are one channel', async () => {
    const twice = [change(1, 1), change(2, 2)].flatMap(([port, payload]): Sent[] => [
      [port, payload],
      [port + 1, payload],
    ]);
    const once = await replay([change(1, 1), change(2, 2)]);
    const { sequence, book, events } = await replay(twice);
    expect(sequence?.channels).toMatchObject([{ first: '1', last: '2', packets: 4, duplicates: 2 }]);
    expect([book, events]).toEqual([once.book, once.events]);
  });

  test('both lines of several partitions are one channel each', async () => {
    const other = (number: number, sequence: number): Sent => [
      CHANGES,
      packet({ number, partition: 9, segment: 4 }, add(sequence, { key: 1n, security: BigInt(sequence) })),
    ];
    const sent = [change(1, 1), other(1, 1), change(2, 2), other(2, 2), other(3, 3)];
    const once = await replay(sent);
    const { sequence, book } = await replay(
      sent.flatMap(([port, payload]): Sent[] => [
        [port, payload],
        [port + 1, payload],
      ]),
    );
    expect(sequence?.channels).toMatchObject([
      { channel: 0, first: '1', last: '2', packets: 4, duplicates: 2, gaps: [] },
      { channel: 1, first: '1', last: '3', packets: 6, duplicates: 3, gaps: [] },
    ]);
    expect(book).toEqual(once.book);
  });
});

test('a feed without snapshots refuses to wait for one', async () => {
  const { itchCapture, OPEN } = await import('../../../world/itch-capture.ts');
  const path = join(folder, 'itch.pcap');
  writeFileSync(
    path,
    itchCapture([{ port: 1, sequence: 1, adds: [{ id: 1n, buy: true, price: 1 }], time: OPEN }]),
  );
  await expect(run(runOptions([path], { snapshotRequired: true }))).rejects.toThrow(
    '--start snapshot: itch-5.0 has no snapshot channel',
  );
  await expect(run(runOptions([path], { snapshots: [{ address: GROUP, port: 1 }] }))).rejects.toThrow(
    '--snapshot: itch-5.0 has no snapshot channel',
  );
});
