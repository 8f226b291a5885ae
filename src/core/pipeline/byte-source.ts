import { ByteWindow } from '../binary/byte-window.ts';
import { isZmq, parseZmqEndpoint } from '../publish/zeromq/zmq-endpoint.ts';
import { Decompressor } from './decompressor.ts';
import { GzipPieces, isGzip } from './gzip-pieces.ts';
import { type ByteSource, openRaw, roomOf, type Tell } from './raw-source.ts';
import { isRawV1Endpoint } from './raw-v1/endpoint.ts';
import { isZstd, ZstdPieces } from './zstd-pieces.ts';

export { DamagedInput } from './decompressor.ts';
export { type ByteSource, Interrupted, type Tell } from './raw-source.ts';

/** Bytes at the beginning that tell whether the rest is compressed. */
const MAGIC_BYTES = 4;
/** The beginning that is looked at; also the window on compressed bytes. */
const HEAD_BYTES = 262144;

/**
 * Opens a file, stdin for `-`, or a socket: `tcp://HOST:PORT`, `tcp+listen://HOST:PORT`, `unix:PATH`, `unix+listen:PATH`,
 * `zmq+pull://HOST:PORT`, `zmq+sub://HOST:PORT`, `ws://HOST:PORT`.
 * Rejects with MdxError: missing, a directory, not readable, nobody there.
 * @param token what a server asks for that lets in only who has one.
 * @param signal ends the waiting for a peer and for bytes: this or `fill` then rejects with Interrupted.
 */
export async function openByteSource(
  path: string,
  signal: AbortSignal | null = null,
  tell: Tell = () => {},
  token: string | null = null,
): Promise<ByteSource> {
  const raw = await openAny(path, signal, tell, token);
  const head = new ByteWindow(HEAD_BYTES);
  try {
    while (head.available < MAGIC_BYTES && (await raw.fill(head))) {
      // A pipe may bring its first bytes one by one.
    }
  } catch (error) {
    await raw.close();
    throw error;
  }
  const start = head.bytes.subarray(0, head.limit);
  if (isGzip(start)) return new Decompressor(raw, head, new GzipPieces());
  if (isZstd(start)) return new Decompressor(raw, head, new ZstdPieces());
  return new PlainSource(raw, head);
}

async function openAny(
  path: string,
  signal: AbortSignal | null,
  tell: Tell,
  token: string | null,
): Promise<ByteSource> {
  if (isZmq(path)) return openZmq(path, signal, tell);
  if (!isRawV1Endpoint(path)) return openRaw(path, signal, tell);
  // Loaded here: it brings a library that nobody else needs.
  const { RawV1Source } = await import('./raw-v1/source.ts');
  return new RawV1Source(path, token, signal, tell);
}

async function openZmq(path: string, signal: AbortSignal | null, tell: Tell): Promise<ByteSource> {
  const endpoint = parseZmqEndpoint(path, false);
  // Loaded here: it brings a library that nobody else needs.
  const { ZmqSource } = await import('./zeromq/zmq-source.ts');
  return ZmqSource.open(endpoint, signal, tell);
}

/** What is not compressed: the beginning that was looked at, then the source itself. */
class PlainSource implements ByteSource {
  readonly path: string;
  readonly total: number | null;
  readonly #raw: ByteSource;
  #head: ByteWindow | null;

  constructor(raw: ByteSource, head: ByteWindow) {
    this.path = raw.path;
    this.total = raw.total;
    this.#raw = raw;
    this.#head = head.available > 0 ? head : null;
  }

  get bytes(): number {
    return this.#raw.bytes;
  }

  get losses(): ReadonlyMap<string, number> {
    return this.#raw.losses ?? new Map();
  }

  async fill(window: ByteWindow): Promise<boolean> {
    const head = this.#head;
    if (head === null) return this.#raw.fill(window);
    const room = roomOf(window);
    const count = Math.min(room.length, head.available);
    room.set(head.bytes.subarray(head.position, head.position + count));
    head.position += count;
    window.commit(count);
    if (head.available === 0) this.#head = null;
    return true;
  }

  close(): Promise<void> {
    return this.#raw.close();
  }
}
