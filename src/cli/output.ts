import { randomBytes } from 'node:crypto';
import {
  closeSync,
  createWriteStream,
  existsSync,
  fstatSync,
  linkSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MdxError } from '../core/errors.ts';
import { isZmq } from '../core/publish/zeromq/zmq-endpoint.ts';
import { isReaderGone, StreamTarget, type Target } from './output-target.ts';
import { socketTarget } from './socket-target.ts';
import { ZmqTarget } from './zmq-target.ts';

/** Bytes gathered before they are handed over. */
export const OUTPUT_BLOCK_BYTES = 65_536;
/** `drain` waits while more bytes than this were handed over and not yet taken. */
export const OUTPUT_WAITING_BYTES_HIGH = 262_144;
/** Bytes that may wait in memory: a producer that passes this never called `drain`. */
export const OUTPUT_WAITING_BYTES_CAP = 268_435_456;
/** A row waits at most this long for its block to fill. */
export const OUTPUT_FLUSH_MS_MAX = 50;
/** Longest stretch of work between two turns of the event loop, where signals and timers get their chance. */
const TURN_MS_MAX = 10;

export interface OutputOptions {
  /** File or socket to write to, null or `-` for stdout. */
  readonly path: string | null;
  /** Replace a file that exists. */
  readonly force: boolean;
  /** Hand over after every write, as on a terminal. */
  readonly unbuffered?: boolean;
  /** Ends the waiting for the other side of a socket. */
  readonly signal?: AbortSignal;
  /** Is told where a listening socket can be reached. */
  readonly tell?: (text: string) => void;
}

/**
 * The one way out for data: buffered, bounded, and honest about readers that leave and disks that are full.
 *
 * Rows are gathered in 64 KiB blocks; a block is handed over when it is full, 50 ms after its first row, and on
 * a terminal after every row. Pipelines `write` as they go, `await drain()` once per chunk of input, and stop
 * when `closed` says that the reader left, which is no failure. Every other trouble of the output throws an
 * MdxError `output-failed` from the next call. A file is written beside its name and gets it in `finish`.
 */
export class Output {
  readonly #target: Target;
  readonly #flushEachWrite: boolean;
  #block: Buffer = Buffer.allocUnsafe(OUTPUT_BLOCK_BYTES);
  #used = 0;
  #timer: NodeJS.Timeout | null = null;
  #turnAt: number = performance.now();
  #bytes = 0;
  /** Bytes written after the reader had left. */
  #refused = 0;

  private constructor(target: Target, unbuffered: boolean) {
    this.#target = target;
    this.#flushEachWrite = unbuffered || target.isTerminal;
  }

  /**
   * Opens stdout, a file, or a socket, which is waited for while the first bytes are made. Throws MdxError
   * `output-exists`, `output-failed` or `usage`; a socket's troubles come from the calls that follow.
   */
  static open(options: OutputOptions): Output {
    const { path, force, unbuffered = false, signal = null, tell = () => {} } = options;
    if (path === null || path === '-') return new Output(stdoutTarget(), unbuffered);
    const waiting = { signal, tell };
    if (isZmq(path)) return new Output(new ZmqTarget(path, waiting), unbuffered);
    return new Output(socketTarget(path, waiting) ?? fileTarget(path, force), unbuffered);
  }

  /** Where it goes, for messages. */
  get name(): string {
    return this.#target.name;
  }

  /** Bytes that the reader who left did not take; more may have been lost on the way. */
  get undelivered(): number {
    return this.#target.closed ? this.#target.waiting + this.#refused : 0;
  }

  /** The reader left: nothing written from now on arrives. Not a failure. */
  get closed(): boolean {
    return this.#target.closed;
  }

  /** Does it go to a file or device, which nobody reads while it is written? */
  get isFile(): boolean {
    return this.#target instanceof DescriptorTarget;
  }

  /** Does it go to a terminal? */
  get isTerminal(): boolean {
    return this.#target.isTerminal;
  }

  /** Is every write handed over at once? */
  get isImmediate(): boolean {
    return this.#flushEachWrite;
  }

  /** Bytes written so far, whether they arrived or not. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes text or bytes; they are copied. Never waits: that is what `drain` is for. */
  write(data: string | Uint8Array): void {
    if (this.#target.closed) {
      this.#bytes += data.length;
      this.#refused += data.length;
      return;
    }
    this.#throwIfFailed();
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const most = typeof data === 'string' ? data.length * 3 : data.length;
    if (most > OUTPUT_BLOCK_BYTES - this.#used) this.flush();
    if (most > OUTPUT_BLOCK_BYTES) {
      const whole = Buffer.from(data as string);
      this.#bytes += whole.length;
      this.#put(whole);
      return;
    }
    if (typeof data === 'string') {
      const bytes = this.#block.write(data, this.#used);
      this.#used += bytes;
      this.#bytes += bytes;
    } else {
      this.#block.set(data, this.#used);
      this.#used += data.length;
      this.#bytes += data.length;
    }
    if (this.#flushEachWrite) this.flush();
    else this.#timer ??= setTimeout(() => this.#onDeadline(), OUTPUT_FLUSH_MS_MAX).unref();
  }

  /** Hands over what was gathered. */
  flush(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    if (this.#used === 0) return;
    const block = this.#block.subarray(0, this.#used);
    this.#used = 0;
    this.#put(block);
    if (this.#target.waiting > 0) this.#block = Buffer.allocUnsafe(OUTPUT_BLOCK_BYTES);
  }

  /**
   * Back-pressure: waits while too much was handed over and not taken. Also gives the event loop a turn every
   * few milliseconds, so that signals and timers work during long computations.
   */
  async drain(): Promise<void> {
    this.#throwIfFailed();
    if (this.#target.waiting > OUTPUT_WAITING_BYTES_HIGH && !this.#target.closed) {
      await this.#target.settle(OUTPUT_WAITING_BYTES_HIGH);
      this.#turnAt = performance.now();
      this.#throwIfFailed();
    } else if (performance.now() - this.#turnAt > TURN_MS_MAX) {
      await nextTurn();
      this.#turnAt = performance.now();
      this.#throwIfFailed();
    }
  }

  /** Waits until everything was taken and gives a file its name. Nothing may be written afterwards. */
  async finish(): Promise<void> {
    this.flush();
    await this.#target.settle(0);
    this.#throwIfFailed();
    await this.#target.finish();
  }

  /** After an error: what was gathered for a pipe or terminal still goes out, an unfinished file is removed. */
  async abandon(): Promise<void> {
    try {
      this.flush();
      await this.#target.settle(0);
    } catch {
      // The error that led here is the one to be told.
    }
    this.#target.discard();
  }

  #onDeadline(): void {
    this.#timer = null;
    try {
      this.flush();
    } catch {
      // A failed target keeps its failure; the next call of the pipeline throws it where it can be handled.
    }
  }

  #put(block: Buffer): void {
    if (this.#target.closed) {
      this.#refused += block.length;
      return;
    }
    this.#target.put(block);
    this.#throwIfFailed();
    if (this.#target.waiting > OUTPUT_WAITING_BYTES_CAP) {
      throw new MdxError(
        'internal',
        `writing ${this.#target.name}: ${this.#target.waiting} bytes wait, the limit is ${OUTPUT_WAITING_BYTES_CAP}`,
      );
    }
  }

  #throwIfFailed(): void {
    const failure = this.#target.failure;
    if (failure instanceof MdxError) throw failure;
    if (failure !== null) throw outputFailed(this.#target.name, failure);
  }
}

/** The error for output that could not be written. */
export function outputFailed(name: string, cause: Error): MdxError {
  const code = (cause as NodeJS.ErrnoException).code;
  const hint =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'Free some space, or write somewhere else with -o.'
      : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'Write somewhere else with -o.'
        : code === 'ENOENT'
          ? 'Make the folder first.'
          : undefined;
  return new MdxError('output-failed', `writing ${name}: ${describeSystemError(cause)}`, { hint, cause });
}

/** `ENOSPC: no space left on device` without the name of the call that Node adds. */
function describeSystemError(error: Error): string {
  return error.message.replace(/, \w+( '.*')?( -> '.*')?$/s, '');
}

function stdoutTarget(): Target {
  const { stdout } = process;
  const stat = fstatSync(1);
  // Node's stream for a regular file or a device loses the rest of a short write: write those ourselves.
  if (stat.isFile() || (stat.isCharacterDevice() && !stdout.isTTY)) return new DescriptorTarget('stdout', 1);
  return new StreamTarget('stdout', stdout, stdout.isTTY === true);
}

function fileTarget(path: string, force: boolean): Target {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    throw new MdxError('output-exists', `writing ${path}: it is a directory`, {
      hint: 'Name a file with -o.',
    });
  }
  if (stat !== undefined && !stat.isFile()) {
    return new StreamTarget(path, createWriteStream(path, { flags: 'a' }), false);
  }
  if (stat !== undefined && !force) throw outputExists(path);
  const partial = `${path}.${randomBytes(4).toString('hex')}.partial`;
  try {
    return new FileTarget(path, partial, openSync(partial, 'wx', 0o666), force);
  } catch (error) {
    throw outputFailed(path, error as Error);
  }
}

function outputExists(path: string): MdxError {
  return new MdxError('output-exists', `writing ${path}: the file exists`, {
    hint: 'Use --force to replace it, or another name.',
  });
}

/** A descriptor written synchronously: a regular file or a device. */
class DescriptorTarget implements Target {
  readonly name: string;
  readonly isTerminal = false;
  readonly waiting = 0;
  closed = false;
  failure: Error | null = null;
  protected readonly descriptor: number;

  constructor(name: string, descriptor: number) {
    this.name = name;
    this.descriptor = descriptor;
  }

  put(block: Buffer): void {
    let at = 0;
    try {
      while (at < block.length) at += writeSync(this.descriptor, block, at, block.length - at);
    } catch (error) {
      if (isReaderGone(error as Error)) this.closed = true;
      else this.failure = error as Error;
    }
  }

  async settle(): Promise<void> {}

  async finish(): Promise<void> {}

  discard(): void {}
}

/** A regular file, written under another name until it is whole. */
class FileTarget extends DescriptorTarget {
  readonly #partial: string;
  readonly #force: boolean;
  #open = true;
  readonly #onExit = (): void => this.discard();

  constructor(path: string, partial: string, descriptor: number, force: boolean) {
    super(path, descriptor);
    this.#partial = partial;
    this.#force = force;
    process.once('exit', this.#onExit);
  }

  override async finish(): Promise<void> {
    this.#close();
    try {
      if (this.#force) renameSync(this.#partial, this.name);
      else this.#nameUnlessTaken();
    } catch (error) {
      unlinkSync(this.#partial);
      throw error instanceof MdxError ? error : outputFailed(this.name, error as Error);
    }
  }

  override discard(): void {
    if (!this.#open) return;
    this.#close();
    unlinkSync(this.#partial);
  }

  /** A hard link refuses a name that was taken meanwhile; some file systems have none, there we look first. */
  #nameUnlessTaken(): void {
    try {
      linkSync(this.#partial, this.name);
    } catch {
      if (existsSync(this.name)) throw outputExists(this.name);
      renameSync(this.#partial, this.name);
      return;
    }
    unlinkSync(this.#partial);
  }

  #close(): void {
    this.#open = false;
    process.removeListener('exit', this.#onExit);
    closeSync(this.descriptor);
  }
}
