import { join } from 'node:path';
import { MdxError } from '../errors.ts';
import {
  type DurableRecord,
  isJournal,
  isJournalFile,
  LOCK_NAME,
  PART_SUFFIX,
  type SegmentFile,
  segmentFiles,
} from './directory.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { DurableFile } from './durable-file.ts';
import { type Epoch, FIRST_PLACE, type FramePlace } from './frame.ts';
import { openSegmentBytes } from './segment-bytes.ts';
import { type SegmentScan, scanSegment, tailVerdict } from './segment-scan.ts';
import type { BadPlace } from './segment-walk.ts';

const COPY_BYTES = 1 << 20;
const HINT = 'Nothing is appended to it; see what mdx verify-journal says.';

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

/**
 * Looks at the end of a journal that a writer goes on with: what was being written when its writer ended, and was never
 * promised, is cut off; the rest is synced, and promised from now on. Throws MdxError `input-damaged` where the end is not
 * whole.
 */
export function findJournal(options: Where, durableFile: DurableFile): FoundJournal {
  const { disk, directory, tell, wallTime } = options;
  const durable = durableFile.found;
  let trimmed: Trimmed | null = null;
  for (let files = segmentFiles(disk.list(directory)); ; files = files.slice(0, -1)) {
    const file = files.at(-1);
    if (file === undefined) return nothing(options, durable, trimmed);
    const scan = scanOf(options, file);
    const verdict = tailVerdict(scan, file.number, durable, options.bootId);
    if (verdict.verdict === 'damaged') throw damaged(directory, file.name, verdict.bad);
    if (verdict.verdict === 'torn' && trimmed !== null) throw damaged(directory, file.name, badOf(scan));
    if (verdict.verdict === 'torn') {
      const { offset, bytes } = verdict;
      trimmed = { file: file.name, offset, bytes };
      // Another history begins, also where this writer ends before it has.
      durableFile.fail();
      tell(
        `the journal ${directory}: ${bytes} bytes at the end of ${file.name} were not whole and are cut off`,
      );
    }
    // Without an image nothing stands in it that the segment before has not led to.
    if (trimmed?.file === file.name && trimmed.offset === 0) {
      disk.remove(join(directory, file.name));
      disk.syncDirectory(directory);
      continue;
    }
    const isThisBoot = scan.head!.bootId === options.bootId;
    const { lastFrame: frame, end: offset, epoch } = scan;
    if (!file.isCompressed) {
      const isThere = isWritten(durable, file.number, offset, isThisBoot);
      settle(options, file, trimmed?.file === file.name ? offset : null, isThere);
    }
    const failed = trimmed !== null || isDoubtful(durable);
    const event = scan.nextEvent - 1;
    durableFile.write({ event, frame, offset, segment: file.number, epoch, failed, wallTime: wallTime() });
    // Zeros stand where a sync has failed and what was written is not there any more.
    const isAllThere = scan.isClosed || (isThisBoot && scan.zeros === 0);
    const isOld = !failed && isAllThere && (epoch.high | epoch.low) !== 0;
    return {
      lastEvent: event,
      segment: file.number,
      epoch: isOld ? epoch : newEpoch(),
      isNewEpoch: !isOld,
      trimmed,
      place: {
        frameNumber: frame + 1,
        eventNumber: scan.nextEvent,
        segment: file.number + 1,
        lastCrc: scan.lastCrc,
      },
    };
  }
}

/** Why the end of a segment that another one stood behind cannot be: what was promised came after it. */
function badOf({ bad, end }: SegmentScan): BadPlace {
  return bad ?? { offset: end, kind: 'cut', problem: 'it ends there, and a segment was begun behind it' };
}

interface Where {
  readonly disk: Disk;
  readonly directory: string;
  readonly bootId: string;
  readonly wallTime: () => bigint;
  readonly tell: (text: string) => void;
}

/** There is no segment, or none that came to hold anything. */
function nothing({ directory }: Where, durable: DurableRecord | null, trimmed: Trimmed | null): FoundJournal {
  if (durable !== null && durable.segment > 0) {
    const { event, segment } = durable;
    throw new MdxError(
      'input-damaged',
      `opening the journal ${directory}: event ${event} of segment ${segment} was durable, and no segment is there`,
      { hint: HINT },
    );
  }
  return { lastEvent: 0, segment: 0, epoch: newEpoch(), isNewEpoch: true, trimmed, place: FIRST_PLACE };
}

function scanOf({ disk, directory }: Where, file: SegmentFile): SegmentScan {
  const bytes = openSegmentBytes(disk, directory, file);
  try {
    return scanSegment(bytes);
  } finally {
    bytes.close();
  }
}

/** May the history that a record is of have ended? One that was garbled while it was rewritten may have said so. */
function isDoubtful(durable: DurableRecord | null): boolean {
  return durable !== null && (durable.failed || durable.segment === 0);
}

/**
 * Are the first `bytes` of a segment on the disk if one more sync says so? Where a sync has failed since the machine was booted
 * the system may take for written what never was, and whoever cuts off a tail says in the record that its sync may fail.
 * @param isThisBoot the segment was begun since.
 */
function isWritten(
  durable: DurableRecord | null,
  segment: number,
  bytes: number,
  isThisBoot: boolean,
): boolean {
  if (durable === null || durable.failed) return false;
  return !isThisBoot || (durable.segment === segment && durable.offset >= bytes);
}

/**
 * Cuts the last segment and makes sure that what is left of it survives a loss of power. What may not be there is written anew,
 * beside what is: that was promised perhaps, and nobody knows how much of it.
 * @param end where to cut it, or null.
 */
function settle({ disk, directory }: Where, file: SegmentFile, end: number | null, isThere: boolean): void {
  const path = join(directory, file.name);
  const open = disk.open(path, 'modify');
  let copy: string | null = null;
  try {
    if (end !== null) open.truncate(end);
    if (isThere) open.sync();
    else copy = copyOf(disk, path, open);
  } finally {
    open.close();
  }
  if (copy !== null) disk.rename(copy, path);
  // Its writer may have ended before its name was.
  disk.syncDirectory(directory);
}

/** @returns path of a synced copy. */
function copyOf(disk: Disk, path: string, from: DiskFile): string {
  const to = path + PART_SUFFIX;
  const file = disk.open(to, 'create');
  try {
    const block = new Uint8Array(COPY_BYTES);
    for (let at = 0; at < from.bytes; ) {
      const count = from.read(block, at);
      if (count === 0) break;
      file.append(block.subarray(0, count));
      at += count;
    }
    file.sync();
  } finally {
    file.close();
  }
  return to;
}

function damaged(directory: string, name: string, { offset, problem }: BadPlace): MdxError {
  return new MdxError(
    'input-damaged',
    `opening the journal ${directory}: ${name} is damaged at byte ${offset}: ${problem}`,
    { hint: HINT },
  );
}

/**
 * Makes sure that a directory has nothing. Throws MdxError `output-exists` where there is a journal, unless it may be
 * replaced, or something else, which never is.
 */
export function clearJournal(disk: Disk, directory: string, mayReplace: boolean): void {
  const names = disk.list(directory).filter((name) => name !== LOCK_NAME);
  if (names.length === 0) return;
  if (!isJournal(names)) {
    throw new MdxError(
      'output-exists',
      `writing the journal ${directory}: other files are in it (${names[0]})`,
      {
        hint: 'Name a directory that is empty, or one to be made.',
      },
    );
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
