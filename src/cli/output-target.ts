import type { Writable } from 'node:stream';

/** Where blocks go. `put` may keep the block until it was taken; `waiting` tells the bytes not yet taken. */
export interface Target {
  /** For messages: the path, or `stdout`. */
  readonly name: string;
  readonly isTerminal: boolean;
  readonly waiting: number;
  /** The reader left. */
  readonly closed: boolean;
  readonly failure: Error | null;
  put(block: Buffer): void;
  /** Resolves when `waiting` is at most `bytes`, or nothing will change that any more. */
  settle(bytes: number): Promise<void>;
  /** Everything was put: makes it final. */
  finish(): Promise<void>;
  discard(): void;
}

/** Does the error say that nobody reads any more? */
export function isReaderGone(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return (
    code === 'EPIPE' ||
    code === 'ECONNRESET' ||
    code === 'ERR_STREAM_DESTROYED' ||
    code === 'ERR_STREAM_WRITE_AFTER_END'
  );
}

/** A stream that takes blocks when its reader does: pipe, socket, terminal. */
export class StreamTarget implements Target {
  readonly name: string;
  readonly isTerminal: boolean;
  waiting = 0;
  closed = false;
  failure: Error | null = null;
  readonly #stream: Writable;
  readonly #ownsStream: boolean;
  #wake: (() => void) | null = null;

  constructor(name: string, stream: Writable, isTerminal: boolean) {
    this.name = name;
    this.isTerminal = isTerminal;
    this.#stream = stream;
    this.#ownsStream = stream !== process.stdout;
    stream.on('error', (error) => this.#onError(error));
  }

  put(block: Buffer): void {
    const { length } = block;
    this.waiting += length;
    this.#stream.write(block, (error) => {
      this.waiting -= length;
      if (error) this.#onError(error);
      this.#wake?.();
    });
  }

  async settle(bytes: number): Promise<void> {
    while (this.waiting > bytes && !this.closed && this.failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = null;
  }

  async finish(): Promise<void> {
    if (this.#ownsStream) await new Promise<void>((resolve) => this.#stream.end(resolve));
  }

  discard(): void {
    if (this.#ownsStream) this.#stream.destroy();
  }

  #onError(error: Error): void {
    if (isReaderGone(error)) this.closed = true;
    else this.failure ??= error;
    this.#wake?.();
  }
}
