import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHttp } from '../../../../src/core/serve/api/start.ts';
import type { StreamRequest } from '../../../../src/core/serve/api/stream.ts';
import type { HttpServer } from '../../../../src/core/serve/http/server.ts';
import { RawClient, statuses } from '../../../world/raw-http.ts';
import { apiConfig, NOW, ServedBooks } from '../../../world/serve-context.ts';

describe('streams of server-sent events', () => {
  const asked: StreamRequest[] = [];
  let server: HttpServer;

  beforeAll(async () => {
    server = await startHttp(apiConfig(), new ServedBooks(), {
      now: () => NOW,
      streams: {
        open(request, sink) {
          asked.push(request);
          if (request.lastEventId === 'gone') return { status: 410, code: 'gone', message: 'not kept' };
          sink.write(Buffer.from('id: 1\ndata: {}\n\n'));
          sink.end();
          return { closed() {} };
        },
      },
    });
  });
  afterAll(() => server.close(1000));

  const ask = async (path: string, id = ''): Promise<string> => {
    const header = id === '' ? '' : `Last-Event-ID: ${id}\r\n`;
    return RawClient.ask(
      server.port,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${header}\r\n`,
    );
  };

  it('are opened with what was asked for', async () => {
    const heard = await ask(
      '/api/v1/stream/depth?instruments=A,B%2FC,&sources=X&depth=3&conflate_ms=100',
      'k3f9.12',
    );
    expect(statuses(heard)).toEqual([200]);
    expect(heard).toContain('id: 1\ndata: {}\n\n');
    expect(asked.at(-1)).toMatchObject({
      kind: 'depth',
      instruments: ['A', 'B/C'],
      sources: ['X'],
      depth: 3,
      conflateMs: 100,
      lastEventId: 'k3f9.12',
      token: null,
    });
    await ask('/api/v1/stream/bbo');
    expect(asked.at(-1)).toMatchObject({
      instruments: [],
      sources: [],
      depth: 10,
      conflateMs: 0,
      lastEventId: null,
    });
  });

  it.each([
    ['/api/v1/stream/bars', '', 400],
    ['/api/v1/stream/bbo?depth=0', '', 400],
    ['/api/v1/stream/bbo?conflate_ms=60001', '', 400],
    ['/api/v1/stream/bbo', 'x'.repeat(65), 400],
    ['/api/v1/stream/bbo', 'a b', 400],
    ['/api/v1/stream/bbo', 'gone', 410],
    ['/api/v1/stream/', '', 404],
  ])('GET %s with the id %j is refused: %i', async (path, id, status) => {
    expect(statuses(await ask(path, id))).toEqual([status]);
  });

  it('have a head without a stream', async () => {
    const before = asked.length;
    const answer = await fetch(`${server.url}/api/v1/stream/bbo`, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(asked.length).toBe(before);
  });
});
