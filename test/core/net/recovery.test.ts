import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { FEEDS } from '../../../src/core/feeds/registry.ts';
import { parseBacklogLine } from '../../../src/core/merge/recovery/backlog.ts';
import { RECOVERY_DEFAULTS, type RecoverySettings } from '../../../src/core/merge/recovery/settings.ts';
import { openRecoveryClient, type RecoveryClient } from '../../../src/core/net/recovery/client.ts';
import { NO_FAULTS, type ServerFaults, type ServerLimits } from '../../../src/core/net/recovery/limits.ts';
import { type IndexedCaptures, indexCaptures } from '../../../src/core/pipeline/recovery/index-captures.ts';
import { parseListen, type RunningServer, serveCaptures } from '../../../src/core/pipeline/recovery/serve.ts';
import { frameOf, hostileServer, hostileUdpServer } from '../../world/hostile-server.ts';
import { moldPacket, numbersIn, writePackets } from '../../world/mold-session.ts';

const SESSION = Buffer.from('000010059D');
const LIMITS: ServerLimits = { clients: 64, clientTimeoutMs: 5000, requestsPerSecond: 20_000 };
const folder = mkdtempSync(join(tmpdir(), 'mdx-recovery-'));
const CAPTURE = join(folder, 'session.pcap');
/** Numbers 1 … 2,000 in packets of 7, on two lines that cut differently, and 1,501 … 1,510 on neither. */
const isLost = (number: number): boolean => number > 1500 && number <= 1510;
let captures: IndexedCaptures;

beforeAll(async () => {
  const packets: { payload: Uint8Array; group?: number }[] = [];
  const put = (first: number, last: number, group: number): void => {
    if (first <= last) packets.push({ payload: moldPacket(first, last - first + 1), group });
  };
  for (const [size, group] of [
    [7, 0xe9000001],
    [5, 0xe9000002],
  ] as const) {
    for (let first = 1; first <= 1500; first += size) put(first, Math.min(1500, first + size - 1), group);
    for (let first = 1511; first <= 2000; first += size) put(first, Math.min(2000, first + size - 1), group);
  }
  packets.push({ payload: moldPacket(1, 3, 'OTHER') });
  packets.push({ payload: moldPacket(2001, 0) });
  writePackets(CAPTURE, packets);
  captures = await indexCaptures({
    paths: [CAPTURE],
    feeds: FEEDS,
    feedName: null,
    flows: { ports: null, groups: null },
    breathe: async () => false,
  });
});

afterAll(() => {
  captures.close();
  rmSync(folder, { recursive: true });
});

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function serve(
  listen: string,
  faults: Partial<ServerFaults> = {},
  limits: Partial<ServerLimits> = {},
): Promise<RunningServer & { endpoint: string }> {
  const server = await serveCaptures(
    captures,
    [parseListen(listen)],
    { ...LIMITS, ...limits },
    { ...NO_FAULTS, ...faults },
  );
  open.push(() => server.close());
  return { ...server, endpoint: server.listeners[0]!.address };
}

/** Closed TCP port: nobody listens there. */
const DEAD = 'tcp://127.0.0.1:9';
const TCP = 'tcp+listen://127.0.0.1:0?session=000010059D';
const MOLD = 'mold+udp://127.0.0.1:0';

/** For servers that answer, and for such that do not. */
const PATIENT: Partial<RecoverySettings> = { requestTimeoutNs: 10_000_000_000 };
const HASTY: Partial<RecoverySettings> = { requestTimeoutNs: 40_000_000 };

/** What a client got; it waits for its answers as long as it takes, unless told otherwise. */
class Fetched {
  readonly client: RecoveryClient;
  readonly numbers: number[] = [];
  readonly lost: [number, number][] = [];

  constructor(endpoint: string, settings: Partial<RecoverySettings> = {}, backlog: string | null = null) {
    this.client = openRecoveryClient(
      endpoint,
      {
        settings: { ...RECOVERY_DEFAULTS, retryBackoffNs: 1_000_000, ...PATIENT, ...settings },
        backlog,
        transport: () => itch.transport!(),
      },
      {
        onPacket: (_channel, bytes, offset, length) => {
          for (const number of numbersIn(bytes.slice(offset, offset + length))) this.numbers.push(number);
        },
        onUnrecoverable: (_channel, first, count) => this.lost.push([first, count]),
      },
    );
    open.push(() => this.client.close());
  }

  async ask(first: number, count: number): Promise<void> {
    this.client.request(0, SESSION, first, count);
    await this.client.idle();
  }
}

function upTo(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

describe.each([
  ['tcp', TCP],
  ['mold+udp', MOLD],
])('client and server, %s', (_scheme, listen) => {
  it('fill a hole of 1,000 in one range', async () => {
    const server = await serve(listen);
    const fetched = new Fetched(server.endpoint);
    await fetched.ask(65, 1000);
    expect(fetched.numbers).toEqual(upTo(65, 1064));
    expect(fetched.client.counts).toMatchObject({
      requests: 1,
      retries: 0,
      fetchedRanges: 1,
      duplicatePackets: 0,
      stalePackets: 0,
    });
    expect(fetched.lost).toEqual([]);
    expect(server.counts).toMatchObject({ messages: 1000, refused: 0, unanswered: 0 });
  });

  it('hand on exactly the numbers of a range, cut out of their packets', async () => {
    const server = await serve(listen);
    const fetched = new Fetched(server.endpoint);
    await fetched.ask(10, 3);
    await fetched.ask(1998, 3);
    await fetched.ask(1, 1);
    expect(fetched.numbers).toEqual([10, 11, 12, 1998, 1999, 2000, 1]);
  });

  it('tell what the server has not, and bring the rest', async () => {
    const server = await serve(listen);
    // By UDP nothing says that there is no more; what comes must have come by then.
    const fetched = new Fetched(server.endpoint, { requestTimeoutNs: 300_000_000 });
    await fetched.ask(1495, 30);
    expect([...new Set(fetched.numbers)].sort((a, b) => a - b)).toEqual(
      upTo(1495, 1524).filter((number) => !isLost(number)),
    );
    const lost = fetched.lost.flatMap(([first, count]) => upTo(first, first + count - 1));
    expect([...lost, ...fetched.numbers].sort((a, b) => a - b)).toEqual(upTo(1495, 1524));
    expect(fetched.client.counts.fetchedRanges).toBe(0);
  });

  it('make up for what goes wrong', async () => {
    const server = await serve(listen, { failFirst: 1, drop: 0.2, delayMs: 1 });
    const fetched = new Fetched(server.endpoint, { requestTimeoutNs: 50_000_000, retryAttempts: 30 });
    await fetched.ask(100, 200);
    expect([...new Set(fetched.numbers)].sort((a, b) => a - b)).toEqual(upTo(100, 299));
    expect(fetched.numbers).toHaveLength(200);
    expect(fetched.client.counts.retries).toBeGreaterThan(0);
  });

  it('keep what half an answer brought, and tell the rest', async () => {
    const server = await serve(listen, { cut: true });
    const fetched = new Fetched(server.endpoint, { requestTimeoutNs: 30_000_000 });
    await fetched.ask(101, 100);
    const lost = fetched.lost.flatMap(([first, count]) => upTo(first, first + count - 1));
    expect(lost.length).toBeGreaterThan(0);
    expect([...fetched.numbers, ...lost].sort((a, b) => a - b)).toEqual(upTo(101, 200));
    expect(fetched.client.counts).toMatchObject({ failures: 3, retries: 2, fetchedRanges: 0 });
  });

  it('give up a server that is killed in the middle', async () => {
    const server = await serve(listen, { delayMs: 5 });
    await new Fetched(server.endpoint).ask(1, 7);
    await server.close();
    const left = new Fetched(server.endpoint, HASTY);
    await left.ask(8, 7);
    expect(left.lost).toEqual([[8, 7]]);
  });

  it('answer many clients at a time', async () => {
    const server = await serve(listen);
    const clients = Array.from({ length: 12 }, () => new Fetched(server.endpoint));
    await Promise.all(clients.map((fetched, at) => fetched.ask(1 + at * 50, 200)));
    for (const [at, fetched] of clients.entries()) {
      expect(fetched.numbers).toEqual(upTo(1 + at * 50, 200 + at * 50));
    }
  });
});

describe('a server of len_seq_payload', () => {
  async function answerTo(endpoint: string, question: string): Promise<Buffer> {
    const socket = createConnection(Number(endpoint.split(':').at(-1)), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.write(question);
    await once(socket, 'close');
    return Buffer.concat(chunks);
  }

  it('answers as the sheet says, to the byte', async () => {
    const { endpoint } = await serve(TCP);
    const answer = await answerTo(endpoint, 'REPLAY 6 9\n');
    expect(answer.toString('hex')).toBe(
      Buffer.concat([frameOf(6, moldPacket(6, 2)), frameOf(8, moldPacket(8, 2)), frameOf(0)]).toString('hex'),
    );
  });

  it('ends the answer for numbers that it has not', async () => {
    const { endpoint, counts } = await serve(TCP);
    expect(await answerTo(endpoint, 'REPLAY 1501 1510\n')).toEqual(frameOf(0));
    expect(await answerTo(endpoint, `REPLAY 2001 ${Number.MAX_SAFE_INTEGER}\n`)).toEqual(frameOf(0));
    expect(counts).toMatchObject({ requests: 2, ranges: 0, unanswered: 2, refused: 0 });
  });

  it.each([
    ['an empty range', 'REPLAY 9 6\n'],
    ['too high a number', 'REPLAY 1 99999999999999999\n'],
    ['another protocol', 'GET / HTTP/1.1\r\n'],
    ['a line without an end', 'x'.repeat(4096)],
  ])('closes the connection for %s', async (_name, question) => {
    const { endpoint, counts } = await serve(TCP);
    expect(await answerTo(endpoint, question)).toHaveLength(0);
    expect(counts).toMatchObject({ requests: 0, refused: 1 });
  });

  it('serves the session that began last, unless another is named', async () => {
    const { endpoint } = await serve('tcp+listen://127.0.0.1:0');
    expect(await answerTo(endpoint, 'REPLAY 1 9\n')).toEqual(
      Buffer.concat([frameOf(1, moldPacket(1, 3, 'OTHER')), frameOf(0)]),
    );
    await expect(serve('tcp+listen://127.0.0.1:0?session=NONE')).rejects.toMatchObject({
      code: 'usage',
      hint: 'There is 000010059D, OTHER.',
    });
  });

  it('drops clients that do not ask, or do not read', async () => {
    const { endpoint, counts } = await serve(TCP, {}, { clientTimeoutMs: 30 });
    const socket = createConnection(Number(endpoint.split(':').at(-1)), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'close');
    expect(counts).toMatchObject({ connections: 1, slowClients: 1, requests: 0 });
  });

  it('has only so many clients at a time', async () => {
    const { endpoint, counts } = await serve(TCP, {}, { clients: 1 });
    const socket = createConnection(Number(endpoint.split(':').at(-1)), '127.0.0.1');
    await once(socket, 'connect');
    expect(await answerTo(endpoint, 'REPLAY 1 1\n')).toHaveLength(0);
    expect(counts.refused).toBe(1);
    socket.destroy();
  });
});

describe('a server of MoldUDP64 requests', () => {
  it('answers no more than it may', async () => {
    const { endpoint, counts } = await serve(MOLD, {}, { requestsPerSecond: 3 });
    const socket = createSocket('udp4');
    const port = Number(endpoint.split(':').at(-1));
    socket.on('error', () => {});
    // A question is the header of a packet alone (MoldUDP64, request packet).
    const question = moldPacket(1, 10).subarray(0, 20);
    for (let sent = 0; sent < 20; sent += 1) socket.send(question, port, '127.0.0.1');
    while (counts.requests + counts.throttled < 20) await new Promise((resume) => setImmediate(resume));
    socket.close();
    // The second may change once while they come.
    expect(counts.requests).toBeGreaterThanOrEqual(3);
    expect(counts.requests).toBeLessThanOrEqual(6);
  });

  it('puts as many messages into a packet as fit', async () => {
    const server = await serve(MOLD);
    const fetched = new Fetched(server.endpoint);
    await fetched.ask(1, 1000);
    const packets = fetched.client.counts.injectedPackets;
    // 1,452 bytes behind the header, 14 for a message.
    expect(packets).toBe(Math.ceil(1000 / 103));
    expect(server.counts.packets).toBe(packets);
  });
});

describe('a client of a hostile server', () => {
  it('takes nothing of what nobody asked for', async () => {
    const server = await hostileServer((socket) => {
      socket.end(
        Buffer.concat([
          frameOf(500, moldPacket(500, 4)),
          frameOf(1, moldPacket(2, 1)),
          frameOf(1, moldPacket(1, 1, 'OTHER')),
          frameOf(1, Buffer.from('garbage')),
          frameOf(1, moldPacket(1, 5)),
          frameOf(1, moldPacket(1, 5)),
          frameOf(6, moldPacket(6, 5)),
          frameOf(0),
          Buffer.alloc(1000, 0xff),
        ]),
      );
    });
    open.push(server.close);
    const fetched = new Fetched(server.endpoint);
    await fetched.ask(1, 10);
    expect(fetched.numbers).toEqual(upTo(1, 10));
    expect(fetched.client.counts).toMatchObject({
      stalePackets: 1,
      damagedPackets: 2,
      otherSessionPackets: 1,
      duplicatePackets: 1,
      retries: 0,
    });
  });

  it.each<[string, (whole: Buffer) => Buffer, string]>([
    ['inside a header', (whole) => whole.subarray(0, -5), 'inside the header'],
    ['inside a payload', (whole) => whole.subarray(0, 20), 'inside the payload'],
    ['behind a whole frame', (whole) => whole.subarray(0, -12), 'not every number'],
    [
      'with a length that is none',
      () => Buffer.from('7fffffff0000000000000001', 'hex'),
      'longer than any packet',
    ],
    ['with a number near 2^64', () => Buffer.from('00000001ffffffffffffffff61', 'hex'), 'above 2^53'],
    ['with nothing', () => Buffer.alloc(0), 'not every number'],
  ])('asks again for the rest of an answer that ends %s', async (_name, cut, failure) => {
    const asked: string[] = [];
    const server = await hostileServer((socket, question, connection) => {
      asked.push(question);
      const whole = Buffer.concat([frameOf(1, moldPacket(1, 5)), frameOf(0)]);
      socket.end(connection < 2 ? cut(whole) : Buffer.concat([frameOf(1, moldPacket(1, 10)), frameOf(0)]));
    });
    open.push(server.close);
    const fetched = new Fetched(server.endpoint);
    await fetched.ask(1, 10);
    expect(fetched.client.counts.lastFailure).toContain(failure);
    expect(new Set(fetched.numbers)).toEqual(new Set(upTo(1, 10)));
    expect(asked[0]).toBe('REPLAY 1 10\n');
    expect(asked.at(-1)).toMatch(/^REPLAY (1|6) 10\n$/);
    expect(fetched.client.counts).toMatchObject({ failures: 2, retries: 2, fetchedRanges: 1 });
  });

  it('leaves a server that trickles, and one that is silent', async () => {
    const server = await hostileServer((socket, _question, connection) => {
      if (connection > 0) return;
      const timer = setInterval(() => socket.write(Buffer.alloc(1)), 5);
      socket.on('close', () => clearInterval(timer));
    });
    open.push(server.close);
    const fetched = new Fetched(server.endpoint, { ...HASTY, retryAttempts: 2 });
    await fetched.ask(1, 10);
    expect(fetched.lost).toEqual([[1, 10]]);
    expect(server.connections()).toBe(2);
    expect(fetched.client.counts.lastFailure).toContain('nothing useful');
  });

  it('is done with a flood when it has what it wants', async () => {
    const server = await hostileServer((socket) => {
      const chunk = Buffer.concat(Array.from({ length: 500 }, () => frameOf(1, moldPacket(1, 3))));
      const flood = (): void => {
        while (!socket.destroyed && socket.write(chunk));
        if (!socket.destroyed) socket.once('drain', flood);
      };
      flood();
    });
    open.push(server.close);
    const fetched = new Fetched(server.endpoint);
    await fetched.ask(1, 3);
    expect(fetched.numbers).toEqual([1, 2, 3]);
    const left = new Fetched(server.endpoint, { ...HASTY, retryAttempts: 1 });
    await left.ask(4, 1);
    expect(left.lost).toEqual([[4, 1]]);
  });

  it('tells a dead server at once', async () => {
    const fetched = new Fetched(DEAD);
    await fetched.ask(1, 10);
    expect(fetched.lost).toEqual([[1, 10]]);
    expect(fetched.client.counts).toMatchObject({ failures: 3, unrecoverableGaps: 1 });
    expect(fetched.client.counts.lastFailure).toContain('ECONNREFUSED');
  });

  it('asks by UDP again after garbage, silence and half a packet', async () => {
    const server = await hostileUdpServer((socket, _request, from, number) => {
      const answers: Record<number, Buffer> = {
        0: Buffer.from('garbage'),
        2: moldPacket(1, 3).subarray(0, -1),
        3: moldPacket(1, 3, 'OTHER'),
        4: moldPacket(1, 4),
      };
      const answer = number > 4 ? moldPacket(5, 6) : answers[number];
      if (answer !== undefined) socket.send(answer, from.port, from.address);
    });
    open.push(server.close);
    const fetched = new Fetched(server.endpoint, { ...HASTY, retryAttempts: 60 });
    await fetched.ask(1, 10);
    expect(fetched.numbers).toEqual(upTo(1, 10));
    const { counts } = fetched.client;
    expect(counts).toMatchObject({ damagedPackets: 2, otherSessionPackets: 1 });
    expect(counts.failures).toBeGreaterThanOrEqual(4);
  });

  it('writes its backlog', async () => {
    const path = join(folder, 'backlog.txt');
    const server = await serve(TCP);
    const fetched = new Fetched(server.endpoint, { retryAttempts: 1 }, path);
    await fetched.ask(65, 1000);
    await fetched.ask(1501, 10);
    await fetched.client.close();
    const entries = readFileSync(path, 'utf8').trimEnd().split('\n').map(parseBacklogLine);
    expect(entries.map((entry) => [entry!.status, entry!.from, entry!.to])).toEqual([
      ['requested', 65, 1064],
      ['fetched', 65, 1064],
      ['requested', 1501, 1510],
      ['failed', 1501, 1510],
      ['unrecoverable', 1501, 1510],
    ]);
    expect(entries[1]!.fields).toMatchObject({ session: '000010059D', channel: '0' });
  });

  it.each(['udp://1.2.3.4:5', 'tcp://1.2.3.4', 'file', 'tcp://:5', 'mold+udp://h:5?x=1'])(
    'refuses %s',
    (text) => {
      expect(() => new Fetched(text)).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );
});

describe('the index of captures', () => {
  it('keeps the first copy of every number, and knows what is missing', () => {
    expect(captures.index.sessions).toEqual([
      {
        session: '000010059D',
        first: 1,
        last: 2000,
        messages: 1990,
        gaps: [{ from: 1501, to: 1510 }],
        gapCount: 1,
        packets: expect.any(Number),
      },
      { session: 'OTHER', first: 1, last: 3, messages: 3, gaps: [], gapCount: 0, packets: 1 },
    ]);
    expect(captures.index.conflicts).toBe(0);
    expect(captures.index.duplicates).toBeGreaterThan(150);
  });
});
