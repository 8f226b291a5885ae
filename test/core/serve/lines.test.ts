import type { ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Market } from '../../../src/core/book/market.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import type { ServeConfig } from '../../../src/core/config/serve-config.ts';
import { SERVE_DEFAULTS } from '../../../src/core/config/serve-defaults.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { Serve } from '../../../src/core/serve/server.ts';
import { started } from '../../world/real-process.ts';
import { runOptions } from '../../world/run-options.ts';
import { listening } from '../../world/sockets.ts';
import { payloadsOf } from '../../world/two-lines.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-lines-'));
const capture = join(folder, 'session.pcap');
const SECOND_NS = 1_000_000_000;
/** Looks at /ready, ms. */
const READY_WITHIN = { timeout: 60_000, interval: 20 };
let packets: readonly Buffer[] = [];
let truth: Market;
let server: ChildProcess;
let recovery: string;
let socket: Socket;

beforeAll(async () => {
  const { a } = play({ seed: 3, profile: { messages: 3000 } });
  writeFileSync(capture, a);
  packets = payloadsOf(a);
  truth = (await run(runOptions([capture]))).books.markets[0]!;
  server = started(['recover-server', capture, '--listen', 'tcp+listen://127.0.0.1:0']);
  recovery = await listening(server);
  socket = createSocket('udp4');
});

afterAll(async () => {
  socket.close();
  server.kill();
  await once(server, 'close');
  rmSync(folder, { recursive: true });
});

/** A port of this machine that nobody has. */
async function freePort(): Promise<number> {
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}

interface Lines {
  readonly a: number;
  readonly b: number;
}

function start(
  { a, b }: Lines,
  journal: string,
  wanted: Partial<ServeConfig['recovery']> = {},
): Promise<Serve> {
  return Serve.start({
    version: 'test',
    config: {
      ...SERVE_DEFAULTS,
      source: { ...SERVE_DEFAULTS.source, feed: 'itch-5.0' },
      lines: { a: [`udp://127.0.0.1:${a}`], b: [`udp://127.0.0.1:${b}`], snapshot: [] },
      merge: { ...SERVE_DEFAULTS.merge, gapTimeout: 1_000_000 },
      recovery: {
        ...SERVE_DEFAULTS.recovery,
        endpoint: recovery,
        timeout: 30 * SECOND_NS,
        requestTimeout: 10 * SECOND_NS,
        ...wanted,
      },
      journal: { ...SERVE_DEFAULTS.journal, directory: journal },
      http: { ...SERVE_DEFAULTS.http, listen: '127.0.0.1:0' },
      rawV1: { ...SERVE_DEFAULTS.rawV1, a: null, b: null },
    },
    tell: () => {},
  });
}

async function until(serve: Serve, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    await Promise.race([serve.ended, new Promise((resolve) => setTimeout(resolve, 5))]);
  }
}

async function send(port: number, packet: Buffer): Promise<void> {
  await new Promise((resolve) => socket.send(packet, port, '127.0.0.1', resolve));
}

/** Sends packets on both lines; of every ten one line loses one each, and of every forty both the same. */
async function sendLossy({ a, b }: Lines, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 1) {
    const isLostByBoth = at % 40 === 20 && at < packets.length - 1;
    if (!isLostByBoth && at % 10 !== 3) await send(a, packets[at]!);
    if (!isLostByBoth && at % 10 !== 7) await send(b, packets[at]!);
    if (at % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('what both lines lost is filled, and what came while the engine was away is fetched: nothing is lost', async () => {
  const lines = { a: await freePort(), b: await freePort() };
  const journal = join(folder, 'journal');
  const third = Math.floor(packets.length / 3);

  const first = await start(lines, journal);
  await until(first, () => first.status.lines.length === 2);
  await sendLossy(lines, 0, third);
  await until(first, () => first.status.channels.some(({ filled, missing }) => filled > 0 && missing === 0));
  const { gaps = [], skew, preference } = first.status;
  expect(preference).toEqual({ prefersA: expect.any(Boolean), failovers: expect.any(Number) });
  expect(gaps.length).toBeGreaterThan(0);
  for (const gap of gaps) expect(gap).toMatchObject({ channel: 0, state: 'filled', by: expect.any(String) });
  expect(skew!.samples).toBeGreaterThan(0);
  // Quantiles have three significant digits.
  expect(Math.abs(skew!.p50Ns!)).toBeLessThanOrEqual(Math.abs(skew!.maxNs!) * 1.001 + 1);
  first.stop();
  await first.ended;

  // Nobody listens: all of this is lost on the wire.
  await sendLossy(lines, third, 2 * third);

  const second = await start(lines, journal);
  await until(second, () => second.status.lines.length === 2);
  await sendLossy(lines, 2 * third, packets.length);
  await until(second, () => (second.context.books()?.books.markets[0]?.changes ?? 0) >= truth.changes);

  const market = second.context.books()!.books.markets[0]!;
  expect(stateHash(market)).toEqual(stateHash(truth));
  expect([...market.bookChanges]).toEqual([...truth.bookChanges]);
  await until(second, () => second.status.channels.some(({ missing }) => missing === 0));
  const [channel] = second.status.channels;
  expect(channel).toMatchObject({ lost: 0, missing: 0 });
  expect(channel!.filled).toBeGreaterThan(third);
  // Where the machine was held up, it takes a moment until nothing is late any more.
  await vi.waitFor(async () => {
    const ready = await fetch(`${second.url}/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true }]);
  }, READY_WITHIN);
  second.stop();
  await second.ended;
});

test('a session of the venue begins with empty books and a segment of the journal of its own', async () => {
  const lines = { a: await freePort(), b: await freePort() };
  const journal = join(folder, 'sessions');
  const { a: second } = play({ seed: 4, profile: { messages: 300 } });
  const later = payloadsOf(second);
  const { markets } = (await run(runOptions([await written('second.pcap', second)]))).books;

  const serve = await start(lines, journal);
  await until(serve, () => serve.status.lines.length === 2);
  for (const packet of packets.slice(0, 200)) {
    await send(lines.a, packet);
    await send(lines.b, packet);
  }
  await until(serve, () => serve.status.messages > 0);
  for (const packet of later) {
    await send(lines.a, packet);
    await send(lines.b, packet);
  }
  await until(serve, () => serve.status.sessions === 1 && serve.status.journal!.segments === 2);
  const served = (): Market => serve.context.books()!.books.markets[0]!;
  // As many orders may have been live before.
  const { hash } = stateHash(markets[0]!);
  await until(serve, () => stateHash(served()).hash === hash);
  serve.stop();
  await serve.ended;
});

test('where recovery fails and that is to end it, the journal is closed behind what came, and it ends with 1', async () => {
  const lines = { a: await freePort(), b: await freePort() };
  const journal = join(folder, 'hole');
  const nobody = createServer();
  nobody.listen(0, '127.0.0.1');
  await once(nobody, 'listening');
  const { port } = nobody.address() as AddressInfo;
  nobody.close();
  const endpoint = `tcp://127.0.0.1:${port}`;
  const serve = await start(lines, journal, { endpoint, unrecoverable: 'exit', attempts: 1, backoff: 0 });
  await until(serve, () => serve.status.lines.length === 2);
  for (const packet of packets.slice(0, 10)) await send(lines.a, packet);
  await until(serve, () => (serve.status.channels[0]?.delivered ?? 0) > 0);
  for (const packet of packets.slice(11, 20)) await send(lines.a, packet);
  await expect(serve.ended).rejects.toMatchObject({
    code: 'recovery-failed',
    exit: 1,
    message: expect.stringContaining('numbers are missing that recovery could not bring'),
  });
  expect(serve.status).toMatchObject({ state: 'failed', problem: expect.stringContaining('recovery') });
  const { books, damage } = await run(runOptions([journal]));
  expect(damage).toEqual([]);
  // It is closed behind what came, which says what is missing.
  expect(books.lastSequence).toBe(serve.status.channels[0]!.next - 1);
  expect([...books.markets[0]!.lostChannels]).toEqual([0]);
});

test('a journal that fails while nothing comes ends it, too', async () => {
  const lines = { a: await freePort(), b: await freePort() };
  const journal = join(folder, 'failing');
  const serve = await start(lines, journal);
  await until(serve, () => serve.status.lines.length === 2);
  for (const packet of packets.slice(0, 10)) await send(lines.a, packet);
  await until(serve, () => (serve.status.journal?.lastEvent ?? 0) > 0);
  renameSync(journal, join(folder, 'moved'));
  // A segment would begin, and cannot.
  expect(await serve.context.command({ kind: 'snapshot' })).toMatchObject({ ok: true });
  await expect(serve.ended).rejects.toMatchObject({ code: 'journal-failed', exit: 4 });
  expect(serve.status.state).toBe('failed');
});

test('a journal that fails while the sender of a capture pauses ends it, too', async () => {
  const bytes = readFileSync(capture);
  const pausing = createServer((connection) => {
    // It is cut off when the engine fails.
    connection.on('error', () => {});
    connection.write(bytes.subarray(0, bytes.length / 2));
  });
  pausing.listen(0, '127.0.0.1');
  await once(pausing, 'listening');
  const directory = join(folder, 'pausing');
  const serve = await Serve.start({
    version: 'test',
    config: {
      ...SERVE_DEFAULTS,
      source: {
        ...SERVE_DEFAULTS.source,
        inputs: [`tcp://127.0.0.1:${(pausing.address() as AddressInfo).port}`],
      },
      journal: { ...SERVE_DEFAULTS.journal, directory },
      http: { ...SERVE_DEFAULTS.http, listen: '127.0.0.1:0' },
      rawV1: { ...SERVE_DEFAULTS.rawV1, a: null, b: null },
    },
    tell: () => {},
  });
  await until(serve, () => (serve.status.journal?.lastEvent ?? 0) > 0);
  renameSync(directory, join(folder, 'moved-too'));
  expect(await serve.context.command({ kind: 'snapshot' })).toMatchObject({ ok: true });
  await expect(serve.ended).rejects.toMatchObject({ code: 'journal-failed', exit: 4 });
  pausing.close();
});

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
