import { closeSync, fstatSync, open, readSync, type Stats } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { promisify } from 'node:util';
import type { ByteWindow } from '../binary/byte-window.ts';
import { MdxError } from '../errors.ts';
import { openStreamSocket, parseStreamEndpoint } from '../net/stream-socket.ts';

const STDIN = 0;

/** Bytes of a file, a pipe, a terminal or a socket, decompressed where they are gzip or zstd. */
export interface ByteSource {
  /** As it was given; `-` is stdin. */
  readonly path: string;
  /** Bytes read so far, before decompression. */
  readonly bytes: number;
  /** Bytes there are, before decompression; null where that is not known. */
  readonly total: number | null;
  /**
   * Adds bytes to the window, as many as are at hand and fit, at least one.
   * @returns false at the end, with `window.ended` set. Rejects with DamagedInput where compressed bytes cannot be
   * read any further, after everything in front of that was delivered (`window.ended` is set, too), and with
   * MdxError where reading fails. The window must have room.
   */
  fill(window: ByteWindow): Promise<boolean>;
  close(): Promise<void>;
  /** What did not come, by what it is, where a source can tell: for the report. */
  readonly losses?: ReadonlyMap<string, number>;
}

/** Somebody asked to stop while a pipe, socket or terminal had nothing to read. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Is told what whoever starts the other side has to know: where somebody listens. */
export type Tell = (text: string) => void;

/**
 * Opens a file, stdin for `-`, or a socket for its endpoint, as it is.
 * @param signal ends the waiting for a peer and for bytes: this or `fill` then rejects with Interrupted.
 */
export async function openRaw(path: string, signal: AbortSignal | null, tell: Tell): Promise<ByteSource> {
  const endpoint = parseStreamEndpoint(path);
  if (endpoint !== null) {
    const socket = await openStreamSocket(endpoint, { signal, tell });
    if (socket === null) throw new Interrupted(`opening ${path}`);
    return new StreamSource(path, socket, signal);
  }
  const fd = path === '-' ? STDIN : await openFile(path);
  const stats = statOf(path, fd);
  if (stats.isDirectory()) {
    closeFile(fd);
    throw directoryError(path, null);
  }
  if (stats.isFIFO() || stats.isSocket() || isatty(fd)) return new StreamSource(path, streamOf(fd), signal);
  return new FileSource(path, fd, stats.isFile() ? stats.size : null);
}

/** Waiting pipes are read through the event loop: a read on a helper thread would hold up the end of the process. */
function streamOf(fd: number): Readable {
  if (fd === STDIN) return process.stdin;
  return isatty(fd) ? new ReadStream(fd) : new Socket({ fd, readable: true, writable: false });
}

/** On a helper thread: opening a named pipe waits for its writer. */
async function openFile(path: string): Promise<number> {
  try {
    return await promisify(open)(path, 'r');
  } catch (error) {
    throw readError(path, error);
  }
}

function statOf(path: string, fd: number): Stats {
  try {
    return fstatSync(fd);
  } catch (error) {
    closeFile(fd);
    throw readError(path, error);
  }
}

function closeFile(fd: number): void {
  if (fd !== STDIN) closeSync(fd);
}

/** What the system says about a path that cannot be read. */
export function readError(path: string, error: unknown): MdxError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  const shown = path === '-' ? 'stdin' : path;
  if (code === 'ENOENT') {
    return new MdxError('input-missing', `reading ${shown}: there is no such file`, { cause: error });
  }
  if (code === 'EISDIR') {
    return directoryError(shown, error);
  }
  const denied = code === 'EACCES' || code === 'EPERM';
  const found = denied ? `the right to read it is missing (${code})` : `the system answers ${code}`;
  return new MdxError('input-unreadable', `reading ${shown}: ${found}`, { cause: error });
}

function directoryError(shown: string, cause: unknown): MdxError {
  return new MdxError('input-directory', `reading ${shown}: it is a directory, a file was expected`, {
    hint: 'Name the files in it.',
    cause: cause ?? undefined,
  });
}

/** A file that is read where the window has room, without a copy between. */
class FileSource implements ByteSource {
  readonly path: string;
  readonly total: number | null;
  bytes = 0;
  #fd: number;

  constructor(path: string, fd: number, total: number | null) {
    this.path = path;
    this.#fd = fd;
    this.total = total;
  }

  async fill(window: ByteWindow): Promise<boolean> {
    const room = roomOf(window);
    let count: number;
    try {
      count = readSync(this.#fd, room, 0, room.length, null);
    } catch (error) {
      throw readError(this.path, error);
    }
    this.bytes += count;
    window.commit(count);
    if (count === 0) window.ended = true;
    return count > 0;
  }

  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd >= 0) closeFile(fd);
  }
}

/** A pipe, socket or terminal. Its end is what its writer calls one: a socket whose writer ended only its own direction has ended. */
class StreamSource implements ByteSource {
  readonly path: string;
  readonly total = null;
  bytes = 0;
  readonly #stream: Readable;
  readonly #signal: AbortSignal | null;
  /** What was read and did not fit. */
  #rest: Uint8Array | null = null;
  #ended = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;
  readonly #onReadable: () => void;
  readonly #onEnd: () => void;
  readonly #onError: (error: Error) => void;

  constructor(path: string, stream: Readable, signal: AbortSignal | null) {
    this.path = path;
    this.#stream = stream;
    this.#signal = signal;
    signal?.addEventListener('abort', () => this.#wake?.(), { once: true });
    this.#onReadable = (): void => this.#wake?.();
    this.#onEnd = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    this.#onError = (error): void => {
      this.#error = error;
      this.#wake?.();
    };
    stream.on('readable', this.#onReadable);
    stream.on('end', this.#onEnd);
    stream.on('close', this.#onEnd);
    stream.on('error', this.#onError);
  }

  async fill(window: ByteWindow): Promise<boolean> {
    const room = roomOf(window);
    let chunk = this.#rest ?? this.#read();
    while (chunk === null) {
      if (this.#error !== null) throw readError(this.path, this.#error);
      if (this.#ended) {
        window.ended = true;
        return false;
      }
      if (this.#signal?.aborted) throw new Interrupted(`reading ${this.path}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
      chunk = this.#read();
    }
    const count = Math.min(chunk.length, room.length);
    room.set(count === chunk.length ? chunk : chunk.subarray(0, count));
    this.#rest = count === chunk.length ? null : chunk.subarray(count);
    window.commit(count);
    return true;
  }

  #read(): Uint8Array | null {
    const chunk = this.#stream.read() as Buffer | null;
    if (chunk !== null) this.bytes += chunk.length;
    return chunk;
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    stream.off('readable', this.#onReadable);
    // A late error of a stream that nobody reads any more is nobody's.
    stream.destroy();
    this.#onEnd();
  }
}

/** Free room of a window that must have some. */
export function roomOf(window: ByteWindow): Uint8Array<ArrayBuffer> {
  const room = window.room();
  if (room.length === 0)
    throw new RangeError(`a window of ${window.bytes.length} bytes is full and nobody reads it`);
  return room;
}
