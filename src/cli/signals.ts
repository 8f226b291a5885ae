import { EXIT_SIGINT, EXIT_SIGTERM } from './exit-codes.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM';

const EXIT_OF: Readonly<Record<StopSignal, number>> = { SIGINT: EXIT_SIGINT, SIGTERM: EXIT_SIGTERM };

/**
 * The wish to stop, as pipelines see it: they poll `signal` once per chunk or batch, finish what they hold and
 * report. The first SIGINT or SIGTERM sets it, the second leaves at once with 130 or 143.
 *
 * A process that was started by an older Node (bin/run.js) gets its signals twice when they come from the
 * terminal, which sends them to the whole group, and once when they were sent to the process id that the user
 * sees. So its parent passes every signal on as a message, and what counts is the larger of both numbers.
 */
export class Interruption {
  #signal: StopSignal | null = null;
  readonly #own: Record<string, number> = {};
  readonly #passedOn: Record<string, number> = {};
  readonly #listeners: (() => void)[] = [];
  readonly #controller: AbortController = new AbortController();

  /** Aborted at the first signal: for what waits. */
  get aborted(): AbortSignal {
    return this.#controller.signal;
  }

  /** The signal that asked to stop, null while nobody did. */
  get signal(): StopSignal | null {
    return this.#signal;
  }

  /** Exit code of a finite command that was stopped, null while nobody asked. */
  get exitCode(): number | null {
    return this.#signal === null ? null : EXIT_OF[this.#signal];
  }

  /** Calls back at the first signal: for sources that wait and have to be closed. */
  onRequest(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Starts to listen to the process's signals; once per process. */
  watch(): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => this.#count(this.#own, this.#passedOn, signal));
    }
    if (process.channel === undefined) return;
    process.on('message', (message: unknown) => {
      const signal = (message as { signal?: unknown } | null)?.signal;
      if (signal === 'SIGINT' || signal === 'SIGTERM') this.#count(this.#passedOn, this.#own, signal);
      else if (signal === 'SIGUSR2') process.emit('SIGUSR2');
    });
    process.channel.unref();
  }

  #count(mine: Record<string, number>, other: Record<string, number>, signal: StopSignal): void {
    const count = (mine[signal] ?? 0) + 1;
    mine[signal] = count;
    if (count > (other[signal] ?? 0)) this.request(signal);
  }

  /** What a signal does. */
  request(signal: StopSignal): void {
    if (this.#signal !== null) process.exit(EXIT_OF[signal]);
    this.#signal = signal;
    this.#controller.abort();
    for (const listener of this.#listeners) listener();
  }
}
