import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import * as frames from '../core/feeds/raw-v1/frames.ts';
import { recordingOf } from '../world/raw-v1-client.ts';
import { mdx } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-raw-v1-'));
const said = { epoch: 5n, next: 0n };
const sent = [
  frames.control(3, said),
  frames.control(4, said),
  frames.add({ instrument: 7n, sequence: 1n, cursor: 0n }, 1n, 10_050_000_000n, 5n),
  frames.execute({ instrument: 7n, sequence: 2n, cursor: 1n }, 1n, 2n, 10_050_000_000n),
];
let server: WebSocketServer;
let url = '';

/** Lets in who has the token, sends what there is, and has ended. */
beforeAll(async () => {
  server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: ({ req }: { req: { headers: { authorization?: string | undefined } } }) =>
      req.headers.authorization === 'Bearer open-sesame',
  });
  server.on('connection', (socket) => {
    for (const bytes of sent) socket.send(bytes);
    socket.close(1000);
  });
  await once(server, 'listening');
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test('rx records what a server sends, and replay makes books of it', async () => {
  const token = join(folder, 'token');
  const file = join(folder, 'frames.bin');
  writeFileSync(token, 'open-sesame\n');
  const rx = await mdx(['rx', url, url, '-o', file, '--token-file', token]);
  expect(rx).toMatchObject({ code: 0, stdout: `${file}: 4 frames, 315 bytes\n` });
  expect(rx.stderr).toContain('the server has no more; snapshots 1, reconnects 0');
  expect(readFileSync(file)).toEqual(recordingOf(sent));
  const replay = await mdx(['replay', file, '--json']);
  expect(replay.code).toBe(0);
  expect(JSON.parse(replay.stdout)).toMatchObject({
    inputs: [{ format: 'raw-v1' }],
    sequence: { channels: [{ session: '0000000000000005', first: '1', last: '2' }] },
    instruments: [{ instrument: '7', bid: { price: '100.50000000', quantity: '3' } }],
  });
});

test('who has no token is told where to put it', async () => {
  const book = await mdx(['book', url]);
  expect(book.code).toBe(2);
  expect(book.stderr).toContain('the server answers 401');
  expect(book.stderr).toContain('MDX_TOKEN');
});
