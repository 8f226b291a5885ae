import type { Worker } from 'node:worker_threads';
import { MdxError } from '../errors.ts';
import { startThread } from '../threads/start-thread.ts';
import type { HttpReload } from './http/server.ts';
import type { RawV1Plan, RawV1Request, RawV1Status, RawV1Word } from './raw-v1-plan.ts';

const NOT_YET: RawV1Status = {
  isReady: false,
  clients: [],
  frames: 0,
  bytes: 0,
  drops: { cap: 0, handshake: 0, auth: 0, query: 0, snapshot: 0, gap: 0, write: 0, policy: 0, book: 0 },
  oldest: 0,
  next: 0,
  busBytes: 0,
  pinnedBytes: 0,
  refusedBooks: 0,
  pastFailures: 0,
};

/** The thread that serves raw-v1 as the thread that supervises it sees it. */
export class RawV1Link {
  status: RawV1Status = NOT_YET;
  /** Resolves with `HOST:PORT` of each endpoint; rejects with MdxError where one cannot be listened at. */
  readonly listening: Promise<readonly string[]>;
  /** Resolves when it has stopped as asked; rejects with MdxError where it has failed, or its thread is gone. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;

  /** @param tell hears what operators should know. */
  constructor(plan: RawV1Plan, tell: (level: 'warn', text: string) => void) {
    const worker = startThread('./raw-v1-thread', import.meta.url, { workerData: plan });
    this.#worker = worker;
    let listens: (addresses: readonly string[]) => void = () => {};
    const listening = new Promise<readonly string[]>((resolve) => {
      listens = resolve;
    });
    this.ended = new Promise((resolve, reject) => {
      worker.on('message', (word: RawV1Word) => {
        if (word.kind === 'status') this.status = word.status;
        else if (word.kind === 'warn') tell('warn', word.text);
        else if (word.kind === 'listening') listens(word.addresses);
        else if (word.kind === 'stopped') resolve();
        else reject(new MdxError(word.code, word.message, { hint: word.hint ?? undefined }));
      });
      worker.once('error', (error) => reject(died((error as Error).stack ?? String(error))));
      worker.once('exit', () => reject(died('it ended by itself')));
    });
    this.ended.catch(() => {});
    this.listening = Promise.race([listening, this.ended.then(() => [])]);
    this.listening.catch(() => {});
  }

  /** Closes the clients with the reason, once they have what was published, for at most `timeoutMs`. */
  stop(reason: string, timeoutMs: number): void {
    this.#ask({ kind: 'stop', reason, timeoutMs });
  }

  /** It is not waited for any more: what it still has is gone. */
  letGo(): void {
    void this.#worker.terminate();
  }

  /** Tokens, origins and the certificate that count from now on. */
  reload(reload: HttpReload): void {
    this.#ask({ kind: 'reload', ...reload });
  }

  #ask(request: RawV1Request): void {
    this.#worker.postMessage(request);
  }
}

function died(why: string): MdxError {
  return new MdxError('internal', `the thread of raw-v1 died: ${why}`);
}
