import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Conversion } from '../../../../src/core/convert/conversion.ts';
import type { EventBatch } from '../../../../src/core/event/batch.ts';
import { EventBatch as Batch } from '../../../../src/core/event/batch.ts';
import type { Dictionary } from '../../../../src/core/event/dictionary.ts';
import { RECORD_WORDS } from '../../../../src/core/event/record.ts';
import { type DiffReport, diffReport } from '../../../../src/core/pipeline/diff/diff-report.ts';
import { type DiffOptions, type DiffResult, diff } from '../../../../src/core/pipeline/diff/diff-run.ts';
import { run } from '../../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../../src/core/pipeline/run-options.ts';
import { runOptions } from '../../../world/run-options.ts';
import { type Event, eventsOf } from '../../journal/streams.ts';

/** A folder for the two sides of comparisons; remove it at the end. */
export class Sides {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'mdx-diff-'));
  #files = 0;

  write(bytes: Uint8Array | readonly Uint8Array[], name = ''): string {
    this.#files += 1;
    const path = join(this.folder, `${this.#files}${name}`);
    writeFileSync(path, bytes instanceof Uint8Array ? bytes : Buffer.concat([...bytes]));
    return path;
  }

  /** Reads a file through a conversion and writes what comes out. */
  async convert(
    path: string,
    open: (sink: (chunk: Uint8Array) => void) => Conversion,
    wanted: Partial<RunOptions> = {},
  ): Promise<string> {
    const chunks: Uint8Array[] = [];
    const conversion = open((chunk) => chunks.push(chunk.slice()));
    await run(runOptions([path], { observers: [conversion], ...wanted }));
    conversion.finish();
    return this.write(chunks);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export interface Wanted extends Partial<Pick<DiffOptions, 'align' | 'by' | 'withIds' | 'show'>> {
  readonly input?: Partial<RunOptions>;
}

export function compare(a: string, b: string, wanted: Wanted = {}): Promise<DiffResult> {
  const { align = null, by = null, withIds = false, show = 3, input = {} } = wanted;
  return diff({
    sides: [runOptions([a], input), runOptions([b], input)],
    align,
    by,
    withIds,
    show,
    signal: null,
    stop: () => false,
    progress: () => {},
  });
}

export async function reportOf(a: string, b: string, wanted: Wanted = {}): Promise<DiffReport> {
  const result = await compare(a, b, wanted);
  return diffReport(result, { version: '', withIds: wanted.withIds ?? false, around: 1 });
}

/** All events of a file, and the books they are about. */
export async function eventsIn(path: string): Promise<{ events: Event[]; dictionary: Dictionary }> {
  const events: Event[] = [];
  const watch = {
    records(batch: EventBatch, from: number, to: number): void {
      const part = new Batch(to - from);
      const { words, capacity, count, ...bases } = batch;
      Object.assign(part, bases);
      part.words.set(words.subarray(from * RECORD_WORDS, to * RECORD_WORDS));
      part.count = to - from;
      events.push(...eventsOf(part));
    },
  };
  const { books } = await run(runOptions([path], { observers: [watch] }));
  return { events, dictionary: books.dictionary };
}
