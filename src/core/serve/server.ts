import type { ServeConfig } from '../config/serve-config.ts';
import { MdxError } from '../errors.ts';
import { ByteRing } from '../packet/byte-ring.ts';
import type { ServeContext } from './context.ts';
import { EngineLink } from './engine-link.ts';
import { follow } from './follower.ts';
import { lineSpecsOf } from './line-specs.ts';
import { MainPublisher } from './main-follower.ts';
import type { EngineStatus } from './status.ts';

/** Bytes between the engine and a thread that follows: about a second of 200,000 events each second. */
const TAP_BYTES: number = 1 << 23;

export interface ServeOptions {
  readonly version: string;
  readonly config: ServeConfig;
  readonly tell: (level: 'info' | 'warn', text: string) => void;
}

/** Everything that `mdx serve` runs: the engine and those that follow it, started together and ended in order. */
export class Serve {
  /** Resolves when all has ended as asked; rejects with MdxError where a part has failed. */
  readonly ended: Promise<void>;
  readonly context: ServeContext;
  readonly #options: ServeOptions;
  readonly #engine: EngineLink;
  readonly #control: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  readonly #asked: Promise<void>;
  #ask: () => void = () => {};

  private constructor(options: ServeOptions) {
    const { config, version, tell } = options;
    this.#options = options;
    this.#asked = new Promise((resolve) => {
      this.#ask = resolve;
    });
    const main = new ByteRing(TAP_BYTES);
    this.#engine = new EngineLink(
      {
        version,
        config,
        lines: lineSpecsOf(config),
        taps: [{ name: 'main', memory: main.memory }],
        control: this.#control.buffer as SharedArrayBuffer,
      },
      tell,
    );
    const publisher = new MainPublisher([]);
    const startedAt = Date.now();
    this.context = {
      version,
      startedAt,
      status: () => this.#engine.status,
      books: () => publisher.books(),
      clients: () => [],
      command: (command) => this.#engine.command(command),
    };
    const following = follow(main, publisher).catch((error: unknown) => {
      // An engine that failed says better why.
      if (this.#engine.status.state !== 'failed') throw error;
    });
    this.ended = this.#run(following);
  }

  static start(options: ServeOptions): Serve {
    return new Serve(options);
  }

  get status(): EngineStatus {
    return this.#engine.status;
  }

  /** Takes nothing more in, ends the journal and the clients in order; `ended` tells when. */
  stop(): void {
    this.#ask();
    this.#engine.stop();
  }

  async #run(following: Promise<unknown>): Promise<void> {
    const stopped = Promise.all([this.#engine.ended, following]);
    stopped.catch(() => {});
    // A part that dies takes the others with it: nothing goes on that only looks alive.
    await Promise.race([stopped, this.#lateStop()]);
  }

  /** Rejects when stopping takes longer than it may. */
  async #lateStop(): Promise<never> {
    const { timeoutMs } = this.#options.config.shutdown;
    await this.#asked;
    await new Promise((resolve) => setTimeout(resolve, timeoutMs).unref());
    // Nobody is waited for any more.
    Atomics.store(this.#control, 0, 1);
    throw new MdxError('internal', `stopping took longer than ${timeoutMs} ms; what was left was given up`);
  }
}
