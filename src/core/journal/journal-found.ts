import { join } from 'node:path';
import { MdxError } from '../errors.ts';
import { type DurableRecord, isJournal, isJournalFile, LOCK_NAME, segmentFiles } from './directory.ts';
import type { Disk } from './disk.ts';
import { type Epoch, FIRST_PLACE, type FramePlace } from './frame.ts';

/** What was in the directory of a journal when a writer opened it. */
export interface FoundJournal {
  /** Number of its last event, and of its last segment; 0 = none. */
  readonly lastEvent: number;
  readonly segment: number;
  /** Of the segments to come, and whether those before have another. */
  readonly epoch: Epoch;
  readonly isNewEpoch: boolean;
  /** The end of the last segment that was no whole frame and has been cut off. */
  readonly trimmed: Trimmed | null;
  /** Where the next segment begins. */
  readonly place: FramePlace;
}

export interface Trimmed {
  readonly file: string;
  /** Where in the file it began, bytes, and how many there were. */
  readonly offset: number;
  readonly bytes: number;
}

/** Looks at a journal that a writer goes on with. Throws MdxError `input-damaged` where it is not whole. */
export function findJournal(
  { disk, directory }: { readonly disk: Disk; readonly directory: string },
  _durable: DurableRecord | null,
): FoundJournal {
  const last = segmentFiles(disk.list(directory)).at(-1);
  if (last === undefined) {
    return {
      lastEvent: 0,
      segment: 0,
      epoch: newEpoch(),
      isNewEpoch: true,
      trimmed: null,
      place: FIRST_PLACE,
    };
  }
  throw new MdxError('journal-failed', `opening the journal ${directory}: it has events already`);
}

/**
 * Makes sure that a directory has nothing. Throws MdxError `output-exists` where there is a journal, unless it may be
 * replaced, or something else, which never is.
 */
export function clearJournal(disk: Disk, directory: string, mayReplace: boolean): void {
  const names = disk.list(directory).filter((name) => name !== LOCK_NAME);
  if (names.length === 0) return;
  if (!isJournal(names)) {
    throw new MdxError('output-exists', `writing the journal ${directory}: other files are in it (${names[0]})`, {
      hint: 'Name a directory that is empty, or one to be made.',
    });
  }
  if (!mayReplace) {
    throw new MdxError('output-exists', `writing the journal ${directory}: it has one already`, {
      hint: 'Go on with it with --resume, replace it with --force, or name another directory.',
    });
  }
  // What is left where this is interrupted still is a journal, of its first segments.
  for (const name of names.filter(isJournalFile).reverse()) disk.remove(join(directory, name));
  disk.syncDirectory(directory);
}

/** Any number but 0, which says that the events alone decide the bytes. */
function newEpoch(): Epoch {
  const [high, low] = crypto.getRandomValues(new Int32Array(2)) as unknown as [number, number];
  return (high | low) === 0 ? { high, low: 1 } : { high, low };
}
