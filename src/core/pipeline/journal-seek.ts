import { toBigInt } from '../binary/time.ts';
import type { BookRules } from '../event/rules.ts';
import type { JournalReader } from '../journal/journal-reader.ts';
import { isBeyond, type Until } from './until.ts';

/** Segments gone back for groups that may not have ended: one that takes longer does not end. */
const STEPS_BACK_MAX = 3;

/**
 * The segment to read from for the books at a point, null = at the end: its image and the events behind it lead to what all
 * events from the start do. The last image in front of the first event that is later than the point; an earlier one where
 * a group of events had begun when it was taken and has not ended at the point: what is in it does not count yet.
 */
export function segmentFor(journal: JournalReader, point: Until | null, rules: BookRules): number {
  const last = journal.files.length - 1;
  let at = 0;
  if (point === null) {
    // A segment without events does not tell what the last one was.
    for (at = last; at > 0 && journal.isEmpty(at); ) at -= 1;
    return at;
  }
  while (at < last && !isPassedIn(journal, at, point)) at += 1;
  // Where nothing comes between an image and the point, the segment before tells what the last event was.
  if (at > 0 && beginsBeyond(journal, at, point)) at -= 1;
  for (let steps = 0; steps < STEPS_BACK_MAX && mayHaveOpenGroup(journal, at, point, rules); steps += 1)
    at -= 1;
  return at;
}

/** The last segment that begins at or in front of an event; the first where none does. */
export function segmentWith(journal: JournalReader, event: number): number {
  let at = journal.files.length - 1;
  for (; at > 0; at -= 1) {
    const start = journal.start(at);
    if (typeof start !== 'string' && start.event <= event) break;
  }
  return Math.max(0, at);
}

/** Is a group at a point open that had begun in front of a segment? */
function mayHaveOpenGroup(
  journal: JournalReader,
  at: number,
  point: Until,
  { groupScope }: BookRules,
): boolean {
  if (at === 0) return false;
  const { endsInGroup, openBooks } = journal.index(at - 1);
  if (groupScope === 'book') return openBooks > 0;
  if (!endsInGroup) return false;
  const end = journal.firstGroupEnd(at);
  return end === null || isBeyond(point, end, 0, end.firstEvent);
}

/** Is the first event of a segment later than a point? */
export function beginsBeyond(journal: JournalReader, at: number, point: Until): boolean {
  const first = journal.firstEvent(at);
  return first !== null && isBeyond(point, first, 0, first.firstEvent);
}

/** Has a segment an event that is later than a point? */
function isPassedIn(journal: JournalReader, at: number, point: Until): boolean {
  if (point.kind === 'event') {
    const behind = journal.start(at + 1);
    const next = typeof behind === 'string' ? journal.index(at).nextEvent : behind.event;
    return next - 1 > point.event;
  }
  const index = journal.index(at);
  if (point.kind === 'sequence') return (index.sequences.get(point.channel) ?? 0) > point.sequence;
  const latest = point.kind === 'venue' ? index.latestVenue : index.latestReceive;
  return latest > toBigInt(point.high, point.low);
}
