import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import { startHttp } from '../../../../src/core/serve/api/start.ts';
import { certificateWarning, readCertificate } from '../../../../src/core/serve/http/certificate.ts';
import {
  json,
  type Route,
  type StreamSession,
  type StreamSink,
} from '../../../../src/core/serve/http/route.ts';
import type { HttpServer } from '../../../../src/core/serve/http/server.ts';
import { parseTarget } from '../../../../src/core/serve/http/target.ts';
import { RawClient, statuses } from '../../../world/raw-http.ts';
import { ROOT } from '../../../world/real-process.ts';
import { apiConfig, NOW, ServedBooks, type Wanted } from '../../../world/serve-context.ts';

let server: HttpServer;
const failures: string[] = [];
afterEach(async () => {
  await server.close(1000);
  failures.length = 0;
});

async function serve(wanted: Wanted = {}, routes: readonly Route[] = []): Promise<void> {
  server = await startHttp(apiConfig(wanted), new ServedBooks(), {
    now: () => NOW,
    routes,
    onFailure: (error, what) => failures.push(`${what}: ${(error as Error).message}`),
    upgrades: {
      '/api/ws': (_, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
      '/api/held': (_, socket) => {
        socket.on('error', () => {});
        socket.on('end', () => socket.end());
        socket.resume();
        socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      },
    },
  });
}

const request = (line: string, headers = '', body = ''): string =>
  `${line}\r\nHost: localhost\r\n${headers}\r\n${body}`;
const CLOSE = 'Connection: close\r\n';
const head = { parameters: [], summary: '', access: 'read', answers: {} } as const;

describe('a request', () => {
  it.each<[string, string, number[]]>([
    ['is no HTTP', 'hello\r\n\r\n', [400]],
    ['is TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', [400]],
    ['has no host', 'GET /live HTTP/1.1\r\nConnection: close\r\n\r\n', [400]],
    [
      'has two lengths',
      request('POST /snapshot HTTP/1.1', 'Content-Length: 1\r\nContent-Length: 2\r\n', 'a'),
      [400],
    ],
    [
      'has a length and chunks',
      request('POST /snapshot HTTP/1.1', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
      [400],
    ],
    ['has a negative length', request('POST /snapshot HTTP/1.1', 'Content-Length: -1\r\n'), [400]],
    ['has a header of too many bytes', request('GET /live HTTP/1.1', `X: ${'x'.repeat(9000)}\r\n`), [431]],
    ['has a target that is too long', request(`GET /${'x'.repeat(5000)} HTTP/1.1`, CLOSE), [414]],
    ['has a badly encoded target', request('GET /api/v1/book/%ff HTTP/1.1', CLOSE), [400]],
    ['steps upwards', request('GET /api/../live HTTP/1.1', CLOSE), [400]],
    ['steps upwards in disguise', request('GET /api/%2e%2e/live HTTP/1.1', CLOSE), [400]],
    ['names a control character', request('GET /api/v1/book/%00 HTTP/1.1', CLOSE), [400]],
    ['has a method of its own', request('PURGE /live HTTP/1.1', CLOSE), [405]],
    ['would delete', request('DELETE /api/v1/clients HTTP/1.1', CLOSE), [405]],
    ['would tunnel', request('CONNECT localhost:22 HTTP/1.1', CLOSE), []],
    ['brings a document to a GET', request('GET /live HTTP/1.1', 'Content-Length: 3\r\n', 'abc'), [413]],
    ['names the whole address', request('GET http://localhost/live HTTP/1.1', CLOSE), [200]],
    ['asks for everything', request('OPTIONS * HTTP/1.1', CLOSE), [400]],
    ['would be HTTP/2', request('GET /live HTTP/1.1', 'Connection: Upgrade\r\nUpgrade: h2c\r\n'), [404]],
    [
      'would be a WebSocket elsewhere',
      request('GET /ws HTTP/1.1', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'),
      [404],
    ],
    ['forgets to ask for a WebSocket', request('GET /api/ws HTTP/1.1', CLOSE), [426]],
    [
      'would be a WebSocket',
      request('GET /api/ws HTTP/1.1', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'),
      [101],
    ],
  ])('that %s is answered in order', async (_, bytes, expected) => {
    await serve();
    expect(statuses(await RawClient.ask(server.port, bytes))).toEqual(expected);
    expect((await fetch(`${server.url}/live`)).status).toBe(200);
    expect(failures).toEqual([]);
  });

  it('is answered once, and those behind it in their order', async () => {
    await serve();
    const one = request('GET /live HTTP/1.1');
    const heard = await RawClient.ask(server.port, one.repeat(20) + request('GET /nothing HTTP/1.1', CLOSE));
    expect(statuses(heard)).toEqual([...new Array(20).fill(200), 404]);
  });

  it('for a head gets the head', async () => {
    await serve();
    const heard = await RawClient.ask(server.port, request('HEAD /healthz HTTP/1.1', CLOSE));
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*content-length: [1-9]\d*\r\n(.+\r\n)*\r\n$/i);
  });

  it('that meets a fault of ours is told so, and no more', async () => {
    const handle = (): never => {
      throw new Error('inner secret');
    };
    await serve({}, [{ ...head, method: 'GET', path: '/broken', handle }]);
    const answer = await fetch(`${server.url}/broken`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    expect(failures).toEqual(['GET /broken: inner secret']);
    expect(server.counts.failures).toBe(1);
  });

  it('whose document is too large is refused before it has come', async () => {
    await serve({ tokens: [{ name: 'a', token: 'a' }] });
    const client = await RawClient.to(server.port);
    const headers = 'Authorization: Bearer a\r\nContent-Type: application/json\r\n';
    client.say(request('POST /api/v1/book/A/clear HTTP/1.1', `${headers}Content-Length: 1000000\r\n`, '{'));
    expect(statuses(await client.heard)).toEqual([413]);
    const chunked = await RawClient.to(server.port);
    const chunk = `400\r\n${' '.repeat(1024)}\r\n`;
    chunked.say(request('POST /api/v1/book/A/clear HTTP/1.1', `${headers}Transfer-Encoding: chunked\r\n`));
    chunked.say(chunk + chunk);
    expect(statuses(await chunked.heard)).toEqual([413]);
    const packed = `${headers}Content-Encoding: gzip\r\nContent-Length: 4\r\n`;
    const heard = await RawClient.ask(
      server.port,
      request('POST /api/v1/book/A/clear HTTP/1.1', packed, 'abcd'),
    );
    expect(statuses(heard)).toEqual([415]);
  });

  it('that does not come whole in time is given up', async () => {
    await serve({ requestTimeoutMs: 50 });
    expect(statuses(await RawClient.ask(server.port, 'GET /live HTTP/1.1\r\n'))).toEqual([408]);
  });

  it('of a connection that is idle is not waited for', async () => {
    await serve({ idleTimeoutMs: 20 });
    expect(await RawClient.ask(server.port, '')).toBe('');
  });
});

describe('connections', () => {
  it('beyond the limit are closed unheard, and counted', async () => {
    await serve({ maxConnections: 2 });
    const kept = [await RawClient.to(server.port), await RawClient.to(server.port)];
    for (const client of kept) {
      client.say(request('GET /live HTTP/1.1'));
      await client.hears(/OK\n$/);
    }
    expect(await RawClient.ask(server.port, request('GET /live HTTP/1.1'))).toBe('');
    expect(server.counts.refusedConnections).toBe(1);
    kept[0]!.socket.destroy();
    await kept[0]!.heard;
    kept[1]!.say(request('GET /live HTTP/1.1', CLOSE));
    expect(statuses(await kept[1]!.heard)).toEqual([200, 200]);
  });

  it('that became something else have limits of their own', async () => {
    await serve({ maxConnections: 1, maxUpgrades: 1, maxStreams: 1 }, [
      {
        ...head,
        method: 'GET',
        path: '/stream',
        streams: 'text/event-stream',
        open: () => ({ closed() {} }),
      },
    ]);
    const upgrade = request('GET /api/held HTTP/1.1', 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
    const webSocket = await RawClient.to(server.port);
    webSocket.say(upgrade);
    await webSocket.hears(/101 Switching/);
    expect(statuses(await RawClient.ask(server.port, upgrade))).toEqual([503]);
    const stream = await RawClient.to(server.port);
    stream.say(request('GET /stream HTTP/1.1'));
    await stream.hears(/event-stream/);
    expect(statuses(await RawClient.ask(server.port, request('GET /stream HTTP/1.1', CLOSE)))).toEqual([503]);
    expect(statuses(await RawClient.ask(server.port, request('GET /live HTTP/1.1', CLOSE)))).toEqual([200]);
    for (const { socket, heard } of [webSocket, stream]) {
      socket.destroy();
      await heard;
    }
    while (server.counts.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    const again = await RawClient.to(server.port);
    again.say(upgrade);
    await again.hears(/101 Switching/);
    again.socket.destroy();
  });

  it('with an answer that nobody takes do not pile up without bound', async () => {
    const big = { text: 'x'.repeat(24 * 1024 * 1024) };
    await serve({}, [{ ...head, method: 'GET', path: '/big', handle: () => json(big) }]);
    const clients: RawClient[] = [];
    for (let at = 0; at < 3; at += 1) {
      const client = await RawClient.to(server.port);
      client.socket.pause();
      client.say(request('GET /big HTTP/1.1'));
      clients.push(client);
    }
    // The three answers are made one after the other; the fourth request is behind them.
    while (server.counts.answers[2]! < 3) await fetch(`${server.url}/nothing`);
    expect((await fetch(`${server.url}/big`)).status).toBe(503);
    expect(server.counts.overloaded).toBe(1);
    for (const { socket, heard } of clients) {
      socket.destroy();
      await heard;
    }
  });
});

describe('streams', () => {
  const sinks: StreamSink[] = [];
  const told: string[] = [];
  const session: StreamSession = { closed: () => told.push('closed'), drained: () => told.push('drained') };
  const route: Route = {
    ...head,
    method: 'GET',
    path: '/stream',
    streams: 'text/event-stream',
    open(_, sink) {
      sinks.push(sink);
      sink.write(Buffer.from(': hello\n\n'));
      return session;
    },
  };

  it('leave at once, end with the server, and tell their owner once', async () => {
    await serve({ idleTimeoutMs: 300, corsOrigins: ['*'] }, [route]);
    const client = await RawClient.to(server.port);
    client.say(request('GET /stream HTTP/1.1'));
    const heard = await client.hears(/: hello\n\n/);
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    for (const line of [
      'content-type: text/event-stream',
      'cache-control: no-store',
      'access-control-allow-origin: *',
    ]) {
      expect(heard).toContain(line);
    }
    expect(heard).not.toMatch(/content-encoding/i);
    // A connection that is idle is closed before the stream, which only has nothing to say.
    expect(await RawClient.ask(server.port, '')).toBe('');
    expect(server.streams).toBe(1);
    sinks.at(-1)!.write(Buffer.from('data: 1\n\n'));
    await client.hears(/data: 1\n\n/);
    await server.close(1000);
    await client.heard;
    // Small pieces are taken, too, and their writer told.
    expect(new Set(told.slice(0, -1))).toEqual(new Set(['drained']));
    expect(told.at(-1)).toBe('closed');
    expect(server.streams).toBe(0);
    sinks.at(-1)!.write(Buffer.from('late'));
    told.length = 0;
  });

  it('tell how much waits, and when nothing does any longer', async () => {
    await serve({}, [route]);
    const client = await RawClient.to(server.port);
    client.say(request('GET /stream HTTP/1.1'));
    await client.hears(/hello/);
    client.socket.pause();
    const sink = sinks.at(-1)!;
    const piece = Buffer.alloc(1 << 20, 'x');
    while (sink.pendingBytes < 4 << 20) sink.write(piece);
    client.socket.resume();
    while (sink.pendingBytes > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(told).toContain('drained');
    told.length = 0;
    const gone = new Promise<void>((resolve) => {
      (session as { closed: () => void }).closed = resolve;
    });
    client.socket.destroy();
    await gone;
    expect(server.streams).toBe(0);
  });
});

describe('TLS', () => {
  const certificate = `${ROOT}/test/world/tls/certificate.pem`;
  const key = `${ROOT}/test/world/tls/key.pem`;

  it('is spoken where there is a certificate', async () => {
    await serve({ tls: { certificate, key } });
    expect(server.url).toMatch(/^https:/);
    const asked = get(`https://localhost:${server.port}/live`, {
      ca: readFileSync(certificate),
      agent: false,
      lookup: (_, options, callback) =>
        (options as { all?: boolean }).all === true
          ? (callback as (error: null, list: object[]) => void)(null, [{ address: '127.0.0.1', family: 4 }])
          : callback(null, '127.0.0.1', 4),
    });
    const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }];
    expect(answer.statusCode).toBe(200);
    answer.resume();
    expect(await RawClient.ask(server.port, request('GET /live HTTP/1.1'))).toBe('');
    expect(server.counts.malformed).toBe(1);
  });

  it('says what is wrong with its files', async () => {
    await serve();
    const start = (tls: { certificate: string; key: string }): Promise<HttpServer> =>
      startHttp(apiConfig({ tls }), new ServedBooks());
    await expect(start({ certificate: '/no/such.pem', key })).rejects.toMatchObject({
      code: 'input-missing',
    });
    await expect(start({ certificate: ROOT, key })).rejects.toMatchObject({ code: 'input-unreadable' });
    await expect(start({ certificate: key, key: certificate })).rejects.toMatchObject({ code: 'usage' });
  });

  it.each([
    ['2026-11-20', 'the certificate begins on 2026-11-28: clients refuse it until then'],
    ['2027-01-01', null],
    ['2126-10-30', 'the certificate ends on 2126-11-04'],
    ['2126-11-05', 'the certificate ended on 2126-11-04: clients refuse it'],
  ])('is judged on %s by the days that its certificate is valid for', (date, warning) => {
    const read = readCertificate({ certificate, key })!;
    expect(certificateWarning(read, Date.parse(date))).toBe(warning);
  });
});

describe('a request target', () => {
  it.each([
    ['/', { segments: [''], query: [] }],
    [
      '/a/b%2Fc?d=%26&e&d=+',
      {
        segments: ['a', 'b/c'],
        query: [
          ['d', '&'],
          ['e', ''],
          ['d', ' '],
        ],
      },
    ],
    ['/__proto__?constructor=1', { segments: ['__proto__'], query: [['constructor', '1']] }],
    ['HTTP://host:80/a', { segments: ['a'], query: [] }],
    ['', null],
    ['*', null],
    ['//..', null],
    ['/%', null],
    ['/%ed%a0%80', null],
    ['/a?%', null],
    [`/${'a/'.repeat(20)}`, null],
    [`/?${'a&'.repeat(40)}`, null],
  ])('%s is read or refused', (text, expected) => {
    expect(parseTarget(text)).toEqual(expected);
  });
});
