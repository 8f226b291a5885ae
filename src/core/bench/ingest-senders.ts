import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MdxError } from '../errors.ts';
import type { IngestPlan, IngestRound, ReaderCounts, ReaderRequest } from './ingest-plan.ts';

/** A process beside the one that is measured; it ends with it. */
class Other<Request extends object> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #died: Promise<never>;

  constructor(name: string) {
    this.#name = name;
    const file = new URL(`./ingest-${name}${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    this.#child = fork(fileURLToPath(file), [], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#died = once(this.#child, 'exit').then(() => {
      throw new MdxError('internal', `the ${this.#name} of events has ended`);
    });
    this.#died.catch(() => {});
  }

  /** Rejects when the process has ended. */
  get died(): Promise<never> {
    return this.#died;
  }

  say(request: Request): void {
    this.#child.send(request);
  }

  async ask(request: Request): Promise<unknown> {
    const answer = once(this.#child, 'message');
    this.say(request);
    return (await Promise.race([answer, this.#died]))[0];
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

/** Senders of events in a process of their own. */
export class IngestSenders extends Other<IngestPlan | IngestRound> {
  constructor() {
    super('process');
  }

  async connect(plan: IngestPlan): Promise<void> {
    await this.ask(plan);
  }

  /** Lets each send so many messages more. */
  send(messages: number): void {
    this.say({ messages });
  }
}

/** A client that reads all events, in a process of its own. */
export class IngestReader extends Other<ReaderRequest> {
  constructor() {
    super('reader');
  }

  async join(port: number, form: 'json' | 'dbn'): Promise<void> {
    await this.ask({ port, form });
  }

  /** Resolves when it has so many records since it joined. Rejects where it has more, or was told that some are lost. */
  async have(wanted: number): Promise<void> {
    const { records, lagged } = (await this.ask({ wanted })) as ReaderCounts;
    if (records === wanted && lagged === 0) return;
    throw new MdxError(
      'internal',
      `the reader has ${records} of ${wanted} records, told of a loss ${lagged} times`,
    );
  }
}
