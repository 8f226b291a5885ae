import type { ZmqSink } from '../core/pipeline/zeromq/zmq-sink.ts';
import { parseZmqEndpoint } from '../core/publish/zeromq/zmq-endpoint.ts';
import type { Target } from './output-target.ts';

interface Waiting {
  readonly signal: AbortSignal | null;
  readonly tell: (text: string) => void;
}

/**
 * A ZeroMQ socket that takes pcapng and event streams: blocks wait until it is open and while its peers are slow. Nobody
 * there when somebody asks to stop: the reader left.
 */
export class ZmqTarget implements Target {
  readonly name: string;
  readonly isTerminal = false;
  waiting = 0;
  closed = false;
  failure: Error | null = null;
  readonly #blocks: Buffer[] = [];
  #sink: ZmqSink | null = null;
  #wake: (() => void) | null = null;
  /** Blocks are on their way. */
  #sending: Promise<void>;
  #isSending = true;

  /** Throws MdxError `usage`. */
  constructor(text: string, waiting: Waiting) {
    this.name = text;
    const endpoint = parseZmqEndpoint(text, true);
    const open = async (): Promise<void> => {
      // Loaded here: it brings a library that nobody else needs.
      const { ZmqSink } = await import('../core/pipeline/zeromq/zmq-sink.ts');
      this.#sink = await ZmqSink.open(endpoint, waiting);
      await this.#sendAll();
    };
    this.#sending = this.#guarded(open);
  }

  put(block: Buffer): void {
    this.waiting += block.length;
    this.#blocks.push(block);
    if (this.#isSending || this.closed || this.failure !== null) return;
    this.#isSending = true;
    this.#sending = this.#guarded(() => this.#sendAll());
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
    await this.#sending;
    if (this.failure !== null) throw this.failure;
    if (!this.closed) await this.#sink?.finish();
  }

  discard(): void {
    this.closed = true;
    this.#sink?.close();
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failure ??= error as Error;
    }
    this.#wake?.();
  }

  async #sendAll(): Promise<void> {
    for (let block = this.#blocks.shift(); block !== undefined; block = this.#blocks.shift()) {
      if (!(await this.#sink!.write(block))) {
        this.closed = true;
        return;
      }
      this.waiting -= block.length;
      this.#wake?.();
    }
    this.#isSending = false;
  }
}
