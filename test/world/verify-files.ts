import { segmentFiles } from '../../src/core/journal/directory.ts';
import type { SegmentFacts } from '../../src/core/journal/segment-facts.ts';
import { readDurableOf } from '../../src/core/journal/verify.ts';
import { judge } from '../../src/core/journal/verify-judge.ts';
import { type VerifyReport, verifyReport } from '../../src/core/journal/verify-report.ts';
import { verifySegment } from '../../src/core/journal/verify-run.ts';
import { MapDisk } from './map-disk.ts';
import { RULES } from './whole-journal.ts';

/** Files of a directory. */
export type Files = (readonly [name: string, bytes: Uint8Array])[];

/** Segments that were verified before, by their bytes. */
export type KnownSegments = WeakMap<Uint8Array, SegmentFacts>;

export interface VerifyFilesOptions {
  /** False: only frames are looked at, as for a feed that is not known. */
  readonly hasBooks?: boolean;
  readonly expectedHash?: bigint | null;
  readonly known?: KnownSegments;
}

/** Verifies a small journal in memory, at once. */
export function verifyFiles(
  files: Files,
  { hasBooks = true, expectedHash = null, known = new WeakMap() }: VerifyFilesOptions = {},
): VerifyReport {
  const disk = new MapDisk(files);
  const segments = segmentFiles(disk.list()).map((file) => {
    const bytes = disk.files.get(file.name)!;
    const before = known.get(bytes);
    if (before !== undefined && before.name === file.name) return before;
    const steps = verifySegment(disk, '', file, (feed) => (feed === 'x' && hasBooks ? RULES : null));
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    known.set(bytes, step.value!);
    return step.value!;
  });
  const durable = readDurableOf(disk, '');
  const judgement = judge(segments, { isJournal: true, durable, isLive: false, bootId: '' });
  return verifyReport(
    { segments, judgement, durable },
    { version: '', path: '', isLive: false, expectedHash, restart: null, repaired: null, elapsedNs: 1 },
  );
}
