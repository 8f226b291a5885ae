import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SERVE_DEFAULTS } from '../../../src/core/config/serve-defaults.ts';
import { Serve } from '../../../src/core/serve/server.ts';
import { play } from '../../core/simulate/session.ts';
import { PseudoTerminal } from '../../world/pseudo-terminal.ts';
import { mdx } from '../../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-top-'));
const TOKEN = 'a-token-of-tests-that-is-long';
let serve: Serve;
let stranger: Server;

beforeAll(async () => {
  const capture = join(folder, 'session.pcap');
  writeFileSync(capture, play({ seed: 5, profile: { messages: 2000 } }).a);
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
  serve = await Serve.start({
    version: '9.8.7',
    config: {
      ...SERVE_DEFAULTS,
      source: { ...SERVE_DEFAULTS.source, inputs: [capture] },
      http: { ...SERVE_DEFAULTS.http, listen: '127.0.0.1:0' },
      security: { ...SERVE_DEFAULTS.security, tokens: [{ name: 'tests', token: TOKEN }] },
      rawV1: { ...SERVE_DEFAULTS.rawV1, a: null, b: null },
    },
    tell: () => {},
  });
  stranger = createServer((_, response) => response.end('hello'));
  stranger.listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  while (serve.status.state !== 'ended') await new Promise((resolve) => setTimeout(resolve, 10));
});

afterAll(async () => {
  stranger.close();
  serve.stop();
  await serve.ended;
  rmSync(folder, { recursive: true });
});

describe('mdx top', () => {
  test('prints how a server is, in one look', async () => {
    const { code, stdout, stderr } = await mdx(['top', serve.url, '--token-file', join(folder, 'token')]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^mdx serve 9\.8\.7 at http:\/\/127\.0\.0\.1:\d+ {2}(ready|not ready)\n/);
    expect(stdout).toContain('itch-5.0');
    expect(stdout).toMatch(/^books \d+ · orders [\d,]+ · levels [\d,]+ · 0 stale/m);
    expect(stdout).toMatch(/^book +engine +taken up +\d/m);
    expect(stdout).toMatch(/^engine +\d+ % /m);
    expect(stdout).toMatch(/^no clients$/m);
  });

  test('shows it on a terminal, and gives that back', async () => {
    const terminal = new PseudoTerminal(['top', serve.url, '--token-file', join(folder, 'token')], 100, 30);
    await terminal.until((lines) => lines.some((line) => line.startsWith('mdx serve 9.8.7')));
    expect(terminal.isOther).toBe(true);
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
    expect(terminal.isOther).toBe(false);
    expect(terminal.modes).toEqual(['echo', 'icanon']);
  });

  test('says what is wrong: no token, no server, none of ours, no address', async () => {
    const { port } = stranger.address() as AddressInfo;
    const cases: readonly (readonly [url: string, code: number, text: RegExp])[] = [
      [serve.url, 2, /it wants a token/],
      [`http://127.0.0.1:${port}`, 2, /the answer is none of mdx serve/],
      ['ftp://127.0.0.1', 2, /no address of a server/],
    ];
    for (const [url, code, text] of cases) {
      const result = await mdx(['top', url]);
      expect(result.stderr).toMatch(text);
      expect(result.code).toBe(code);
    }
  });
});
