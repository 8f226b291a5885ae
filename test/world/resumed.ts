import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stateHash } from '../../src/core/book/state-hash.ts';
import { EventBatch } from '../../src/core/event/batch.ts';
import { RECORD_WORDS } from '../../src/core/event/record.ts';
import { FEEDS } from '../../src/core/feeds/registry.ts';
import { NODE_DISK } from '../../src/core/journal/node-disk.ts';
import type { Books, EventObserver } from '../../src/core/pipeline/books.ts';
import { type Recovered, recoverBooks } from '../../src/core/pipeline/resume/recover-books.ts';
import { Resumption } from '../../src/core/pipeline/resume/resumption.ts';
import { run } from '../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../src/core/pipeline/run-options.ts';
import { type Event, eventsOf } from '../core/journal/streams.ts';
import { buildJournal, type JournalPlan } from './journals.ts';
import { runOptions } from './run-options.ts';

/** What a run wrote, and what it led to. */
export interface Written {
  readonly events: readonly Event[];
  readonly hashes: readonly string[];
  readonly books: Books;
}

/** A folder for inputs and journals; remove it at the end. */
export class Resumes {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'mdx-resume-'));
  #names = 0;

  file(bytes: Uint8Array): string {
    const path = this.#next();
    writeFileSync(path, bytes);
    return path;
  }

  /** A run without a journal. */
  async whole(paths: readonly string[], options: Partial<RunOptions> = {}): Promise<Written> {
    const recorder = new Recorder();
    const { books } = await run(runOptions(paths, { ...options, observers: [recorder] }));
    return { events: recorder.events, hashes: hashesOf(books), books };
  }

  /** Writes a journal that ends where the plan says. @returns its directory. */
  async journal(paths: readonly string[], plan: JournalPlan): Promise<string> {
    const directory = this.#next();
    await buildJournal(directory, paths, plan);
    return directory;
  }

  /** Goes on with a journal. */
  async resume(
    directory: string,
    paths: readonly string[],
    options: Partial<RunOptions> = {},
  ): Promise<
    Written & { readonly recovered: Recovered; readonly resumption: Resumption; readonly told: string[] }
  > {
    const told: string[] = [];
    const recovered = recoverBooks({
      disk: NODE_DISK,
      directory,
      feeds: FEEDS,
      naming: null,
      tell: (text) => told.push(text),
    })!;
    const resumption = new Resumption(recovered);
    const recorder = new Recorder();
    const { books } = await run(runOptions(paths, { ...options, observers: [recorder], resume: resumption }));
    return { events: recorder.events, hashes: hashesOf(books), books, recovered, resumption, told };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #next(): string {
    this.#names += 1;
    return join(this.folder, String(this.#names));
  }
}

/** State hashes of the sources that have books. */
export function hashesOf({ markets }: Books): string[] {
  return markets.map((market) => `${stateHash(market).version}:${stateHash(market).hash.toString(16)}`);
}

/** Keeps every event that is applied. */
class Recorder implements EventObserver {
  readonly events: Event[] = [];

  records(batch: EventBatch, from: number, to: number): void {
    const part = new EventBatch(to - from);
    Object.assign(part, { ...batch, words: part.words, capacity: part.capacity, count: to - from });
    part.words.set(batch.words.subarray(from * RECORD_WORDS, to * RECORD_WORDS));
    this.events.push(...eventsOf(part));
  }
}
