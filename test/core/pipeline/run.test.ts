import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bigHigh, bigLow, toBigInt } from '../../../src/core/binary/time.ts';
import { PcapWriter } from '../../../src/core/capture/capture-writer.ts';
import type { EventBatch } from '../../../src/core/event/batch.ts';
import { WORD_VENUE_TIME } from '../../../src/core/event/record.ts';
import { MoldPacketEncoder } from '../../../src/core/feeds/itch/mold-encoder.ts';
import { ONE_LINE } from '../../../src/core/merge/session-merge.ts';
import { type RunReport, reportOf } from '../../../src/core/pipeline/report.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { DATA, dataPath } from '../../world/data.ts';
import { type AddInput, itchCapture, OPEN, type PacketInput } from '../../world/itch-capture.ts';
import { runOptions } from '../../world/run-options.ts';
import { concat, headBytes, mboBytes } from '../feeds/dbn/stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-run-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function capture(packets: readonly PacketInput[]): string {
  files += 1;
  const path = join(folder, `${files}.pcap`);
  writeFileSync(path, itchCapture(packets));
  return path;
}

async function report(paths: readonly string[], wanted: Partial<RunOptions> = {}): Promise<RunReport> {
  const result = await run(runOptions(paths, { invariants: 'all', ...wanted }));
  return reportOf(result, { command: 'replay', version: '0', allInstruments: false });
}

const bid = (id: bigint, price = 100): AddInput => ({ id, buy: true, price });
const packet = (port: number, sequence: number, ids: readonly bigint[], after = 0n): PacketInput => {
  return { port, sequence, adds: ids.map((id) => bid(id)), time: OPEN + after };
};

describe('venue times of ITCH', () => {
  const venueTimes = async (date: string | null): Promise<bigint[]> => {
    const times: bigint[] = [];
    const after = ({ words, venueBaseHigh, venueBaseLow }: EventBatch, at: number): void => {
      times.push(toBigInt(venueBaseHigh, venueBaseLow) + BigInt(words[at + WORD_VENUE_TIME]!));
    };
    await run(runOptions([capture([packet(1, 1, [1n])])], { date, observers: [{ after }] }));
    return times;
  };

  it('count from midnight in New York of the day of the first packet', async () => {
    expect(await venueTimes(null)).toEqual([OPEN]);
  });

  it('count from midnight there of the day that is given, whatever the clocks do that season', async () => {
    const summerDay = 24n * 3600n * 1_000_000_000n;
    expect(await venueTimes('2023-08-21')).toEqual([OPEN - summerDay]);
    expect(await venueTimes('2023-01-05')).toEqual([BigInt(Date.UTC(2023, 0, 5, 15)) * 1_000_000n]);
  });
});

describe('--feed', () => {
  /** Datagrams of something else to port 53, all before the market opens. */
  const noise = (): string => {
    const chunks: Uint8Array[] = [];
    const writer = new PcapWriter((chunk) => chunks.push(chunk.slice()));
    const time = OPEN - 1_000_000_000n;
    const header = {
      timeHigh: bigHigh(time),
      timeLow: bigLow(time),
      ipVersion: 4,
      source: Int32Array.of(0, 0, 0, 0x0a000001),
      sourcePort: 1000,
      destination: Int32Array.of(0, 0, 0, 0x0a000002),
      destinationPort: 53,
    };
    const payload = Buffer.from('what is the address of the exchange?');
    for (let each = 0; each < 3; each += 1) writer.writeUdp(header, payload, 0, payload.length);
    writer.flush();
    files += 1;
    const path = join(folder, `${files}.pcap`);
    writeFileSync(path, Buffer.concat(chunks));
    return path;
  };

  it('leaves out flows that do not look like it, as without it', async () => {
    const paths = [noise(), capture([packet(1, 1, [1n]), packet(1, 2, [2n])])];
    const named = await report(paths, { feedName: 'itch-5.0' });
    expect(named).toMatchObject({
      feed: { messages: 2, malformed: 0 },
      sequence: { channels: [{ channel: 0, first: '1', last: '2' }] },
      book: { orders: 2 },
    });
    expect({ ...(await report(paths)), timing: null }).toEqual({ ...named, timing: null });
  });

  it('takes all flows where none looks like it', async () => {
    expect(await report([noise()], { feedName: 'itch-5.0' })).toMatchObject({
      feed: { messages: 0, malformed: 3 },
      sequence: { channels: [] },
    });
    const heartbeats = capture([packet(1, 5, []), packet(1, 7, [])]);
    expect(await report([heartbeats], { feedName: 'itch-5.0' })).toMatchObject({
      feed: { messages: 0, malformed: 0 },
      sequence: { channels: [{ session: 'S1', first: null, last: null, packets: 2 }] },
    });
  });

  it('and --port take what comes to that port, whatever it looks like', async () => {
    const options = { feedName: 'itch-5.0', ports: new Set([53]) };
    expect(await report([noise()], options)).toMatchObject({ feed: { messages: 0, malformed: 3 } });
  });
});

describe('DBN mbo', () => {
  it('a modify of an unknown order adds it, and is counted', async () => {
    const path = join(folder, 'modify.dbn');
    const modify = mboBytes({ action: 'M', id: 5n, price: 2_000_000_000n, size: 4 });
    writeFileSync(
      path,
      concat(headBytes(), mboBytes({ action: 'A', id: 1n, price: 1_000_000_000n }), modify),
    );
    const { instruments, anomalies } = await report([path]);
    expect(instruments).toMatchObject([
      { orders: 2, bid: { price: '2.000000000', quantity: '4', orders: 1 } },
    ]);
    expect(anomalies.unknownOrder).toMatchObject({ modify: 1 });
  });
});

describe('one line', () => {
  it('with a hole: the numbers are lost, the books stale, and what is there is applied', async () => {
    const path = capture([packet(1, 1, [1n, 2n]), packet(1, 5, [5n], 1n), packet(1, 6, [6n], 6_000_000n)]);
    const { sequence, events, instruments, feed } = await report([path]);
    expect(sequence?.channels).toMatchObject([
      { session: 'S1', first: '1', last: '6', packets: 3, gaps: [{ from: '3', to: '4', state: 'lost' }] },
    ]);
    expect({ messages: feed.messages, add: events['add'], gap: events['gap'] }).toEqual({
      messages: 4,
      add: 4,
      gap: 1,
    });
    expect(instruments).toMatchObject([
      { symbol: 'TEST', orders: 4, stale: true, bid: { price: '0.0100', quantity: '4' } },
    ]);
  });

  it('out of order and twice: the same books as in order', async () => {
    const inOrder = await report([capture([packet(1, 1, [1n]), packet(1, 2, [2n]), packet(1, 3, [3n])])]);
    const mixed = await report([
      capture([packet(1, 1, [1n]), packet(1, 3, [3n]), packet(1, 2, [2n]), packet(1, 3, [3n])]),
    ]);
    expect(mixed.book).toEqual(inOrder.book);
    expect(mixed.sequence?.channels).toMatchObject([{ outOfOrder: 1, duplicates: 1, gaps: [] }]);
    expect(mixed.instruments[0]?.stale).toBe(false);
  });

  it('that begins with a heartbeat: it belongs to the channel', async () => {
    const { inputs, sequence } = await report([
      capture([packet(9, 1, []), packet(1, 7, []), packet(1, 7, [7n], 1n)]),
    ]);
    expect(inputs).toMatchObject([{ datagrams: 3, skipped: { otherPort: 1 } }]);
    expect(sequence?.channels).toMatchObject([{ first: '7', last: '7', packets: 2 }]);
  });

  it('cut into several files is one capture; out of order it is refused', async () => {
    const first = capture([packet(1, 1, [1n])]);
    const second = capture([packet(1, 2, [2n], 5n)]);
    expect((await report([first, second])).book.orders).toBe(2);
    await expect(report([second, first])).rejects.toMatchObject({ code: 'input-order' });
    await expect(report([second, capture([]), first])).rejects.toMatchObject({ code: 'input-order' });
  });

  it('without times: they are unknown, not 1970', async () => {
    const { inputs, feed } = await report([capture([{ ...packet(1, 1, [1n]), time: 0n }])]);
    expect(inputs).toMatchObject([{ firstTime: null, lastTime: null, packets: 1 }]);
    expect(feed.timeBase).toBe('midnight');
  });

  it('of which nothing was asked for: says so, and not that no feed matches', async () => {
    const path = capture([packet(1, 1, [1n]), packet(1, 2, [2n])]);
    await expect(report([path], { ports: new Set([9]) })).rejects.toMatchObject({
      code: 'feed-none',
      message: expect.stringMatching(/none of its 2 datagrams is one that --port, /),
    });
  });

  it('stops after exactly so many messages', async () => {
    const path = capture([packet(1, 1, [1n, 2n, 3n]), packet(1, 4, [4n])]);
    for (const wanted of [1, 2, 3, 4]) {
      const { feed, book } = await report([path], { messagesMax: wanted });
      expect([feed.messages, book.orders]).toEqual([wanted, wanted]);
    }
  });

  it('leaves out by time and by port, and counts what it leaves out', async () => {
    const path = capture([
      packet(1, 1, [1n]),
      packet(1, 2, [2n], 10n),
      packet(2, 9, [9n], 10n),
      packet(1, 3, [3n], 20n),
    ]);
    const result = await report([path], { from: OPEN + 10n, until: OPEN + 10n, ports: new Set([1]) });
    expect(result.book.orders).toBe(1);
    expect(result.inputs).toMatchObject([{ skipped: { beforeFrom: 1, afterUntil: 1, otherPort: 1 } }]);
  });
});

describe('two flows', () => {
  it('that carry one channel are its lines, also when they cut their packets in other ways', async () => {
    const path = capture([
      packet(1, 1, [1n, 2n]),
      packet(2, 1, [1n], 1n),
      packet(2, 2, [2n, 3n], 2n),
      packet(1, 3, [3n], 3n),
    ]);
    const { book, sequence } = await report([path]);
    expect(book.orders).toBe(3);
    expect(sequence?.channels).toMatchObject([{ packets: 4, duplicates: 3, conflicts: 0, gaps: [] }]);
    expect((await report([path], { ports: new Set([2]) })).book.orders).toBe(3);
  });

  it('on one port are told apart by their groups', async () => {
    const path = capture([packet(1, 1, [1n]), { ...packet(1, 1, [1n], 1n), group: 0xe9000002 | 0 }]);
    expect((await report([path])).sequence?.channels).toMatchObject([{ packets: 2, duplicates: 1 }]);
  });

  it('of which one was ahead, or showed only heartbeats for a time, are lines, too', async () => {
    const path = capture([
      packet(1, 1, []),
      packet(2, 1, []),
      packet(2, 1, [1n], 1n),
      packet(2, 2, [2n], 2n),
      packet(1, 1, [1n, 2n], 3n),
      packet(1, 3, [3n], 4n),
    ]);
    // Named, so that heartbeats are of the feed though they look like nothing.
    const { book, sequence } = await report([path], { ports: new Set([1, 2]) });
    expect(book.orders).toBe(3);
    expect(sequence?.channels).toMatchObject([{ packets: 6, duplicates: 2 }]);
  });

  it('one behind the other without a number to compare are found at the end', async () => {
    const numbers = Array.from({ length: 12 }, (_, at) => at + 1);
    const first = numbers.map((number) => packet(1, number, [BigInt(number)]));
    const path = capture([...first, packet(2, 12, [12n], 1n)]);
    await expect(report([path])).rejects.toMatchObject({
      code: 'channel-on-two-flows',
      message: expect.stringContaining('to 233.0.0.1 port 1 and to 233.0.0.1 port 2'),
      hint: 'Choose one of them, for example with --port 1.',
    });
  });

  it('that share the session but not the bytes are two sources', async () => {
    const numbers = [1n, 2n, 3n, 4n];
    const packets = numbers.flatMap((number) => [
      packet(1, Number(number), [number], number),
      packet(2, Number(number), [number + 100n], number),
    ]);
    const { book, sources } = await report([capture(packets)]);
    expect(book).toMatchObject({ orders: 8, instruments: 2, stateHash: null });
    expect(sources).toMatchObject([
      { channel: 0, orders: 4 },
      { channel: 1, orders: 4 },
    ]);
  });

  it('that begin with the same message and go on with others are two sources, too', async () => {
    const packets = Array.from({ length: 20 }, (_, at) => at + 1).flatMap((number) => [
      packet(1, number, [BigInt(number)], BigInt(number)),
      packet(2, number, [BigInt(number === 1 ? 1 : number + 100)], BigInt(number)),
    ]);
    const { sequence, book } = await report([capture(packets)]);
    expect(sequence?.channels).toMatchObject([
      { channel: 0, packets: 20, duplicates: 0 },
      { channel: 1, packets: 20, duplicates: 0 },
    ]);
    expect(book).toMatchObject({ orders: 40, instruments: 2 });
  });

  it('of which one comes late, by less or more than what is remembered, are lines', async () => {
    for (const behind of [1, 8, 9, 100]) {
      const packets = Array.from({ length: 400 }, (_, at) => at + 1).flatMap((number) => [
        packet(1, number, [BigInt(number)], BigInt(number)),
        ...(number > 120 ? [packet(2, number - behind, [BigInt(number - behind)], BigInt(number))] : []),
      ]);
      const { sequence, book } = await report([capture(packets)]);
      expect(sequence?.channels).toMatchObject([{ packets: 680, duplicates: 280, late: 0, conflicts: 0 }]);
      expect(book.orders).toBe(400);
    }
  });

  it('of which one begins at the end of a file are lines in the next one, too', async () => {
    const line = (port: number, from: number, to: number): PacketInput[] =>
      Array.from({ length: to - from + 1 }, (_, at) =>
        packet(port, from + at, [BigInt(from + at)], BigInt(from + at)),
      );
    const first = capture([...line(1, 1, 3), packet(2, 3, [3n], 3n)]);
    const second = capture(line(1, 4, 9).flatMap((each) => [each, { ...each, port: 2 }]));
    const { sequence, book } = await report([first, second]);
    expect(sequence?.channels).toMatchObject([{ first: '1', last: '9', packets: 16, duplicates: 7 }]);
    expect(book.orders).toBe(9);
  });
});

describe.skipIf(DATA === null)('a stream without packets', () => {
  it('stops after exactly so many messages', async () => {
    for (const wanted of [0, 1, 10, 12_345]) {
      const { feed } = await report([dataPath('dbn/CLX5_mbo.dbn')], {
        messagesMax: wanted,
        invariants: 'off',
      });
      expect(feed.messages).toBe(wanted);
    }
  });

  it('refuses what chooses among packets instead of ignoring it', async () => {
    const path = dataPath('dbn/CLX5_mbo.dbn');
    for (const wanted of [{ ports: new Set([1]) }, { arbiter: { ...ONE_LINE, gapTimeoutNs: 1, start: 5 } }]) {
      await expect(report([path], wanted)).rejects.toMatchObject({ code: 'usage' });
    }
  });

  it('of another feed than the one asked for is named as such', async () => {
    await expect(report([dataPath('dbn/CLX5_mbo.dbn')], { feedName: 'itch-5.0' })).rejects.toMatchObject({
      code: 'input-format',
    });
  });
});

describe('times that bound a stream', () => {
  it.skipIf(DATA === null)('of DBN choose by time of arrival, both inclusive', async () => {
    const path = dataPath('dbn/CLX5_mbo.dbn');
    const bytes = readFileSync(path);
    const timeOf = (record: number): bigint => bytes.readBigUInt64LE(360 + (record - 1) * 56 + 40);
    for (const [first, last] of [
      [1, 38_212],
      [100, 20_000],
      [14_770, 14_770],
    ] as const) {
      const [from, until] = [timeOf(first), timeOf(last)];
      const wanted = Array.from({ length: 38_212 }, (_, index) => timeOf(index + 1));
      const inside = wanted.filter((time) => time >= from && time <= until).length;
      const { events, inputs } = await report([path], { from, until, invariants: 'off' });
      const before = wanted.filter((time) => time < from).length;
      const after = wanted.filter((time) => time > until).length;
      expect(events['total']).toBe(inside);
      expect(inputs[0]).toMatchObject({
        skipped: {
          ...(before > 0 ? { beforeFrom: before } : {}),
          ...(after > 0 ? { afterUntil: after } : {}),
        },
      });
    }
  });

  it.skipIf(DATA === null)('leave what is outside out of the limit', async () => {
    const path = dataPath('dbn/CLX5_mbo.dbn');
    const from = 1758744000000000000n;
    const { events, asOf, stopped } = await report([path], { from, messagesMax: 10, invariants: 'off' });
    expect({ total: events['total'], asOf, stopped }).toMatchObject({
      total: 10,
      asOf: { sequence: '14779' },
      stopped: 'limit',
    });
  });

  /** A message file: the messages of a packet without its head. */
  function messageFile(): string {
    const encoder = new MoldPacketEncoder({ session: 'S1', sequence: 1, packetBytesMax: 1400 });
    for (const second of [1n, 2n, 3n, 4n]) {
      encoder.appendFields('A', {
        stockLocate: 1,
        trackingNumber: 0,
        timestamp: 36_000_000_000_000n + second * 1_000_000_000n,
        orderReferenceNumber: second,
        buySellIndicator: 'B',
        shares: 1,
        stock: 'TEST',
        price: 100,
      });
    }
    const path = join(folder, 'messages.itch');
    writeFileSync(path, encoder.finish().subarray(20));
    return path;
  }

  it('of files must not run backwards, whether the day is known or not', async () => {
    for (const date of [null, '2023-08-22']) {
      await expect(report([messageFile(), messageFile()], { date })).rejects.toMatchObject({
        code: 'input-order',
      });
    }
  });

  it('of captures and of message files are not mixed', async () => {
    const path = capture([packet(1, 1, [1n])]);
    for (const paths of [
      [path, messageFile()],
      [messageFile(), path],
    ]) {
      await expect(report(paths)).rejects.toMatchObject({ code: 'usage' });
    }
  });

  it('of ITCH choose by the time of the message, where the day is known', async () => {
    const wanted = { date: '2023-08-22', from: OPEN + 2_000_000_000n, until: OPEN + 3_000_000_000n };
    const { book, inputs } = await report([messageFile()], wanted);
    expect(book.orders).toBe(2);
    expect(inputs[0]).toMatchObject({ skipped: { beforeFrom: 1, afterUntil: 1 } });
  });

  it.each([
    [{ from: 1n }, '--from needs times'],
    [{ until: 1n }, '--until needs times'],
    [{ stopAt: { kind: 'time', high: 0, low: 1 } }, '--at TIME needs times'],
  ] as [Partial<RunOptions>, string][])(
    'of ITCH are refused where it is not (%#)',
    async (wanted, message) => {
      await expect(report([messageFile()], wanted)).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringContaining(message) as string,
      });
    },
  );
});
