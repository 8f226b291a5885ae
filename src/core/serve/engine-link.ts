import type { Worker } from 'node:worker_threads';
import { MdxError } from '../errors.ts';
import { startThread } from '../threads/start-thread.ts';
import type { EnginePlan, EngineRequest, EngineWord } from './engine-plan.ts';
import type { EngineAnswer, EngineCommand, EngineStatus } from './status.ts';

const NOT_YET: EngineStatus = {
  state: 'starting',
  problem: null,
  time: 0,
  feed: null,
  epoch: '',
  messages: 0,
  unknown: 0,
  malformed: 0,
  events: 0,
  lastEvent: 0,
  sessions: 0,
  inputs: [],
  lines: [],
  channels: [],
  pendingPackets: 0,
  polledMs: 0,
  recovery: null,
  journal: null,
  taps: [],
  threads: [],
  books: { known: 0, orders: 0, levels: 0, stale: 0 },
  anomalies: {},
};

/** The engine as the thread that supervises it sees it. */
export class EngineLink {
  status: EngineStatus = NOT_YET;
  /** Resolves when it has stopped in order; rejects with MdxError where it has failed, or its thread is gone. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #answers: Map<number, (answer: EngineAnswer) => void> = new Map();
  #asked = 0;

  constructor(plan: EnginePlan, tell: (level: 'info' | 'warn', text: string) => void) {
    this.#worker = startThread('./engine-thread', import.meta.url, { workerData: plan });
    this.ended = new Promise((resolve, reject) => {
      this.#worker.on('message', (word: EngineWord) => {
        if (word.kind === 'status') this.status = word.status;
        else if (word.kind === 'tell') tell(word.level, word.text);
        else if (word.kind === 'answer') this.#answer(word.id, word.answer);
        else if (word.kind === 'stopped') resolve();
        else reject(new MdxError(word.code, word.message, { hint: word.hint ?? undefined }));
      });
      this.#worker.once('error', (error) => reject(died((error as Error).stack ?? String(error))));
      this.#worker.once('exit', () => reject(died('it ended by itself')));
    });
    // Looked at by whoever waits for it; until then nothing is lost.
    this.ended.catch(() => this.#failAll());
  }

  /** It is not waited for any more: the process may end without it. */
  letGo(): void {
    this.#worker.unref();
  }

  stop(): void {
    this.#ask({ kind: 'stop' });
  }

  command(command: EngineCommand): Promise<EngineAnswer> {
    this.#asked += 1;
    const id = this.#asked;
    this.#ask({ kind: 'command', id, command });
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  #ask(request: EngineRequest): void {
    this.#worker.postMessage(request);
  }

  #answer(id: number, answer: EngineAnswer): void {
    this.#answers.get(id)?.(answer);
    this.#answers.delete(id);
  }

  #failAll(): void {
    this.status = { ...this.status, state: 'failed' };
    for (const answer of this.#answers.values()) answer({ ok: false, text: 'the engine has ended' });
    this.#answers.clear();
  }
}

function died(why: string): MdxError {
  return new MdxError('internal', `the thread of the engine died: ${why}`);
}
