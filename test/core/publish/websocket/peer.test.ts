import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { refuseUpgrade, WebSocketDoor } from '../../../../src/core/publish/websocket/door.ts';
import {
  headerBytes,
  messageOf,
  OPCODE_BINARY,
  writeHeader,
} from '../../../../src/core/publish/websocket/framing.ts';
import { CLOSE_POLICY, CLOSE_SLOW, type WebSocketPeer } from '../../../../src/core/publish/websocket/peer.ts';

const LIMITS = { messageBytes: 1024, messagesPerSecond: 20, writeMs: 250, closeMs: 500 };
const opened: Server[] = [];

afterEach(() => {
  for (const server of opened.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Meeting {
  readonly url: string;
  readonly port: number;
  readonly peer: Promise<WebSocketPeer>;
  readonly told: string[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

async function listen(refusal: number | null = null): Promise<Meeting> {
  const server = createServer();
  opened.push(server);
  const door = new WebSocketDoor({ limits: LIMITS, protocols: ['one.v1'] });
  const told: string[] = [];
  let admitted: (peer: WebSocketPeer) => void;
  let ended: (end: { code: number; reason: string }) => void;
  const peer = new Promise<WebSocketPeer>((resolve) => {
    admitted = resolve;
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ended = resolve;
  });
  server.on('upgrade', (request, socket, head) => {
    if (refusal !== null) {
      refuseUpgrade(socket, refusal, 'not today');
      return;
    }
    door.admit(request, socket, head, ['x-epoch: 7'], (open) => {
      open.handle({
        message: (bytes, isBinary) => told.push(`${isBinary ? 'binary' : 'text'} ${bytes}`),
        drained: () => told.push('drained'),
        closed: (code, reason) => ended({ code, reason }),
      });
      admitted(open);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/ws`, port, peer, told, closed };
}

describe('a WebSocket that is written ready-made messages', () => {
  test('brings several messages of one write to a client one by one, and takes its messages and pings', async () => {
    const { url, peer, told, closed } = await listen();
    const client = new WebSocket(url, ['other', 'one.v1']);
    const messages: Buffer[] = [];
    client.on('message', (data) => messages.push(data as Buffer));
    const [[answer]] = await Promise.all([once(client, 'upgrade'), once(client, 'open')]);
    expect(answer.headers['x-epoch']).toBe('7');
    expect(client.protocol).toBe('one.v1');
    const server = await peer;
    const payloads = [1, 125, 126, 65_535, 65_536].map((length) => Buffer.alloc(length, length & 255));
    server.write(Buffer.concat(payloads.map((payload) => messageOf(payload, OPCODE_BINARY))));
    server.sendText('the last');
    while (messages.length < 6) await once(client, 'message');
    expect(messages.slice(0, 5).map((bytes, at) => bytes.equals(payloads[at]!))).toEqual(Array(5).fill(true));
    expect(messages[5]!.toString()).toBe('the last');
    client.ping('are you there');
    expect(String((await once(client, 'pong'))[0])).toBe('are you there');
    client.send('hello');
    client.close(1000, 'bye');
    expect(await closed).toEqual({ code: 1000, reason: 'bye' });
    expect(told).toContain('text hello');
    expect(server.pendingBytes).toBe(0);
  });

  test('refuses with an HTTP status and a reason in front of the upgrade', async () => {
    const refused = new WebSocket((await listen(503)).url);
    refused.on('error', () => {});
    const [, response] = await once(refused, 'unexpected-response');
    expect(response.statusCode).toBe(503);
    expect(String((await response.toArray())[0])).toBe('not today\n');
  });

  test('refuses what is no handshake', async () => {
    const { port } = await listen();
    const request = get({ port, headers: { connection: 'upgrade', upgrade: 'websocket' } });
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(400);
    response.resume();
  });

  test('closes a client that takes nothing with a code, lets go of its bytes, and cuts it when even that is not taken', async () => {
    const { port, peer, closed } = await listen();
    const client = connect(port, '127.0.0.1');
    stall(client);
    const server = await peer;
    const bytes = messageOf(Buffer.alloc(1 << 20), OPCODE_BINARY);
    let taken = 0;
    while (taken < 40 && server.pendingBytes === 0) {
      taken += 1;
      server.write(bytes);
      await new Promise(setImmediate);
    }
    let released = 0;
    server.write(bytes, () => {
      released += 1;
    });
    // Whatever still goes into the buffers of the system has gone when nothing moves for 250 ms of the clock that is passed.
    let now = 0;
    for (; server.isOpen && now < 100_000; now += 50) {
      server.check(now);
      await new Promise(setImmediate);
    }
    expect((await closed).code).toBe(CLOSE_SLOW);
    expect(released).toBe(1);
    expect(server.pendingBytes).toBe(0);
    client.destroy();
  });

  test('closes a client that talks too much, and one whose message is too long', async () => {
    const flooded = await listen();
    const flooder = new WebSocket(flooded.url);
    await once(flooder, 'open');
    for (let message = 0; message < 40; message += 1) flooder.ping();
    expect((await once(flooder, 'close'))[0]).toBe(CLOSE_POLICY);
    const other = await listen();
    const talker = new WebSocket(other.url);
    await once(talker, 'open');
    talker.send(Buffer.alloc(2000));
    expect((await once(talker, 'close'))[0]).toBe(1009);
  });
});

test('a header of every length is what the standard says', () => {
  for (const [length, expected] of [
    [5, [0x82, 5]],
    [126, [0x82, 126, 0, 126]],
    [65_535, [0x82, 126, 255, 255]],
    [0x1_2345, [0x82, 127, 0, 0, 0, 0, 0, 1, 0x23, 0x45]],
  ] as const) {
    const bytes = new Uint8Array(headerBytes(length));
    expect(writeHeader(bytes, 0, OPCODE_BINARY, length)).toBe(bytes.length);
    expect([...bytes]).toEqual([...expected]);
  }
});

/** Upgrades and then reads nothing. */
function stall(client: Socket): void {
  client.pause();
  client.on('error', () => {});
  client.write(
    'GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
      'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
}
