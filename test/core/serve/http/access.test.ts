import { afterEach, describe, expect, it } from 'vitest';
import { startHttp } from '../../../../src/core/serve/api/start.ts';
import type { HttpServer } from '../../../../src/core/serve/http/server.ts';
import { Tokens } from '../../../../src/core/serve/http/tokens.ts';
import { RawClient, statuses } from '../../../world/raw-http.ts';
import { apiConfig, NOW, ServedBooks, type Wanted } from '../../../world/serve-context.ts';
import { play, Replays } from '../../simulate/session.ts';

const TOKENS = [
  { name: 'ops', token: 'o'.repeat(32) },
  { name: 'desk', token: 'd'.repeat(32) },
];

let server: HttpServer;
afterEach(() => server.close(1000));

async function serve(wanted: Wanted, served: ServedBooks = new ServedBooks()): Promise<ServedBooks> {
  server = await startHttp(apiConfig(wanted), served, { now: () => NOW });
  return served;
}

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(`${server.url}${path}`, { method, headers });

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('a listening address', () => {
  it.each([['0.0.0.0:0'], ['[::]:0']])('%s that others can reach needs tokens', async (listen) => {
    await serve({});
    await expect(startHttp(apiConfig({ listen }), new ServedBooks())).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('there are no tokens'),
    });
  });

  it.each([[{ insecure: true }], [{ tokens: TOKENS }]])('is allowed with %o', async (wanted) => {
    await serve({ listen: '0.0.0.0:0', ...wanted });
    expect((await fetch(`http://127.0.0.1:${server.port}/live`)).status).toBe(200);
  });

  it.each([['9100'], ['127.0.0.1'], [':9100'], ['127.0.0.1:99999'], ['a?b:1'], ['']])(
    '%j is none',
    async (listen) => {
      await serve({});
      await expect(startHttp(apiConfig({ listen }), new ServedBooks())).rejects.toMatchObject({
        code: 'usage',
      });
    },
  );

  it('that is in use is said to be', async () => {
    await serve({});
    const taken = startHttp(apiConfig({ listen: `127.0.0.1:${server.port}` }), new ServedBooks());
    await expect(taken).rejects.toMatchObject({ code: 'socket-busy' });
    const nowhere = startHttp(apiConfig({ listen: '192.0.2.1:0', insecure: true }), new ServedBooks());
    await expect(nowhere).rejects.toMatchObject({ code: 'socket-refused' });
  });
});

describe('tokens', () => {
  it('open everything but health, which is open anyway', async () => {
    await serve({ tokens: TOKENS });
    for (const path of ['/live', '/healthz', '/openapi.json']) expect((await ask(path)).status).toBe(200);
    for (const headers of [{}, bearer('x'), bearer(`${'o'.repeat(32)}x`), { authorization: 'Basic b29w' }]) {
      const answer = await ask('/api/v1/clients', headers);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="mdx"');
    }
    for (const { token } of TOKENS) expect((await ask('/api/v1/clients', bearer(token))).status).toBe(200);
    expect(server.counts.unauthorized).toBe(4);
  });

  it('can be exchanged while it runs', async () => {
    await serve({ tokens: TOKENS });
    const config = apiConfig({ tokens: [{ name: 'new', token: 'n'.repeat(32) }] });
    server.reload({ ...config, certificate: null });
    expect((await ask('/api/v1/clients', bearer('o'.repeat(32)))).status).toBe(401);
    expect((await ask('/api/v1/clients', bearer('n'.repeat(32)))).status).toBe(200);
  });

  it('are told apart whatever stands in front of them', () => {
    const tokens = new Tokens(TOKENS);
    expect(tokens.nameOf(`Bearer ${TOKENS[1]!.token}`)).toBe('desk');
    expect(tokens.nameOf(`bearer   ${TOKENS[0]!.token} `)).toBe('ops');
    for (const other of [undefined, '', 'Bearer', 'Bearer ', `Bearer${TOKENS[0]!.token}`, 'Bearer a b']) {
      expect(tokens.nameOf(other)).toBeNull();
    }
    expect(new Tokens([{ name: 'a', token: '' }]).nameOf('Bearer ')).toBeNull();
    expect(new Tokens([]).nameOf('Bearer x')).toBeNull();
  });
});

describe('what changes something', () => {
  const replays = new Replays();
  const withBooks = async (wanted: Wanted): Promise<ServedBooks> => {
    const { result } = await replays.replayPackets(play({ seed: 3 }).a);
    return serve(wanted, ServedBooks.of(result));
  };
  const post = (path: string, headers: Record<string, string> = {}, body?: string): Promise<Response> =>
    fetch(`${server.url}${path}`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });

  it('is asked for by POST, and done for somebody who is known', async () => {
    const served = await withBooks({ tokens: TOKENS });
    const { symbol, number } = served.there!.books.dictionary.books.find((book) => book.symbol !== null)!;
    const path = `/api/v1/book/${symbol}/clear`;
    expect((await post(path)).status).toBe(401);
    const got = await ask(path, bearer(TOKENS[0]!.token));
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    expect(served.commands).toEqual([]);
    const done = await post(path, bearer(TOKENS[1]!.token));
    expect([done.status, await done.json()]).toEqual([202, { done: 'done' }]);
    const typed = { ...bearer(TOKENS[0]!.token), 'content-type': 'application/json' };
    expect((await post(path, typed, '{"reason":"bad\\nprint"}')).status).toBe(202);
    expect(served.commands).toEqual([
      { kind: 'clear', book: number, by: 'desk' },
      { kind: 'clear', book: number, by: 'ops: bad print' },
    ]);
    expect((await post('/api/v1/book/NOSUCH/clear', bearer(TOKENS[1]!.token))).status).toBe(404);
  });

  it.each([
    ['[]', 400],
    ['1', 400],
    ['null', 400],
    ['{"reason":1}', 400],
    ['{"why":"x"}', 400],
    ['{"__proto__":{"reason":"x"}}', 400],
    [`{"reason":"${'x'.repeat(201)}"}`, 400],
    ['{"reason":', 400],
    [`{"reason":"${'x'.repeat(2000)}"}`, 413],
  ])('takes no document like %s', async (document, status) => {
    const served = await withBooks({ tokens: TOKENS });
    const { instrument } = served.there!.books.dictionary.books[0]!;
    const headers = { ...bearer(TOKENS[0]!.token), 'content-type': 'application/json' };
    const answer = await post(`/api/v1/book/${instrument}/clear`, headers, document);
    expect(answer.status).toBe(status);
    expect(served.commands).toEqual([]);
    expect(({} as Record<string, unknown>)['reason']).toBeUndefined();
  });

  it('needs a token also where none is configured; an image of the books does not', async () => {
    const served = await withBooks({});
    const { instrument } = served.there!.books.dictionary.books[0]!;
    expect((await post(`/api/v1/book/${instrument}/clear`)).status).toBe(403);
    expect((await post('/snapshot')).status).toBe(202);
    served.answer = { ok: false, text: 'nothing is kept on disk' };
    const refused = await post('/snapshot');
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ error: { message: 'nothing is kept on disk' } });
    expect(served.commands).toEqual([{ kind: 'snapshot' }, { kind: 'snapshot' }]);
  });

  it('is not done for pages of other sites', async () => {
    const served = await withBooks({ corsOrigins: ['https://desk.example'] });
    expect((await post('/snapshot', { origin: 'https://evil.example' })).status).toBe(403);
    expect(served.commands).toEqual([]);
    for (const origin of ['https://desk.example', server.url]) {
      expect((await post('/snapshot', { origin })).status).toBe(202);
    }
  });
});

describe('pages', () => {
  it('of other sites may read where they are listed', async () => {
    await serve({ corsOrigins: ['https://desk.example'], tokens: TOKENS });
    const preflight = (origin: string): Promise<Response> => ask('/api/v1/clients', { origin }, 'OPTIONS');
    const listed = await preflight('https://desk.example');
    expect(listed.status).toBe(204);
    expect(Object.fromEntries(listed.headers)).toMatchObject({
      allow: 'GET, HEAD, OPTIONS',
      'access-control-allow-origin': 'https://desk.example',
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID',
      'access-control-max-age': '600',
      vary: 'Origin',
    });
    const other = await preflight('https://evil.example');
    expect([other.headers.get('access-control-allow-origin'), other.headers.get('vary')]).toEqual([
      null,
      'Origin',
    ]);
    // A page must see why it was refused.
    const refused = await ask('/api/v1/clients', { origin: 'https://desk.example' });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([
      401,
      'https://desk.example',
    ]);
  });

  it('of all sites may with *, of none without a list', async () => {
    await serve({ corsOrigins: ['*'] });
    expect(
      (await ask('/live', { origin: 'https://a.example' })).headers.get('access-control-allow-origin'),
    ).toBe('*');
    await server.close(1000);
    await serve({});
    const plain = await ask('/live', { origin: 'https://a.example' });
    expect(plain.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('whose name was pointed at this machine are not answered', async () => {
    await serve({});
    const by = async (host: string): Promise<number[]> =>
      statuses(
        await RawClient.ask(
          server.port,
          `GET /api/v1/clients HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        ),
      );
    for (const host of [
      'evil.example',
      'evil.example:80',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '[',
    ]) {
      expect(await by(host), host).toEqual([421]);
    }
    for (const host of ['localhost', 'localhost:9100', '127.0.0.1:9100', '[::1]:9100', 'mdx.localhost']) {
      expect(await by(host), host).toEqual([200]);
    }
    await server.close(1000);
    await serve({ tokens: TOKENS });
    expect(await by('desk.example'), 'where tokens tell who asks').toEqual([401]);
  });
});
