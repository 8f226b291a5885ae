import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MdxError } from '../errors.ts';
import type { Inspected, Measured, Prepared, Question } from './worker.ts';
import type { WorkloadOptions } from './workload.ts';

/** The parent's end of a worker: starts it, asks it, ends it. */
export class WorkloadProcess {
  readonly #profile: string;
  readonly #child: ChildProcess;
  #settle: { resolve: (answer: never) => void; reject: (error: Error) => void } | null = null;
  #ended = false;

  /** @param v8Flags that the process is started with. */
  constructor(profile: string, v8Flags: readonly string[]) {
    this.#profile = profile;
    const file = new URL(`./worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    this.#child = fork(fileURLToPath(file), [], {
      execArgv: ['--expose-gc', ...v8Flags],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer) => this.#settle?.resolve(answer as never));
    this.#child.on('error', (error) => this.#fail(error.message));
    this.#child.on('exit', (code, signal) => this.#fail(`it ended with ${signal ?? code}`));
  }

  /** @param isShort one round is measured: warming up is not worth more than that. */
  prepare(options: WorkloadOptions, isShort: boolean): Promise<Prepared> {
    return this.#ask({ ask: 'prepare', profile: this.#profile, options, isShort });
  }

  measure(): Promise<Measured> {
    return this.#ask({ ask: 'measure' });
  }

  inspect(): Promise<Inspected> {
    return this.#ask({ ask: 'inspect' });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.connected) this.#child.disconnect();
    else this.#child.kill();
    await ended;
  }

  #ask<A>(question: Question): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      this.#settle = { resolve: resolve as (answer: never) => void, reject };
      if (this.#ended || !this.#child.connected) this.#fail('it is gone');
      else this.#child.send(question);
    });
  }

  #fail(what: string): void {
    this.#ended = true;
    this.#settle?.reject(
      new MdxError('internal', `measuring ${this.#profile} in a process of its own: ${what}`),
    );
  }
}
