import { connect } from 'node:net';
import { Random } from '../../src/core/binary/random.ts';
import { sendCut } from './cut-send.ts';

/** How long a request may take to come to its end before it counts as hanging, ms. */
const HANGS_MS = 20_000;
/** Requests at a time. */
const AT_ONCE = 8;
/** After so many a decent request has to be answered. */
const DECENT_EVERY = 50;

/** What an attack is made against. */
export interface Target {
  readonly port: number;
  /** A token that opens everything: some of the requests bring it. */
  readonly token: string;
  /** Must be answered as a decent request is, whatever has come before; throws where it is not. */
  decent(): Promise<void>;
}

/** What came back: requests by their last status, `closed` = the connection was closed without an answer. */
export type Outcomes = Map<string, number>;

const METHODS = [
  'GET',
  'POST',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'TRACE',
  'CONNECT',
  'PRI',
  'get',
  'G\0T',
  '',
];
const PATHS = [
  '/live',
  '/ready',
  '/metrics',
  '/snapshot',
  '/openapi.json',
  '/api/v1/instruments?limit=3',
  '/api/v1/book/A?depth=5',
  '/api/v1/book/%00',
  '/api/v1/book/__proto__/clear',
  '/api/v1/lines',
  '/api/v1/clients?protocol=sse',
  '/api/v1/stream/bbo',
  '/api/v1/book/1/clear',
  '/api/ws',
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  'http://localhost/live',
  '*',
  '//',
  '/?__proto__[x]=1&constructor=2',
];
/** Headers that a request survives. */
const FAIR = [
  'Connection: close',
  'Connection: keep-alive',
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Origin: https://evil.example',
  'Content-Type: application/json\r\nContent-Length: 14',
  'Content-Encoding: gzip',
  'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99',
  'Sec-WebSocket-Protocol: mdx.dbn.v1, a, b',
  'Expect: 100-continue',
  'Range: bytes=0-1',
  'Last-Event-ID: 999999999999999999999-x',
  'Accept-Encoding: gzip, br',
  'X-Forwarded-For: 127.0.0.1',
];
/** Headers that most requests do not survive. */
const FOUL = [
  'Host: evil.example',
  'Host: ',
  'Connection: Upgrade\r\nUpgrade: h2c',
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: short',
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99',
  'Sec-WebSocket-Protocol: a,, \u0001',
  'Content-Length: 99999999999999999999',
  'Content-Length: -5',
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Expect: something',
  'Last-Event-ID: \u0000',
  ' folded: x',
  'no colon',
  ': no name',
  'Authorization: Bearer',
];
const BODIES = [
  '',
  'abcde',
  '{"reason":"x"}',
  '{"__proto__":{"x":1}}',
  '5\r\nabcde\r\n0\r\n\r\n',
  'ffffffffffffffff\r\n',
  '5\r\nabcde',
  '-1\r\n',
  '\u0081\u0085\u0001\u0002\u0003\u0004abcde',
  '\u0082\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff',
];

/** Sends `count` hostile requests that follow from the seed. Throws at the first that hangs or harms. */
export async function attack(target: Target, seed: number, count: number): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  for (let from = 0; from < count; from += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => from + at);
    const heard = await Promise.all(numbers.map((number) => one(target, seed, number)));
    for (const outcome of heard) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (Math.floor(from / DECENT_EVERY) !== Math.floor((from + AT_ONCE) / DECENT_EVERY))
      await target.decent();
  }
  await target.decent();
  return outcomes;
}

async function one(target: Target, seed: number, number: number): Promise<string> {
  const random = new Random(seed + number * 7919);
  const bytes = hostileBytes(random, target.token);
  const heard = await exchange(target.port, bytes, random);
  if (heard === null) {
    throw new Error(`seed ${seed}, request ${number} hangs: ${JSON.stringify(bytes.toString('latin1'))}`);
  }
  return /^HTTP\/1\.1 (\d{3})/.exec(heard)?.[1] ?? (heard === '' ? 'closed' : 'no HTTP');
}

/** @returns what was heard until the connection ended, null where it did not end. */
function exchange(port: number, bytes: Buffer, random: Random): Promise<string | null> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect({ port, host: '127.0.0.1' });
    const timer = setTimeout(() => {
      resolve(null);
      socket.destroy();
    }, HANGS_MS);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(heard);
    });
    socket.on('data', (piece) => {
      heard += piece.toString('latin1');
      // Streams and WebSockets do not end by themselves.
      if (/text\/event-stream/.test(heard)) socket.destroy();
    });
    socket.on('connect', () => sendCut(socket, bytes, random));
  });
}

function hostileBytes(random: Random, token: string): Buffer {
  switch (random.below(12)) {
    case 0:
      return noise(random, random.below(600));
    case 1:
      return Buffer.from(`GET /${'a/'.repeat(random.below(6000))} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    case 2:
      return Buffer.from(
        `GET /live HTTP/1.1\r\n${'X: y\r\n'.repeat(random.below(3000))}Host: localhost\r\n\r\n`,
      );
    case 3:
      return Buffer.from(requestOf(random, token).repeat(1 + random.below(30)), 'latin1');
    case 4:
    case 5:
    case 6:
    case 7:
      return Buffer.from(requestOf(random, token), 'latin1');
    case 8:
      return Buffer.concat([Buffer.from(handshakeOf(token)), noise(random, random.below(300))]);
    default:
      return mutated(Buffer.from(requestOf(random, token), 'latin1'), random);
  }
}

/** A handshake that is in order: what stands behind it is read as frames. */
function handshakeOf(token: string): string {
  return [
    'GET /api/ws HTTP/1.1',
    'Host: localhost',
    `Authorization: Bearer ${token}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');
}

function requestOf(random: Random, token: string): string {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  const headers = Array.from({ length: random.below(4) }, () => pick(FAIR));
  if (random.below(5) === 0) headers.push(pick(FOUL));
  if (random.below(8) > 0) headers.push('Host: localhost');
  if (random.below(3) > 0) headers.push(`Authorization: Bearer ${token}`);
  const version = random.below(30) === 0 ? pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/9', '']) : 'HTTP/1.1';
  const end = random.below(30) === 0 ? '\n' : '\r\n';
  const choice = random.below(10);
  const method = choice < 5 ? 'GET' : choice < 8 ? 'POST' : pick(METHODS);
  const line = `${method} ${pick(PATHS)} ${version}`;
  const framing = headers.filter((header) => /^content-type/i.test(header));
  const isFramed = framing.length > 0;
  const body = random.below(6) === 0 ? pick(BODIES) : isFramed ? '{"reason":"x"}' : '';
  return `${[line, ...headers].join(end)}${end}${end}${body}`;
}

export function mutated(bytes: Buffer, random: Random): Buffer {
  let result = bytes;
  for (let left = 1 + random.below(6); left > 0 && result.length > 0; left -= 1) {
    const at = random.below(result.length);
    const length = 1 + random.below(12);
    const rest = result.subarray(Math.min(result.length, at + length));
    switch (random.below(4)) {
      case 0:
        result = Buffer.concat([result.subarray(0, at), rest]);
        break;
      case 1:
        result = Buffer.concat([result.subarray(0, at), noise(random, length), result.subarray(at)]);
        break;
      case 2:
        result = Buffer.concat([result.subarray(0, at + length), result.subarray(at)]);
        break;
      default:
        result = Buffer.concat([result.subarray(0, at), noise(random, 1), result.subarray(at + 1)]);
    }
  }
  return result;
}

export function noise(random: Random, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}
