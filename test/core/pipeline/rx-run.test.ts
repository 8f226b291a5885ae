import { afterEach, expect, test } from 'vitest';
import { CAPTURE_END, CAPTURE_TRUNCATED } from '../../../src/core/capture/capture-reader.ts';
import {
  LINE_STATE_CLOSED,
  LINE_STATE_SILENT,
  LINE_STATE_UP,
  RECORD_LINE,
} from '../../../src/core/capture/pipe-record.ts';
import { MdxError } from '../../../src/core/errors.ts';
import { FEEDS } from '../../../src/core/feeds/registry.ts';
import { type LineSpec, parseLines } from '../../../src/core/net/subscription.ts';
import { LiveLines } from '../../../src/core/pipeline/live-source.ts';
import type { PipeTarget } from '../../../src/core/pipeline/pipe-stream.ts';
import { type RxOptions, RxRun } from '../../../src/core/pipeline/rx-run.ts';
import { freePort, UdpSender } from '../../world/udp-sender.ts';
import { walk } from '../capture/walk.ts';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Keeps what is written. */
class MemoryTarget implements PipeTarget {
  readonly name = 'memory';
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  closed = false;

  write(chunk: Uint8Array): void {
    this.chunks.push(chunk.slice());
    this.bytes += chunk.length;
  }

  flush(): void {}

  drain(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  async finish(): Promise<void> {}

  async abandon(): Promise<void> {}

  get content(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.chunks));
  }
}

interface Rig {
  readonly live: LiveLines;
  readonly run: RxRun;
  readonly target: MemoryTarget;
  readonly sender: UdpSender;
  readonly port: number;
}

async function rig(more: Partial<RxOptions> = {}, lines = 1): Promise<Rig> {
  const port = await freePort();
  const texts = [1, 2].slice(0, lines).map((last) => `udp://239.255.43.${last}:${port}?iface=127.0.0.1`);
  const live = await LiveLines.open(parseLines({ lines: [], positional: texts, snapshots: [] }));
  const sender = await UdpSender.open();
  closing.push(
    () => live.close(),
    () => sender.close(),
  );
  const target = new MemoryTarget();
  const run = new RxRun({
    live,
    feed: null,
    packetsMax: Number.POSITIVE_INFINITY,
    durationMs: Number.POSITIVE_INFINITY,
    silentMs: Number.POSITIVE_INFINITY,
    rotation: {
      bytes: Number.POSITIVE_INFINITY,
      ms: Number.POSITIVE_INFINITY,
      packets: Number.POSITIVE_INFINITY,
    },
    open: () => target,
    onSecond: () => {},
    ...more,
  });
  return { live, run, target, sender, port };
}

test('a line that says nothing is silent, and up again with its next packet', async () => {
  let told = (): void => {};
  const silent = new Promise<void>((resolve) => {
    told = resolve;
  });
  const { run, target, sender, port } = await rig({ silentMs: 1, packetsMax: 1, onSecond: () => told() });
  const done = run.execute();
  await silent;
  await sender.send('again', '239.255.43.1', port);
  await done;
  const seen = walk(target.content);
  expect(seen.answer).toBe(CAPTURE_END);
  expect(
    seen.records.flatMap(({ kind, state, after }) => (kind === RECORD_LINE ? [[state, after]] : [])),
  ).toEqual([
    [LINE_STATE_UP, 0],
    [LINE_STATE_SILENT, 0],
    [LINE_STATE_UP, 0],
    [LINE_STATE_CLOSED, 1],
  ]);
  expect(run.tallies[0]!.silences).toBe(1);
});

test('when a thread fails, what was received stays, and lacks the end', async () => {
  const { live, run, target, sender, port } = await rig();
  await sender.send('kept', '239.255.43.1', port);
  const [receiver] = live.lines[0]!.receivers;
  while (receiver!.received === 0) await live.wait(10);
  receiver!.failure = new MdxError('socket-failed', 'the interface is gone');
  await expect(run.execute()).rejects.toThrow('the interface is gone');
  const seen = walk(target.content);
  expect(seen).toMatchObject({ answer: CAPTURE_TRUNCATED, reader: { isCut: true } });
  expect(seen.packets.map(({ payload }) => payload)).toEqual([Buffer.from('kept').toString('hex')]);
});

test('a thread that throws is an error that names its line', async () => {
  const [line] = parseLines({ lines: [], positional: ['udp://127.0.0.1:9?backend=dgram'], snapshots: [] });
  const broken = { ...line, subscriptions: [{ port: 9 }] } as unknown as LineSpec;
  await expect(LiveLines.open([broken])).rejects.toThrow(/thread that receives line A died/);
});

test('numbers and skew of the lines, where the feed is known', async () => {
  const feed = FEEDS.find(({ name }) => name === 'itch-5.0')!;
  const { run, sender, port } = await rig({ feed, packetsMax: 6 }, 2);
  const done = run.execute();
  for (let number = 1; number <= 3; number += 1) {
    const packet = moldPacket(number * 10);
    await sender.send(packet, '239.255.43.1', port);
    await sender.send(packet, '239.255.43.2', port);
  }
  await done;
  expect([...run.watch!.last]).toEqual([30, 30]);
  expect(Number.isFinite(run.watch!.skewNs)).toBe(true);
});

/** A MoldUDP64 packet with one message under this number. */
function moldPacket(first: number): Uint8Array {
  const bytes = Buffer.alloc(34);
  bytes.write('SESSION001', 0, 'latin1');
  bytes.writeUInt32BE(first, 14);
  bytes.writeUInt16BE(1, 18);
  bytes.writeUInt16BE(12, 20);
  bytes.write('S', 22, 'latin1');
  return bytes;
}
