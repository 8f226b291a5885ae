import { afterEach, describe, expect, it } from 'vitest';
import {
  encodeMessage,
  type Hello,
  TYPE_GOODBYE,
  TYPE_HEARTBEAT,
  TYPE_METADATA,
  TYPE_RECORDS,
} from '../../../../src/core/net/ingest/layout.ts';
import { IngestServer } from '../../../../src/core/net/ingest/server.ts';
import {
  type Ending,
  INGEST_LIMITS,
  type IngestLimits,
  type IngestSink,
} from '../../../../src/core/net/ingest/sink.ts';
import { helloOf, TestSender } from '../../../world/ingest.ts';

/** Writes down what senders say. */
class Heard implements IngestSink {
  readonly said: string[] = [];
  bytes = 0;

  hello(sender: number, { source }: Hello): void {
    this.said.push(`${sender} hello ${source}`);
  }

  metadata(sender: number, _bytes: Uint8Array, from: number, to: number): void {
    this.said.push(`${sender} metadata ${to - from}`);
  }

  records(sender: number, _bytes: Uint8Array, from: number, to: number): void {
    this.said.push(`${sender} records ${to - from}`);
    this.bytes += to - from;
  }

  gap(sender: number): void {
    this.said.push(`${sender} gap`);
  }

  closed(sender: number, ending: Ending): void {
    this.said.push(`${sender} ${ending}`);
  }
}

const open: { server: IngestServer; heard: Heard }[] = [];

afterEach(async () => {
  for (const { server, heard } of open.splice(0)) await server.close(heard);
});

async function serve(limits: Partial<IngestLimits> = {}): Promise<{ server: IngestServer; heard: Heard }> {
  const server = await IngestServer.listen({
    host: '127.0.0.1',
    port: 0,
    shares: false,
    limits: { ...INGEST_LIMITS, ...limits },
  });
  const one = { server, heard: new Heard() };
  open.push(one);
  return one;
}

/** Takes what comes until something has happened. */
async function until(
  { server, heard }: { server: IngestServer; heard: Heard },
  isSo: () => boolean,
): Promise<void> {
  while (!isSo()) {
    while (server.take(heard) && !isSo()) {
      // The next one.
    }
    if (!isSo()) await server.wait(50);
  }
}

describe('a server of senders', () => {
  it('hears each in order, to its goodbye', async () => {
    const one = await serve();
    const sender = await TestSender.named(one.server.port, 'A');
    sender.write(encodeMessage(TYPE_METADATA, new Uint8Array(9))).records(new Uint8Array(56));
    sender.write(encodeMessage(TYPE_HEARTBEAT)).write(encodeMessage(TYPE_GOODBYE));
    await until(one, () => one.heard.said.length === 4);
    expect(one.heard.said).toEqual(['1 hello A', '1 metadata 9', '1 records 56', '1 goodbye']);
    await sender.closed;
    expect(one.server.counts).toMatchObject({ accepted: 1, connected: 0, heartbeats: 1, held: 0 });
  });

  it('hears what a sender said before it went without a word', async () => {
    const one = await serve();
    const sender = await TestSender.named(one.server.port, 'A');
    sender.records(new Uint8Array(56));
    sender.socket.end();
    await sender.closed;
    await until(one, () => one.heard.said.length === 3);
    expect(one.heard.said).toEqual(['1 hello A', '1 records 56', '1 broken']);
  });

  it.each([
    ['does not say who it is', 'identity', (): Uint8Array => new Uint8Array(0)],
    ['says something else first', 'identity', (): Uint8Array => encodeMessage(TYPE_RECORDS)],
    ['has no name', 'hello', (): Uint8Array => helloOf('')],
    ['says too much at once', 'length', (): Uint8Array => Buffer.from([1, 144, 1, 0, 0])],
  ])('cuts who %s', async (_name, ending, bytes) => {
    const one = await serve({ helloMs: 20 });
    const sender = await TestSender.connect(one.server.port);
    sender.write(bytes());
    await until(one, () => one.server.counts.endings.size > 0);
    await sender.closed;
    expect([...one.server.counts.endings]).toEqual([[ending, 1]]);
    expect(one.heard.said).toEqual([]);
  });

  it('cuts who falls silent, and nobody who lives', async () => {
    const one = await serve({ silentMs: 40 });
    const lives = await TestSender.named(one.server.port, 'A');
    const silent = await TestSender.named(one.server.port, 'B');
    const beat = setInterval(() => lives.write(encodeMessage(TYPE_HEARTBEAT)), 2);
    await until(one, () => one.heard.said.length === 3);
    clearInterval(beat);
    await silent.closed;
    expect(one.heard.said[2]).toMatch(/ silent$/);
    expect(one.heard.said).toContain(`${one.heard.said[2]!.split(' ')[0]} hello B`);
  });

  it('turns away who is one too many, and takes the next when there is room', async () => {
    const one = await serve({ senders: 2 });
    const first = await TestSender.named(one.server.port, 'A');
    await TestSender.named(one.server.port, 'B');
    await until(one, () => one.heard.said.length === 2);
    const third = await TestSender.connect(one.server.port);
    await third.closed;
    expect([...one.server.counts.endings]).toEqual([['full', 1]]);
    first.socket.destroy();
    await until(one, () => one.heard.said.length === 3);
    await TestSender.named(one.server.port, 'C');
    await until(one, () => one.heard.said.length === 4);
    expect(one.heard.said[3]).toBe('3 hello C');
  });

  it('takes no more of metadata than the limit', async () => {
    const one = await serve({ bufferedBytes: 1000 });
    const sender = await TestSender.named(one.server.port, 'A');
    for (let piece = 0; piece < 3; piece += 1)
      sender.write(encodeMessage(TYPE_METADATA, new Uint8Array(400)));
    await until(one, () => one.heard.said.length === 4);
    expect(one.heard.said.slice(1)).toEqual(['1 metadata 400', '1 metadata 400', '1 metadata']);
  });

  it('reads no further ahead than the limit while nobody takes, and loses nothing', async () => {
    const one = await serve({ bufferedBytes: 200_000 });
    const sender = await TestSender.named(one.server.port, 'A');
    const body = new Uint8Array(56_000);
    const sent = 400;
    for (let message = 0; message < sent; message += 1) sender.records(body);
    // It is paused when it holds what it may; whatever more comes, comes later.
    while (one.server.counts.pauses === 0) await one.server.wait(1).then(() => new Promise(setImmediate));
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(one.server.counts.held).toBeLessThan(200_000 + 65_536 + 1);
    await until(one, () => one.heard.bytes === sent * body.length);
    expect(one.server.counts.held).toBe(0);
    expect(one.server.counts.endings.size).toBe(0);
  });

  it('says when its port is taken', async () => {
    const one = await serve();
    const { port } = one.server;
    await expect(
      IngestServer.listen({ host: '127.0.0.1', port, shares: false, limits: INGEST_LIMITS }),
    ).rejects.toMatchObject({ code: 'socket-busy' });
  });
});
