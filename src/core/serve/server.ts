import type { ServeConfig } from '../config/serve-config.ts';
import { MdxError } from '../errors.ts';
import { ByteRing } from '../packet/byte-ring.ts';
import { startHttp } from './api/start.ts';
import type { ServeContext } from './context.ts';
import { EngineLink } from './engine-link.ts';
import { FollowedBooks } from './followed-books.ts';
import { follow } from './follower.ts';
import type { HttpServer } from './http/server.ts';
import { lineSpecsOf } from './line-specs.ts';
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
  #http: HttpServer | null = null;

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
    const followed = new FollowedBooks();
    this.context = {
      version,
      startedAt: Date.now(),
      status: () => this.#engine.status,
      books: () => followed.books(),
      clients: () => [],
      command: (command) => this.#engine.command(command),
    };
    const following = follow(main, [followed]).catch((error: unknown) => {
      // An engine that failed says better why.
      if (this.#engine.status.state !== 'failed') throw error;
    });
    const stopped = Promise.all([this.#engine.ended, following]);
    this.ended = this.#untilEnded(stopped);
    this.ended.catch(() => {});
  }

  /** Rejects with MdxError where an address is taken, or may not be listened at. */
  static async start(options: ServeOptions): Promise<Serve> {
    const serve = new Serve(options);
    try {
      await serve.#listen();
    } catch (error) {
      serve.stop();
      await serve.ended.catch(() => {});
      throw error;
    }
    return serve;
  }

  get status(): EngineStatus {
    return this.#engine.status;
  }

  /** Where HTTP is served. */
  get url(): string {
    return this.#http!.url;
  }

  /** Takes nothing more in, ends the journal and the clients in order; `ended` tells when. */
  stop(): void {
    this.#ask();
    this.#engine.stop();
  }

  async #listen(): Promise<void> {
    const { config, tell } = this.#options;
    this.#http = await startHttp(config, this.context, {
      onFailure: (error, what) => tell('warn', `${what}: ${(error as Error).message}`),
    });
    tell('info', `listening ${this.#http.url}`);
  }

  /** A part that dies takes the others with it: nothing goes on that only looks alive. */
  async #untilEnded(stopped: Promise<unknown>): Promise<void> {
    try {
      await Promise.race([stopped, this.#lateStop()]);
    } finally {
      // Nobody is waited for any more.
      Atomics.store(this.#control, 0, 1);
      await this.#http?.close(this.#options.config.shutdown.timeoutMs);
    }
  }

  /** Rejects when stopping takes longer than it may. */
  async #lateStop(): Promise<never> {
    const { timeoutMs } = this.#options.config.shutdown;
    await this.#asked;
    await new Promise((resolve) => setTimeout(resolve, timeoutMs).unref());
    throw new MdxError('internal', `stopping took longer than ${timeoutMs} ms; what was left was given up`);
  }
}
