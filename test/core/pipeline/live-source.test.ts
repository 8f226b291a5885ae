import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { MdxError } from '../../../src/core/errors.ts';
import { parseLines } from '../../../src/core/net/subscription.ts';
import { LiveLines } from '../../../src/core/pipeline/live-source.ts';
import {
  LINE_A,
  LINE_B,
  SOURCE_END,
  SOURCE_NONE,
  SOURCE_PACKET,
  SourcePacket,
} from '../../../src/core/pipeline/packet-source.ts';
import { freePort, UdpSender } from '../../world/udp-sender.ts';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function open(texts: string[], snapshots: string[] = []): Promise<LiveLines> {
  const live = await LiveLines.open(parseLines({ lines: [], positional: texts, snapshots }));
  closing.push(() => live.close());
  return live;
}

async function sending(): Promise<UdpSender> {
  const sender = await UdpSender.open();
  closing.push(() => sender.close());
  return sender;
}

interface Seen {
  readonly line: number;
  readonly pair: number;
  readonly text: string;
}

/** Takes packets until there are so many, or the lines have ended. */
async function take(live: LiveLines, count: number): Promise<Seen[]> {
  const packet = new SourcePacket();
  const seen: Seen[] = [];
  while (seen.length < count) {
    const answer = live.next(packet);
    if (answer === SOURCE_END) break;
    if (answer === SOURCE_NONE) await live.wait(1000);
    if (answer !== SOURCE_PACKET) continue;
    const { line, pair, offset, length } = packet;
    seen.push({ line, pair, text: Buffer.from(packet.bytes.subarray(offset, offset + length)).toString() });
  }
  return seen;
}

describe.each(['dgram', 'mmsg'])('%s', (backend) => {
  const group = (last: number, port: number): string =>
    `udp://239.255.42.${last}:${port}?iface=127.0.0.1&backend=${backend}`;

  test('a packet knows its line and its pair, and how it was received', async () => {
    const port = await freePort();
    const live = await open([group(1, port), group(2, port)], [`B=${group(4, port)}`]);
    const sender = await sending();
    await sender.send('a0', '239.255.42.1', port);
    await sender.send('b0', '239.255.42.2', port);
    await sender.send('b1', '239.255.42.4', port);
    const seen = await take(live, 3);
    expect(seen.sort((a, b) => (a.text < b.text ? -1 : 1))).toEqual([
      { line: LINE_A, pair: 0, text: 'a0' },
      { line: LINE_B, pair: 0, text: 'b0' },
      { line: LINE_B, pair: 1, text: 'b1' },
    ]);
    const clock = backend === 'dgram' ? 'none' : 'software';
    expect(live.lines[1]!.origins).toMatchObject([
      { line: 'B', pair: 0, backend, clock, source: `udp://239.255.42.2:${port}` },
      { line: 'B', pair: 1 },
    ]);
    expect(live.lines.map((line) => line.status().received)).toEqual([1, 2]);
  });

  test('after stop all that was received is given out, then comes the end', async () => {
    const port = await freePort();
    const live = await open([group(1, port)]);
    const sender = await sending();
    await sender.sendAll(100, '239.255.42.1', port, (at) => String(at));
    const line = live.lines[0]!;
    while (line.status().received < 100) await live.wait(10);
    live.stop();
    const seen = await take(live, 1000);
    expect(seen.map(({ text }) => Number(text))).toEqual(Array.from({ length: 100 }, (_, at) => at));
    const packet = new SourcePacket();
    expect(live.next(packet)).toBe(SOURCE_END);
    expect(live.next(packet)).toBe(SOURCE_END);
    expect(line.status()).toMatchObject({ received: 100, poolFull: 0, waiting: 0 });
  });

  test('an address that somebody else has is refused, and the other threads end', async () => {
    const other = createSocket('udp4');
    other.bind(0, '127.0.0.1');
    await once(other, 'listening');
    closing.push(() => other.close());
    const { port } = other.address();
    const refused = open([group(1, await freePort()), `udp://127.0.0.1:${port}?backend=${backend}`]);
    await expect(refused).rejects.toThrow(MdxError);
    await expect(refused).rejects.toThrow(/EADDRINUSE/);
  });
});

test('a thread that dies is an error of whoever reads, after its packets', async () => {
  const port = await freePort();
  const live = await open([`udp://239.255.42.1:${port}?iface=127.0.0.1&backend=dgram`]);
  const sender = await sending();
  await sender.send('last words', '239.255.42.1', port);
  const [receiver] = live.lines[0]!.receivers;
  while (receiver!.queue.waiting === 0) await live.wait(10);
  receiver!.failure = new MdxError('internal', 'the thread died');
  expect(await take(live, 1)).toMatchObject([{ text: 'last words' }]);
  expect(() => live.next(new SourcePacket())).toThrow('the thread died');
});
