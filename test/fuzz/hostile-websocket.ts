import { connect } from 'node:net';
import type { Random } from '../../src/core/binary/random.ts';
import { sendCut } from './cut-send.ts';
import { mutated, noise } from './hostile-http.ts';

/** How long a connection may take to come to its end before it counts as hanging, ms. */
const HANGS_MS = 20_000;
const HEARD_MAX: number = 1 << 20;

/** An endpoint that WebSockets are made of. */
export interface Endpoint {
  readonly port: number;
  readonly path: string;
}

const QUERIES = [
  '',
  '?channel=obo&codec=raw-v1',
  '?channel=obo&codec=raw-v1&snapshot=1',
  '?snapshot=1&snapshot=1',
  '?snapshot=true',
  '?from_seq=0',
  '?from_seq=1&snapshot=1',
  '?from_seq=-1',
  '?from_seq=18446744073709551616',
  '?from_seq=9007199254740993',
  '?from_seq=1e3',
  '?from_seq=%00',
  '?from_seq=0x10',
  '?channel=l2',
  '?codec=raw-v2',
  '?__proto__=1&constructor=2',
  '?%',
  `?${'a=b&'.repeat(200)}`,
];
const VERSIONS = ['13', '13', '13', '13', '13', '13', '8', '99', '', '13, 13'];
const KEYS = [
  'dGhlIHNhbXBsZSBub25jZQ==',
  'dGhlIHNhbXBsZSBub25jZQ==',
  'short',
  '',
  '////////////////////////',
];
const OTHERS = [
  'Sec-WebSocket-Protocol: obo.raw.v1',
  'Sec-WebSocket-Protocol: a,, b',
  'Sec-WebSocket-Protocol: mdx.json.v1, obo.raw.v1',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99',
  'Sec-WebSocket-Extensions: ,;=',
  'Origin: https://evil.example',
  'Origin: null',
  'Authorization: Bearer x',
  'Content-Length: 10',
  'Transfer-Encoding: chunked',
  'Host: evil.example',
];
const REQUESTS = [
  '{"type":"Ping","t":"1"}',
  '{"type":"Subscribe","filter":{"type":"All"},"snapshot":true}',
  '{"type":"Subscribe","sub":"__proto__","filter":{"type":"Sources","sources":["*"],"kinds":["bbo"]},"conflate_ms":10}',
  '{"type":"Subscribe","filter":{"type":"Sources","sources":[],"instruments":[1e400]}}',
  '{"type":"Subscribe","filter":{"type":"All"},"from":{"run":"x","seq":"99999999999999999999"}}',
  '{"type":"Recent","limit":1e9,"filter":{"type":"All"}}',
  '{"type":"Stats","interval_ms":500}',
  '{"type":"Unsubscribe","sub":"none"}',
  '{"__proto__":{"type":"Ping"}}',
  '{"type":"Subscribe","filter":',
  'null',
  `${'['.repeat(5000)}`,
  '\u0000',
];

/**
 * Makes one hostile connection, and says how it ended: by the status of the refusal, as `101 CODE` by the code that the
 * server closed with, or `closed` without an answer. Null where it did not end.
 */
export function hostileConnection({ port, path }: Endpoint, random: Random): Promise<string | null> {
  const bytes = hostileBytes(path, random);
  return new Promise((resolve) => {
    const heard: Buffer[] = [];
    let size = 0;
    const socket = connect({ port, host: '127.0.0.1' });
    const timer = setTimeout(() => {
      resolve(null);
      socket.destroy();
    }, HANGS_MS);
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      if (size < HEARD_MAX) heard.push(piece);
      size += piece.length;
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(outcomeOf(Buffer.concat(heard)));
    });
    socket.on('connect', () => sendCut(socket, bytes, random));
  });
}

function outcomeOf(heard: Buffer): string {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(heard.toString('latin1', 0, 16))?.[1];
  if (status === undefined) return heard.length === 0 ? 'closed' : 'no HTTP';
  if (status !== '101') return status;
  const code = closeCodeOf(heard.subarray(heard.indexOf('\r\n\r\n') + 4));
  return code === null ? '101' : `101 ${code}`;
}

/** The code of the close frame among the frames of a server; null where none came. */
export function closeCodeOf(bytes: Buffer): number | null {
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = bytes[at + 1]! & 127;
    if ((bytes[at]! & 15) === 8)
      return short >= 2 && at + 4 <= bytes.length ? bytes.readUInt16BE(at + 2) : 1005;
    if (short < 126) at += 2 + short;
    else if (short === 126) at += at + 4 <= bytes.length ? 4 + bytes.readUInt16BE(at + 2) : bytes.length;
    else at += at + 10 <= bytes.length ? 10 + Number(bytes.readBigUInt64BE(at + 2)) : bytes.length;
  }
  return null;
}

function hostileBytes(path: string, random: Random): Buffer {
  const handshake = Buffer.from(handshakeOf(path, random));
  switch (random.below(8)) {
    case 0:
      return noise(random, random.below(600));
    case 1:
      return mutated(handshake, random);
    case 2:
      return Buffer.concat([handshake, noise(random, random.below(400))]);
    case 3:
      return handshake;
    default: {
      const frames = Buffer.concat(Array.from({ length: 1 + random.below(8) }, () => frameOf(random)));
      return Buffer.concat([handshake, random.below(3) === 0 ? mutated(frames, random) : frames]);
    }
  }
}

function handshakeOf(path: string, random: Random): string {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  const isDecent = random.below(2) === 0;
  const decent = QUERIES[2]!;
  const query = isDecent ? (path === '/ws' ? decent : '') : pick(QUERIES);
  return [
    `GET ${path}${query} HTTP/1.1`,
    'Host: localhost',
    `Connection: ${random.below(20) === 0 ? 'close' : 'Upgrade'}`,
    `Upgrade: ${random.below(20) === 0 ? 'h2c' : 'websocket'}`,
    `Sec-WebSocket-Version: ${isDecent ? '13' : pick(VERSIONS)}`,
    `Sec-WebSocket-Key: ${isDecent ? KEYS[0]! : pick(KEYS)}`,
    ...(isDecent ? [] : Array.from({ length: random.below(3) }, () => pick(OTHERS))),
    '\r\n',
  ].join('\r\n');
}

/** A frame of a client: masked as it should be or not, of any kind, with a length that may be a lie. */
function frameOf(random: Random): Buffer {
  const isText = random.below(2) === 0;
  const request = Buffer.from(REQUESTS[random.below(REQUESTS.length)]!);
  const payload = isText ? request : noise(random, random.below(200));
  const opcode = isText ? 1 : [0, 1, 2, 3, 8, 9, 10, 15][random.below(8)]!;
  const isFinal = random.below(6) > 0;
  const reserved = random.below(12) === 0 ? 0x40 : 0;
  const isMasked = random.below(12) > 0;
  const lie = random.below(12) === 0 ? random.below(1 << 20) : payload.length;
  const length = lie < 126 ? Buffer.from([lie]) : Buffer.from([126, (lie >> 8) & 255, lie & 255]);
  if (random.below(40) === 0) length[0] = 127;
  length[0]! |= isMasked ? 0x80 : 0;
  const mask = noise(random, 4);
  const masked = Buffer.from(payload.map((byte, at) => byte ^ mask[at & 3]!));
  const head = Buffer.from([(isFinal ? 0x80 : 0) | reserved | opcode]);
  return Buffer.concat([head, length, ...(isMasked ? [mask, masked] : [payload])]);
}
