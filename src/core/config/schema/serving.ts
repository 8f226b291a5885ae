import { Fault, type Key, type Kind, key } from '../key.ts';
import { address, boolean, choice, duration, integer, list, optional, path, size, text } from '../kinds.ts';
import { readToken } from '../tokens.ts';
import type { Section } from './shape.ts';

/* What goes out, to whom, and how the process lives. */

const MIB: number = 1 << 20;

const ORIGIN = 'an origin such as "https://desk.example.com", or "*"';
const origin: Kind<string> = text('origin', ORIGIN, (given) =>
  given === '*' || /^https?:\/\/[^\s/?#]+$/.test(given) ? null : ORIGIN,
);

export const http: Section<'http'> = {
  listen: key(address, '127.0.0.1:8080', {
    summary: 'address of the API, health, metrics, event streams and the page',
    flag: 'http',
  }),
  tls: {
    together: {
      certificate: key(optional(path), null, {
        summary: 'certificate (with its chain) of HTTP and WebSockets, PEM',
        example: '"server.crt"',
      }),
      key: key(optional(path), null, {
        summary: 'private key of the certificate, PEM',
        example: '"server.key"',
      }),
    },
  },
  corsOrigins: key(list(origin, 256), [], {
    summary: 'pages of these origins may ask from a browser',
    reload: true,
    example: '["https://desk.example.com"]',
  }),
  maxConnections: key(integer(1, 65_536), 1024, { summary: 'connections at a time', reload: true }),
  maxHeaderBytes: key(size('1KiB', '1MiB'), 16_384, { summary: 'bytes of the headers of a request' }),
  maxBodyBytes: key(size('0', '64MiB'), 65_536, { summary: 'bytes of the body of a request', reload: true }),
  requestTimeoutMs: key(duration('ms', '10ms', '10min'), 10_000, {
    summary: 'how long a request may take until it is whole',
  }),
  idleTimeoutMs: key(duration('ms', '10ms', '1h'), 60_000, {
    summary: 'how long a connection may be without a request',
  }),
};

const TOKENS = '"NAME:TOKEN", the token of at least 16 letters, digits and -._~+/=';
const token: Kind<{ readonly name: string; readonly token: string }> = {
  type: 'NAME:TOKEN',
  expected: TOKENS,
  ofToml: (value) => (value.kind === 'text' ? token.ofText(value.value) : new Fault(TOKENS)),
  ofText: (given) => readToken(given) ?? new Fault(TOKENS),
  toToml: ({ name }) => `"${name}:…"`,
};

export const security: Section<'security'> & { readonly tokenFile: Key<string | null> } = {
  tokens: key(list(token, 1024), [], {
    summary: 'who may come in: names and bearer tokens; never given as flags',
    reload: true,
    secret: true,
    example: '["operator:0123456789abcdef"]',
  }),
  tokenFile: key(optional(path), null, {
    summary: 'file with more of them, one NAME:TOKEN a line',
    flag: 'tokens',
    reload: true,
    example: '"tokens"',
  }),
  insecure: key(boolean, false, {
    summary: 'other machines may come in without a token',
    flag: 'insecure',
  }),
};

export const rawV1: Section<'rawV1'> = {
  a: key(optional(address), '127.0.0.1:9081', { summary: 'endpoint A of raw-v1', flag: 'raw-v1-a' }),
  b: key(optional(address), '127.0.0.1:9082', {
    summary: 'endpoint B, with the same frames',
    flag: 'raw-v1-b',
  }),
  price: key(choice('native', 'e8'), 'native', {
    summary: "prices as the feed's integers, or e8: exactly converted to eight decimals",
    flag: 'raw-v1-price',
  }),
  retainedFrames: key(integer(1, 1 << 26), 65_536, {
    summary: 'frames that are kept for whoever falls behind or comes back',
  }),
  retainedBytes: key(size('64KiB', '16GiB'), 64 * MIB, { summary: 'bytes of frames that are kept' }),
  heartbeatMs: key(duration('ms', '10ms', '10min'), 1000, {
    summary: 'a heartbeat is sent when nothing else was for so long',
  }),
  writeTimeoutMs: key(duration('ms', '1ms', '10min'), 250, {
    summary: 'a client whose socket takes nothing for so long is closed',
  }),
  handshakeTimeoutMs: key(duration('ms', '1ms', '10min'), 1000, {
    summary: 'how long a client may take to ask',
  }),
  maxConnections: key(integer(1, 65_536), 1024, {
    summary: 'clients at a time, of both endpoints',
  }),
  noDelay: key(boolean, true, { summary: 'frames are sent at once (TCP_NODELAY)' }),
};

export const events: Section<'events'> = {
  retainedEvents: key(integer(1, 1 << 26), 500_000, {
    summary: 'events that are kept for whoever falls behind or comes back',
  }),
  retainedBytes: key(size('64KiB', '16GiB'), 256 * MIB, {
    summary: 'bytes of events that are kept, of JSON and of records of DBN each',
  }),
  recentEvents: key(integer(0, 1 << 24), 10_000, { summary: 'most events that Recent gives' }),
  batchMax: key(integer(1, 10_000), 100, {
    summary: 'most events of one frame; 1 = each has its own',
  }),
  maxConnections: key(integer(1, 65_536), 5000, { summary: 'clients at a time' }),
  sendTimeoutMs: key(duration('ms', '10ms', '10min'), 10_000, {
    summary: 'a client whose socket takes nothing for so long is closed',
  }),
};

export const sse: Section<'sse'> = {
  maxConnections: key(integer(1, 65_536), 5000, { summary: 'clients at a time' }),
  keepAliveMs: key(duration('ms', '10ms', '10min'), 15_000, {
    summary: 'a comment is sent when nothing else was for so long',
  }),
  pendingBytes: key(size('64KiB', '1GiB'), 4 * MIB, {
    summary: 'bytes that may wait for a client before it drops to a snapshot',
  }),
};

export const publishers: Section<'publishers'> = {
  waitingBytes: key(size('1MiB', '1GiB'), 8 * MIB, {
    summary: 'bytes of events that may wait for a thread that publishes; rounded up to a power of two',
  }),
  overload: key(choice('auto', 'cut', 'wait'), 'auto', {
    summary:
      'one without room for more is cut off and begins anew from an image, or the engine waits; auto = it waits where the input can',
  }),
};

export const ingest: Section<'ingest'> = {
  listen: key(optional(address), null, {
    summary: 'address where senders of events connect; none is listened at without',
    flag: 'ingest',
    example: '"127.0.0.1:9000"',
  }),
  threads: key(integer(1, 64), 1, { summary: 'threads that read the senders', flag: 'ingest-threads' }),
  maxSenders: key(integer(1, 65_536), 1024, { summary: 'senders at a time' }),
  helloTimeoutMs: key(duration('ms', '10ms', '10min'), 5000, {
    summary: 'how long a sender may take to say who it is',
  }),
};

export const noStorage: Key<boolean> = key(boolean, false, {
  summary: 'only the event stream and health: no books, no journal, no raw-v1',
  flag: 'no-storage',
});

export const ready: Section<'ready'> = {
  staleBooks: key(integer(0, Number.MAX_SAFE_INTEGER), 0, {
    summary: 'books that may be stale while the engine is ready',
    flag: 'stale-ready',
  }),
  silentMs: key(duration('ms', '10ms', '1d'), 5000, {
    summary: 'a line without packets for so long is not seen',
  }),
};

export const log: Section<'log'> = {
  level: key(choice('trace', 'debug', 'info', 'warn', 'error', 'silent'), 'info', {
    summary: 'what is told',
    flag: 'log-level',
    reload: true,
  }),
  format: key(choice('text', 'json'), 'text', {
    summary: 'lines for people, or one JSON document each',
    flag: 'log-format',
  }),
};

export const shutdown: Section<'shutdown'> = {
  timeoutMs: key(duration('ms', '100ms', '10min'), 10_000, {
    summary: 'how long an orderly end may take',
  }),
};
