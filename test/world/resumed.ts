import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stateHash } from '../../src/core/book/state-hash.ts';
import { JournalOutput } from '../../src/core/convert/journal-output.ts';
import { EventBatch } from '../../src/core/event/batch.ts';
import { RECORD_WORDS } from '../../src/core/event/record.ts';
import { FEEDS } from '../../src/core/feeds/registry.ts';
import { segmentFiles } from '../../src/core/journal/directory.ts';
import type { FoundJournal } from '../../src/core/journal/journal-found.ts';
import { JournalWriter } from '../../src/core/journal/journal-writer.ts';
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

  /** A name that nothing has yet. */
  name(): string {
    return this.#next();
  }

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
      ...RECOVERY,
      directory,
      tell: (text) => told.push(text),
    })!;
    const resumption = new Resumption(recovered);
    const recorder = new Recorder();
    const { books } = await run(runOptions(paths, { ...options, observers: [recorder], resume: resumption }));
    return { events: recorder.events, hashes: hashesOf(books), books, recovered, resumption, told };
  }

  /**
   * Writes to a journal what it lacks, as the program does. `closed`: to the end; `abandoned`: its writer goes away behind
   * what it synced; `torn`: and leaves a part of a frame.
   */
  async write(
    directory: string,
    paths: readonly string[],
    options: Partial<RunOptions>,
    how: 'closed' | 'abandoned' | 'torn',
    segmentEvents: number,
  ): Promise<{ readonly found: FoundJournal; readonly isTorn: boolean }> {
    const writer = JournalWriter.open({
      disk: NODE_DISK,
      directory,
      version: '0.0.0',
      bootId: 'ab'.repeat(16),
      wallTime: () => 0n,
      now: () => 0,
      fsync: { kind: 'never' },
      commitMs: 0,
      segmentBytes: 1e9,
      segmentEvents,
      keepBytes: null,
      keepNs: null,
      compress: false,
      minFreeBytes: 0,
      tell: () => {},
    });
    const recovered = recoverBooks({ ...RECOVERY, directory, tell: () => {} });
    const output = new JournalOutput(writer, 1e6);
    await run(
      runOptions(paths, {
        ...options,
        observers: [output],
        endsOpen: true,
        resume: recovered === null ? null : new Resumption(recovered),
        breathe: async () => output.flush(),
      }),
    );
    if (how === 'closed') output.finish();
    else output.abandon();
    const isTorn = how === 'torn' && writer.segments > 0;
    if (isTorn) {
      const last = join(directory, segmentFiles(NODE_DISK.list(directory)).at(-1)!.name);
      const file = NODE_DISK.open(last, 'modify');
      const frame = new Uint8Array(60);
      file.read(frame, 0);
      file.append(frame);
      file.close();
    }
    return { found: writer.found, isTorn };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #next(): string {
    this.#names += 1;
    return join(this.folder, String(this.#names));
  }
}

const RECOVERY = { disk: NODE_DISK, feeds: FEEDS, naming: null };

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
