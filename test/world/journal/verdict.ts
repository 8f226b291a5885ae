import type { BookRules } from '../../../src/core/event/rules.ts';
import { segmentFiles } from '../../../src/core/journal/directory.ts';
import type { Disk } from '../../../src/core/journal/disk.ts';
import type { SegmentFacts } from '../../../src/core/journal/segment-facts.ts';
import { readDurableOf } from '../../../src/core/journal/verify.ts';
import { judge } from '../../../src/core/journal/verify-judge.ts';
import { verifySegment } from '../../../src/core/journal/verify-run.ts';

/** What `verify-journal` finds of a journal whose feed has such rules: `pass`, `torn`, or what is wrong. */
export function verdictOf(disk: Disk, directory: string, rules: BookRules, bootId: string): string {
  const segments: SegmentFacts[] = [];
  for (const file of segmentFiles(disk.list(directory))) {
    const steps = verifySegment(disk, directory, file, () => rules);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    if (step.value !== null) segments.push(step.value);
  }
  const durable = readDurableOf(disk, directory);
  const { damage, failed, tornTail } = judge(segments, { isJournal: true, durable, isLive: false, bootId });
  if (damage.length > 0 || failed.length > 0) return JSON.stringify({ damage, failed });
  return tornTail === null ? 'pass' : 'torn';
}
