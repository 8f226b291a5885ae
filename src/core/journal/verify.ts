import { availableParallelism } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { MdxError } from '../errors.ts';
import { startThread } from '../threads/start-thread.ts';
import {
  DURABLE_BYTES,
  DURABLE_NAME,
  type DurableRecord,
  isJournal,
  NOTHING_DURABLE,
  readDurable,
  type SegmentFile,
  segmentFiles,
} from './directory.ts';
import type { Disk } from './disk.ts';
import { NODE_DISK } from './node-disk.ts';
import { openSegmentBytes } from './segment-bytes.ts';
import type { SegmentFacts } from './segment-facts.ts';
import type { RulesOf } from './segment-verifier.ts';
import { type Judgement, judge } from './verify-judge.ts';
import { VERIFY_STOP, VERIFY_WORDS, type VerifyPlan, type VerifyWord } from './verify-plan.ts';
import { verifySegment } from './verify-run.ts';

/** Threads cost more than they give where there is less for each. */
const BYTES_PER_THREAD = 16_000_000;
/** Between two looks at whether threads should stop. */
const STOP_MS = 50;

export interface VerifyOptions {
  readonly disk: Disk;
  /** Directory of a journal, or one file of frames. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** A process writes it. */
  readonly isLive: boolean;
  /** Of this machine, empty where it is not known. */
  readonly bootId: string;
  readonly rulesOf: RulesOf;
  /** Most threads; 0 = as many as there are processors. Only of the machine's own disk more than one. */
  readonly jobs: number;
  /** Is told how many bytes were gone through, and of how many. */
  readonly progress: (bytes: number, total: number) => void;
  readonly stop: () => boolean;
}

/** What was found of a journal, or of one file. */
export interface Verified {
  /** In the order of their numbers. */
  readonly segments: readonly SegmentFacts[];
  readonly judgement: Judgement;
  /** Null where there is none that can be read. */
  readonly durable: DurableRecord | null;
}

/** Verifies every segment, and how they follow each other. Null where it was stopped. */
export async function verify(options: VerifyOptions): Promise<Verified | null> {
  const { disk, path, isDirectory, isLive, bootId } = options;
  // First the promise, then what it is about: a journal that is being written only grows.
  const durable = isDirectory ? readDurableOf(disk, path) : null;
  const { directory, files } = segmentsAt(disk, path, isDirectory);
  const found = await verifyAll(options, directory, files);
  if (found === null) return null;
  const segments = found
    .filter((facts) => facts !== null)
    .map((facts) => (isDirectory ? facts : { ...facts, number: facts.scan.segment }));
  return {
    segments,
    durable,
    judgement: judge(segments, { isJournal: isDirectory, durable, isLive, bootId }),
  };
}

/** The segments of a directory, or one file alone. Throws MdxError `input-format` where there is none. */
export function segmentsAt(
  disk: Disk,
  path: string,
  isDirectory: boolean,
): { readonly directory: string; readonly files: SegmentFile[] } {
  if (!isDirectory) return { directory: dirname(path), files: [fileOf(path)] };
  const names = disk.list(path);
  if (!isJournal(names))
    throw new MdxError('input-format', `reading ${path}: there is no segment of a journal in it`);
  return { directory: path, files: segmentFiles(names) };
}

/** The durable record of a directory; null where there is none, NOTHING_DURABLE where it cannot be read. */
export function readDurableOf(disk: Disk, directory: string): DurableRecord | null {
  if (!disk.list(directory).includes(DURABLE_NAME)) return null;
  const file = disk.open(join(directory, DURABLE_NAME), 'read');
  try {
    const bytes = new Uint8Array(DURABLE_BYTES);
    const isWhole = file.read(bytes, 0) === DURABLE_BYTES;
    return (isWhole ? readDurable(new DataView(bytes.buffer)) : null) ?? NOTHING_DURABLE;
  } finally {
    file.close();
  }
}

/** One file, alone: what its number is, only its frames say. */
function fileOf(path: string): SegmentFile {
  return { number: 0, name: basename(path), isCompressed: extname(path) === '.zst' };
}

type Found = (SegmentFacts | null)[];

async function verifyAll(
  options: VerifyOptions,
  directory: string,
  files: readonly SegmentFile[],
): Promise<Found | null> {
  const total = bytesOf(options.disk, directory, files);
  const jobs = options.jobs === 0 ? Math.ceil(total / BYTES_PER_THREAD) : options.jobs;
  const threads = Math.min(jobs, files.length, options.jobs === 0 ? availableParallelism() : jobs);
  let bytes = 0;
  const progress = (more: number): void => {
    bytes += more;
    options.progress(bytes, total);
  };
  return threads > 1 && options.disk === NODE_DISK
    ? inThreads(options, { directory, files, control: sharedWords() }, threads, progress)
    : here(options, directory, files, progress);
}

async function here(
  { disk, rulesOf, stop }: VerifyOptions,
  directory: string,
  files: readonly SegmentFile[],
  progress: (bytes: number) => void,
): Promise<Found | null> {
  const found: Found = [];
  for (const file of files) {
    const steps = verifySegment(disk, directory, file, rulesOf);
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) {
        found.push(step.value);
        break;
      }
      progress(step.value);
      await nextTurn();
      if (stop()) return null;
    }
  }
  return found;
}

async function inThreads(
  { stop }: VerifyOptions,
  plan: VerifyPlan,
  threads: number,
  progress: (bytes: number) => void,
): Promise<Found | null> {
  const found: Found = plan.files.map(() => null);
  const watch = setInterval(() => {
    if (stop()) Atomics.store(plan.control, VERIFY_STOP, 1);
  }, STOP_MS);
  try {
    await Promise.all(
      Array.from({ length: threads }, () =>
        runThread(startThread('./verify-thread', import.meta.url, { workerData: plan }), (word) => {
          if (word.kind === 'facts') found[word.index] = word.facts;
          else if (word.kind === 'bytes') progress(word.bytes);
          else throw new MdxError(word.code, word.message);
        }),
      ),
    );
  } finally {
    clearInterval(watch);
    Atomics.store(plan.control, VERIFY_STOP, 1);
  }
  return stop() ? null : found;
}

/** Settles when the thread has ended, or something it says is an error. */
function runThread(worker: Worker, take: (word: VerifyWord) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (word: VerifyWord) => {
      try {
        take(word);
      } catch (error) {
        reject(error);
      }
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
}

function sharedWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(VERIFY_WORDS * 4));
}

/** Bytes of frames in all files together; those that cannot be read count nothing. */
function bytesOf(disk: Disk, directory: string, files: readonly SegmentFile[]): number {
  let total = 0;
  for (const file of files) {
    try {
      const bytes = openSegmentBytes(disk, directory, file);
      total += bytes.bytes;
      bytes.close();
    } catch {
      // Whoever reads it says what is wrong.
    }
  }
  return total;
}
