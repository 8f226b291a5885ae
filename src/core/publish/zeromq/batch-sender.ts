import { setTimeout as pause } from 'node:timers/promises';
import { Push, XPublisher } from 'zeromq';
import { MdxError } from '../../errors.ts';
import { type Batch, encodeBatch, PROTOCOL_VERSION } from './batch.ts';
import type { ZmqEndpoint } from './zmq-endpoint.ts';

const VERSION_FRAME: Uint8Array = Uint8Array.of(PROTOCOL_VERSION);
/** How often the end is told again while a subscriber has not taken it. */
const END_MS = 50;
const SUBSCRIBED = 1;
/** How long a peer that takes nothing is waited for once somebody has asked to stop. */
const GRACE_MS = 1000;

/** How an endpoint is opened. */
export interface Opening {
  /** Ends the waiting for a peer. */
  readonly signal: AbortSignal | null;
  /** Is told where somebody can connect: `listening tcp://127.0.0.1:40001`. */
  readonly tell: (text: string) => void;
}

/** The batch that ends a topic; null: that of the endpoint. */
export interface Last {
  readonly batch: Batch;
  readonly topic: string | null;
}

/**
 * Sends batches, one at a time and in order. Push waits while its peers are slow or none is there. Pub drops what a
 * subscriber is too slow for, as ZeroMQ does; subscribers see it by the numbers.
 */
export class BatchSender {
  readonly #endpoint: ZmqEndpoint;
  readonly #socket: Push | XPublisher;
  readonly #signal: AbortSignal | null;
  /** Subscriptions at hand. */
  #subscribers = 0;
  #wake: (() => void) | null = null;
  #stop: (() => void) | null = null;
  #closed = false;
  /** Resolves when the closed socket has handed over what it held, or has waited for its linger time. */
  readonly #drained: Promise<void>;

  private constructor(endpoint: ZmqEndpoint, socket: Push | XPublisher, signal: AbortSignal | null) {
    this.#endpoint = endpoint;
    this.#socket = socket;
    this.#signal = signal;
    this.#drained = untilEnd(socket);
    if (socket instanceof XPublisher) void this.#watchSubscribers(socket);
    signal?.addEventListener(
      'abort',
      () => {
        this.#stop?.();
        this.#wake?.();
      },
      { once: true },
    );
  }

  /** Rejects with MdxError `socket-busy` or `socket-refused`. */
  static async open(endpoint: ZmqEndpoint, { signal, tell }: Opening): Promise<BatchSender> {
    const options = { sendHighWaterMark: endpoint.highWater, linger: endpoint.lingerMs };
    const socket = endpoint.pattern === 'push' ? new Push(options) : new XPublisher(options);
    if (socket instanceof XPublisher) socket.verbosity = 'allSubsUnsubs';
    await attach(socket, endpoint, tell);
    const sender = new BatchSender(endpoint, socket, signal);
    while (sender.#subscribers < endpoint.subscribers && !signal?.aborted) await sender.#changed();
    return sender;
  }

  /** @returns false where it was not sent, because somebody asked to stop and no peer took it. */
  async send(batch: Batch, topic: string | null = null): Promise<boolean> {
    if (this.#closed) return false;
    const sending = this.#socket.send(this.#framesOf(batch, topic)).then(() => true);
    try {
      const isSent = await Promise.race([sending, this.#patience()]);
      if (!isSent) {
        this.#socket.linger = 0;
        this.close();
        await sending;
      }
      return isSent;
    } catch (error) {
      if (this.#closed) return false;
      throw new MdxError('output-failed', `writing ${this.#endpoint.text}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /**
   * Sends the last batch of every topic. To subscribers again and again until they have gone, for the linger time at most: one whose queue
   * is full would not hear of it.
   */
  async finish(last: readonly Last[]): Promise<void> {
    for (const { batch, topic } of last) await this.send(batch, topic);
    if (this.#endpoint.pattern === 'pub') {
      const patience = this.#signal?.aborted ? GRACE_MS : this.#endpoint.lingerMs;
      const until = performance.now() + patience;
      while (this.#subscribers > 0 && !this.#closed && performance.now() < until) {
        await Promise.race([this.#changed(), pause(END_MS)]);
        for (const { batch, topic } of this.#subscribers > 0 ? last : []) await this.send(batch, topic);
      }
    }
    this.close();
    await this.#drained;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.#wake?.();
  }

  #framesOf(batch: Batch, said: string | null): Uint8Array[] {
    const message = encodeBatch(batch);
    if (this.#endpoint.pattern === 'push') return [VERSION_FRAME, message];
    const topic = said ?? this.#endpoint.topic ?? `mdx|${batch.kind}`;
    return [new TextEncoder().encode(topic), VERSION_FRAME, message];
  }

  async #watchSubscribers(socket: XPublisher): Promise<void> {
    try {
      for (;;) {
        const [message] = await socket.receive();
        this.#subscribers += message![0] === SUBSCRIBED ? 1 : -1;
        this.#wake?.();
      }
    } catch {
      // The socket was closed.
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Resolves with false when a peer was waited for long enough; never while nobody asks to stop. */
  async #patience(): Promise<boolean> {
    const signal = this.#signal;
    if (signal === null) return new Promise<never>(() => {});
    if (!signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#stop = resolve;
      });
    }
    await pause(GRACE_MS, undefined, { ref: false });
    return false;
  }
}

/** A process that ends earlier may take with it what the library has not sent yet. */
async function untilEnd({ events }: Push | XPublisher): Promise<void> {
  for await (const _ of events);
}

/** Binds or connects, and says where. */
export async function attach(
  socket: {
    bind(address: string): Promise<void>;
    connect(address: string): void;
    close(): void;
    readonly lastEndpoint: string | null;
  },
  { text, address, binds }: ZmqEndpoint,
  tell: (text: string) => void,
): Promise<void> {
  try {
    if (!binds) {
      socket.connect(address);
      return;
    }
    await socket.bind(address);
  } catch (error) {
    socket.close();
    const { code } = error as NodeJS.ErrnoException;
    const what = `opening ${text}`;
    if (code === 'EADDRINUSE') {
      throw new MdxError('socket-busy', `${what}: another process listens there (${code})`, {
        hint: 'Choose another port, or 0 for one that the system chooses.',
        cause: error,
      });
    }
    throw new MdxError('socket-refused', `${what}: the system answers ${code ?? String(error)}`, {
      cause: error,
    });
  }
  tell(`listening ${socket.lastEndpoint ?? address}`);
}
