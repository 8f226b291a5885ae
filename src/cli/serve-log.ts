import { type Logger, pino } from 'pino';
import type { ServeConfig } from '../core/config/serve-config.ts';
import { type LogLevel, RepeatLimit } from '../core/observe/log.ts';

const WINDOW_MS = 10_000;
const SWEEP_MS = 1000;
/** Texts of one kind that are told in a window. */
const MOST = 10;

/** Where the log goes. */
export interface LogSinks {
  /** As it is configured now: SIGHUP may change it. */
  config(): ServeConfig['log'];
  /** Lines for people. */
  text(level: LogLevel, text: string): void;
  /** One JSON document, with its end of line. */
  json(line: string): void;
}

/** What a server tells while it runs: lines for people, or JSON for machines; repeats are told as one. */
export class ServeLog {
  readonly #sinks: LogSinks;
  readonly #json: Logger;
  readonly #limit: RepeatLimit;
  readonly #timer: NodeJS.Timeout;

  constructor(sinks: LogSinks) {
    this.#sinks = sinks;
    this.#json = pino(
      {
        level: 'info',
        base: { target: 'serve' },
        timestamp: () => `,"ts":"${new Date().toISOString()}"`,
        formatters: { level: (level) => ({ level }) },
      },
      { write: (line) => sinks.json(line) },
    );
    this.#limit = new RepeatLimit({
      most: MOST,
      windowMs: WINDOW_MS,
      now: () => performance.now(),
      write: (level, text, repeated) => this.#write(level, text, repeated),
    });
    this.#timer = setInterval(() => this.#limit.sweep(), SWEEP_MS).unref();
  }

  tell(level: LogLevel, text: string): void {
    const { level: wanted } = this.#sinks.config();
    if (wanted === 'silent' || wanted === 'error' || (wanted === 'warn' && level === 'info')) return;
    this.#limit.tell(level, text);
  }

  /** Tells what was left out so far. */
  close(): void {
    clearInterval(this.#timer);
    this.#limit.close();
  }

  #write(level: LogLevel, text: string, repeated: number | null): void {
    if (this.#sinks.config().format === 'json') {
      this.#json[level](repeated === null ? {} : { repeated }, text);
    } else this.#sinks.text(level, repeated === null ? text : `${text} (and ${repeated} like it in between)`);
  }
}
