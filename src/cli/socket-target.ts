import type { Socket } from 'node:net';
import { openStreamSocket, parseStreamEndpoint, type Waiting } from '../core/net/stream-socket.ts';
import { isReaderGone, type Target } from './output-target.ts';

/** What writes to an endpoint; null where the text names none. Throws MdxError `usage`. */
export function socketTarget(text: string, waiting: Waiting): Target | null {
  const endpoint = parseStreamEndpoint(text);
  // What goes through it was chosen by whoever opened it.
  return endpoint === null
    ? null
    : new SocketTarget(text, openStreamSocket(endpoint, waiting, ['as']), waiting.signal);
}

/**
 * A stream socket: blocks wait until the other side is there and while it is slow. One that goes has left, as the reader
 * of a pipe does; one that only ends its own direction still reads. Nobody came before somebody asked to stop: left, too.
 */
class SocketTarget implements Target {
  readonly name: string;
  readonly isTerminal = false;
  waiting = 0;
  closed = false;
  failure: Error | null = null;
  #socket: Socket | null = null;
  readonly #opened: Promise<void>;
  #early: Buffer[] = [];
  #finishing = false;
  #wake: (() => void) | null = null;

  constructor(name: string, opening: Promise<Socket | null>, signal: AbortSignal | null) {
    this.name = name;
    this.#opened = opening.then(
      (socket) => this.#attach(socket),
      (error) => this.#onError(error),
    );
    signal?.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  put(block: Buffer): void {
    this.waiting += block.length;
    if (this.#socket === null) this.#early.push(block);
    else this.#send(this.#socket, block);
  }

  async settle(bytes: number): Promise<void> {
    while (this.waiting > bytes && !this.closed && this.failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = null;
  }

  /** Also where nothing was written the other side learns that this is the end. */
  async finish(): Promise<void> {
    await this.#opened;
    if (this.failure !== null) throw this.failure;
    const socket = this.#socket;
    if (socket === null || this.closed) return;
    this.#finishing = true;
    await new Promise<void>((resolve) => {
      socket.once('close', resolve);
      socket.end(resolve);
    });
    socket.destroy();
  }

  discard(): void {
    this.closed = true;
    this.#socket?.destroy();
  }

  #attach(socket: Socket | null): void {
    if (socket === null || this.closed) {
      this.closed = true;
      socket?.destroy();
      this.#wake?.();
      return;
    }
    this.#socket = socket;
    socket.on('error', (error) => this.#onError(error));
    socket.on('close', () => {
      if (!this.#finishing) this.closed = true;
      this.#wake?.();
    });
    // What the other side says is nothing to us, but it must not wait to be read.
    socket.resume();
    const early = this.#early;
    this.#early = [];
    for (const block of early) this.#send(socket, block);
  }

  #send(socket: Socket, block: Buffer): void {
    const { length } = block;
    socket.write(block, (error) => {
      if (error) this.#onError(error);
      else this.waiting -= length;
      this.#wake?.();
    });
  }

  #onError(error: Error): void {
    if (isReaderGone(error)) this.closed = true;
    else this.failure ??= error;
    this.#wake?.();
  }
}
