import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RecoveryCounts } from '../../../../src/core/merge/recovery/counts.ts';
import { Rates } from '../../../../src/core/serve/api/rates.ts';
import { startHttp } from '../../../../src/core/serve/api/start.ts';
import type { HttpServer } from '../../../../src/core/serve/http/server.ts';
import { ROOT } from '../../../world/real-process.ts';
import { type JsonSchema, misfits } from '../../../world/schema-check.ts';
import { apiConfig, NOW, ServedBooks } from '../../../world/serve-context.ts';
import { play, Replays } from '../../simulate/session.ts';

interface Described {
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }>
  >;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
}

const HUGE = 2 ** 53 - 1;

describe('the API', () => {
  const replays = new Replays();
  let server: HttpServer;
  let served: ServedBooks;
  let described: Record<string, Record<string, Described>>;
  let schemas: Record<string, JsonSchema>;

  beforeAll(async () => {
    const { result } = await replays.replayPackets(play({ seed: 9 }).a);
    served = ServedBooks.of(result);
    served.tell({
      lastEvent: HUGE,
      inputs: [{ path: 'a.pcap', bytes: HUGE, total: null }],
      lines: [
        {
          name: 'A',
          groups: ['239.0.0.1:5000'],
          backend: 'mmsg',
          clock: 'software',
          received: 5,
          bytes: HUGE,
          poolFull: 1,
          truncated: 0,
          waiting: 2,
          slots: 64,
          kernelDrops: { socket: 2 },
          skipped: { otherPort: 1 },
          silentMs: null,
        },
      ],
      channels: [
        {
          channel: 0,
          session: 'S1',
          next: HUGE,
          delivered: 4,
          duplicates: 0,
          outOfOrder: 0,
          missing: 1,
          filled: 0,
          lost: 0,
          firstBy: { A: 4 },
        },
      ],
      gaps: [{ channel: 0, session: 'S1', from: HUGE - 1, to: HUGE, state: 'open', by: null }],
      skew: { p50Ns: -3, p99Ns: 40, maxNs: null, samples: 2 },
      recovery: new RecoveryCounts(),
      journal: { lastEvent: HUGE, durableEvent: 1, segments: 1, bytes: HUGE, epoch: '', problem: null },
      taps: [
        {
          name: 'main',
          waitingBytes: 0,
          capacityBytes: 100,
          stalls: 0,
          stalledMs: 0,
          cuts: 1,
          isCut: true,
          skippedEvents: HUGE,
        },
      ],
      anomalies: { unknownDelete: 1 },
    });
    served.connected = [1, 2].map((id) => ({
      id,
      protocol: 'events',
      address: '127.0.0.1:5',
      token: null,
      connectedMs: 1,
      frames: 2,
      bytes: HUGE,
      pendingBytes: 0,
      lag: id * 10,
      skipped: 0,
    }));
    server = await startHttp(apiConfig({ tokens: [{ name: 'ops', token: 'secret' }] }), served, {
      now: () => NOW,
      metrics: { type: 'text/plain; version=0.0.4', text: () => 'up 1\n' },
    });
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      paths: typeof described;
      components: { schemas: typeof schemas };
    };
    described = document.paths;
    schemas = document.components.schemas;
  });
  afterAll(async () => {
    await server.close(1000);
    replays.remove();
  });

  const ask = (path: string, method = 'GET', token = 'secret'): Promise<Response> =>
    fetch(`${server.url}${path}`, { method, headers: { authorization: `Bearer ${token}` } });

  /** What an answer has that its description does not, or the other way round. */
  const strange = async (answer: Response, { responses }: Described): Promise<string[]> => {
    const media = responses[answer.status]?.content;
    if (media === undefined) return [`${answer.status} is not described`];
    const [[type, { schema }]] = Object.entries(media) as [
      [string, { schema: JsonSchema & { $ref?: string } }],
    ];
    if (!answer.headers.get('content-type')!.startsWith(type))
      return [`${answer.headers.get('content-type')}`];
    if (!type.startsWith('application/json')) return [];
    const form = schema.$ref === undefined ? schema : schemas['Problem']!;
    return Object.keys(form).length === 0 ? [] : misfits(form, await answer.json());
  };

  it('is what it says of itself', async () => {
    const symbol = served.there!.books.dictionary.books.find((book) => book.symbol !== null)!.symbol!;
    expect(new Set(Object.keys(described))).toEqual(
      new Set([
        '/api/v1/book/{instrument}',
        '/api/v1/book/{instrument}/clear',
        '/api/v1/clients',
        '/api/v1/instruments',
        '/api/v1/lines',
        '/api/v1/status',
        '/healthz',
        '/live',
        '/metrics',
        '/openapi.json',
        '/ready',
        '/snapshot',
      ]),
    );
    for (const [path, methods] of Object.entries(described)) {
      for (const [method, operation] of Object.entries(methods)) {
        const upper = method.toUpperCase();
        const place = path.replace('{instrument}', encodeURIComponent(symbol));
        expect(await strange(await ask(place, upper), operation), `${upper} ${path}`).toEqual([]);
        const refused = await ask(`${place}?no=1`, upper);
        expect(refused.status, `${upper} ${path} with a parameter that is not described`).toBe(400);
        expect(await strange(refused, operation)).toEqual([]);
        if (operation.responses['401'] === undefined) continue;
        const stranger = await ask(place, upper, 'wrong');
        expect(stranger.status, `${upper} ${path} with a wrong token`).toBe(401);
        expect(await strange(stranger, operation)).toEqual([]);
      }
    }
  });

  it('stands in docs/http.md, with every reason against readiness', () => {
    const page = readFileSync(join(ROOT, 'docs/http.md'), 'utf8');
    for (const [path, methods] of Object.entries(described)) {
      for (const method of Object.keys(methods))
        expect(page).toContain(`\`${method.toUpperCase()} ${path}\``);
    }
    const source = readFileSync(join(ROOT, 'src/core/serve/api/readiness.ts'), 'utf8');
    const codes = [...source.matchAll(/code: '([\w-]+)'|of\('([\w-]+)'|'(line-\w+)'/g)].map(
      ([, ...found]) => found.find((code) => code !== undefined)!,
    );
    expect(codes.length).toBeGreaterThan(10);
    for (const code of codes) expect(page).toContain(`\`${code}\``);
    const configuration = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    for (const [, key] of page.matchAll(/`(?:http|sse|events|ready|security)\.([\w.]+)`/g)) {
      expect(configuration).toContain(`| \`${key}\``);
    }
  });

  it('tells whole 64-bit integers', async () => {
    const lines = await (await ask('/api/v1/lines')).json();
    expect(lines).toMatchObject({
      time: '1760000000000000000',
      lines: [{ bytes: String(HUGE), packets: 5 }],
      channels: [{ next: String(HUGE) }],
      gaps: [{ from: String(HUGE - 1), to: String(HUGE) }],
      skew: { p50Ns: '-3', maxNs: null },
    });
    expect(await (await ask('/api/v1/status')).json()).toMatchObject({ lastEvent: String(HUGE) });
  });

  it('names the clients that are furthest behind first', async () => {
    const { connected, clients } = (await (await ask('/api/v1/clients?limit=1')).json()) as {
      connected: number;
      clients: object[];
    };
    expect(connected).toBe(2);
    expect(clients).toMatchObject([{ id: 2, lag: 20, bytes: String(HUGE) }]);
    expect(await (await ask('/api/v1/clients?protocol=sse')).json()).toEqual({ connected: 2, clients: [] });
  });

  it('describes only health and clients where nothing is stored', async () => {
    const bare = await startHttp(apiConfig({ noStorage: true }), served, { now: () => NOW });
    const { paths } = (await (await fetch(`${bare.url}/openapi.json`)).json()) as { paths: object };
    expect(new Set(Object.keys(paths))).toEqual(
      new Set([
        '/api/v1/clients',
        '/api/v1/lines',
        '/api/v1/status',
        '/healthz',
        '/live',
        '/openapi.json',
        '/ready',
      ]),
    );
    await bare.close(1000);
  });
});

describe('rates', () => {
  const line = { name: 'A', received: 0, bytes: 0, poolFull: 0, kernelDrops: {} };
  const at = (seconds: number, received: number, poolFull = 0): Parameters<Rates['note']>[0] =>
    ({
      time: NOW + seconds * 1000,
      messages: received * 2,
      events: received * 3,
      lines: [{ ...line, received, bytes: received * 100, poolFull, kernelDrops: { socket: poolFull } }],
    }) as never;

  it('are those of the last ten seconds', () => {
    const rates = new Rates();
    expect([rates.ofLine('A'), rates.ofEngine()]).toEqual([null, null]);
    rates.note({ ...at(0, 0), time: 0 });
    rates.note(at(0, 0));
    expect(rates.ofLine('A')).toBeNull();
    rates.note(at(2, 100, 3));
    expect(rates.ofLine('A')).toEqual({ packetsPerSecond: 50, bytesPerSecond: 5000, drops: 6 });
    expect(rates.ofEngine()).toEqual({ messagesPerSecond: 100, eventsPerSecond: 150 });
    rates.note(at(2, 100, 3));
    for (let second = 3; second <= 13; second += 1) rates.note(at(second, 100 + (second - 3) * 10, 3));
    expect(rates.ofLine('A')).toEqual({ packetsPerSecond: 10, bytesPerSecond: 1000, drops: 0 });
    expect(rates.ofLine('B')).toBeNull();
  });
});
