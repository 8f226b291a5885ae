import { FLAG_EXTENDED, RECORD_BYTES } from '../event/record.ts';
import type { DurableRecord } from './directory.ts';
import { EVENTS_HEAD_BYTES } from './event-frames.ts';
import { type Epoch, FRAME_CONTROL, FRAME_EVENTS, FRAME_IMAGE, FRAME_SEGMENT, IMAGE_END } from './frame.ts';
import { readSegment, type SegmentHead } from './payload.ts';
import type { SegmentBytes } from './segment-bytes.ts';
import { type BadPlace, SegmentWalk, WALK_BAD, WALK_END } from './segment-walk.ts';

/** What the frames of a segment say without their events being applied. */
export interface SegmentScan {
  /** Null where its segment frame is bad, or none came. */
  readonly head: SegmentHead | null;
  readonly segment: number;
  readonly epoch: Epoch;
  /** Number of the first frame and the first event, 0 = no frame came. */
  readonly firstFrame: number;
  readonly firstEvent: number;
  /** Of the frames in front of the first bad place: the last one's number and sum, where it ends, and the event behind. */
  readonly lastFrame: number;
  readonly lastCrc: number;
  readonly end: number;
  readonly nextEvent: number;
  /** Its image came whole, or it needs none: a stream of epoch 0 that begins with the first event. */
  readonly hasImage: boolean;
  readonly isClosed: boolean;
  /** Highest durable event that any frame names, those behind a bad place too; 0 = none. */
  readonly durableEvent: number;
  readonly bad: BadPlace | null;
  /** A frame with a higher number stands behind the first bad place. */
  readonly isFollowed: boolean;
  /** Bytes behind `end` that are not zeros at the end. */
  readonly behind: number;
}

/** Where the frames of a segment end, as docs/journal.md names it under "Verdicts". */
export type TailVerdict =
  /** Behind a whole frame, and nothing is missing of what was promised. */
  | { readonly verdict: 'whole' }
  /** Inside something that was being written and was never promised: `bytes` from `offset` may be cut off. */
  | { readonly verdict: 'torn'; readonly offset: number; readonly bytes: number }
  | { readonly verdict: 'damaged'; readonly bad: BadPlace };

/** Walks all frames of a segment. */
export function scanSegment(bytes: SegmentBytes): SegmentScan {
  const walk = new SegmentWalk(bytes);
  let head: SegmentHead | null = null;
  let bad: BadPlace | null = null;
  let firstFrame = 0;
  let firstEvent = 0;
  let durableEvent = 0;
  let hasImage = false;
  let isFollowed = false;
  let good = placeOf(walk);
  for (;;) {
    const answer = walk.next();
    if (answer === WALK_END) break;
    if (answer === WALK_BAD) {
      if (bad === null) good = placeOf(walk);
      bad ??= walk.bad;
      continue;
    }
    durableEvent = Math.max(durableEvent, walk.durableEvent);
    const problem = takeFrame();
    if (problem !== null) {
      if (bad === null) good = placeOf(walk);
      walk.refuse(problem);
      bad ??= walk.bad;
    }
    if (firstFrame === 0) {
      firstFrame = walk.frameNumber;
      firstEvent = walk.eventNumber;
    }
    if (bad !== null) isFollowed = true;
  }
  if (bad === null) good = placeOf(walk);
  return {
    ...good,
    head,
    segment: walk.segment,
    epoch: { high: walk.epochHigh, low: walk.epochLow },
    firstFrame,
    firstEvent,
    hasImage: hasImage || isStream(walk),
    isClosed: walk.isClosed,
    durableEvent,
    bad,
    isFollowed: isFollowed || walk.gaveUp,
    behind: Math.max(0, walk.window.present - good.end),
  };

  /** @returns what cannot be, or null: the frame is taken. */
  function takeFrame(): string | null {
    const { type, at, payloadBytes, records, flags } = walk;
    const { view } = walk.window;
    let events = 0;
    if (type === FRAME_SEGMENT) {
      const said = readSegment(view, at, payloadBytes);
      if (typeof said === 'string') return said;
      head = said;
    } else if (type === FRAME_EVENTS || type === FRAME_CONTROL) {
      events = eventsIn(view, at, payloadBytes, records);
      if (events < 0) return `${payloadBytes} payload bytes for ${records} records`;
    } else if (type === FRAME_IMAGE && flags === IMAGE_END && bad === null) hasImage = true;
    walk.accept(events);
    return null;
  }
}

/** A stream of events made from a file: of no history, so that the same input gives the same bytes. */
function isStream({ hasBegun, epochHigh, epochLow }: SegmentWalk): boolean {
  return hasBegun && epochHigh === 0 && epochLow === 0;
}

function placeOf({ lastFrame, lastCrc, end, nextEvent }: SegmentWalk): Place {
  return { lastFrame, lastCrc, end, nextEvent };
}

type Place = Pick<SegmentScan, 'lastFrame' | 'lastCrc' | 'end' | 'nextEvent'>;

/** Events in a payload of events: an extended one has two records. −1 where the records do not fit. */
function eventsIn(view: DataView, at: number, length: number, records: number): number {
  if (EVENTS_HEAD_BYTES + records * RECORD_BYTES > length) return -1;
  let events = 0;
  const end = at + EVENTS_HEAD_BYTES + records * RECORD_BYTES;
  for (let record = at + EVENTS_HEAD_BYTES; record < end; events += 1) {
    record += (view.getUint8(record + 1) & FLAG_EXTENDED) !== 0 ? 2 * RECORD_BYTES : RECORD_BYTES;
  }
  return events;
}

/**
 * Judges the end of the last segment of a journal: torn, if the bad frame was cut or garbled while it was written, the
 * segment was not closed, and nothing of it was promised to be durable. A disk may write what was not synced in any order,
 * so a frame that follows proves damage only where nobody says what had been synced when it was written.
 * @param number of the segment, by the name of its file. @param durable null where there is none, NOTHING_DURABLE where the
 *   record cannot be read.
 */
export function tailVerdict(scan: SegmentScan, number: number, durable: DurableRecord | null): TailVerdict {
  const missing = missingBehind(scan, number, durable);
  const { bad, end } = scan;
  if (bad !== null) {
    const isDurableKnown = durable !== null || scan.durableEvent > 0;
    const isTorn =
      (bad.kind === 'sum' || bad.kind === 'cut') &&
      (!scan.isFollowed || isDurableKnown) &&
      !scan.isClosed &&
      missing === null;
    return isTorn
      ? { verdict: 'torn', offset: scan.hasImage ? bad.offset : 0, bytes: tornBytes(scan) }
      : { verdict: 'damaged', bad };
  }
  if (missing !== null) return { verdict: 'damaged', bad: { offset: end, kind: 'cut', problem: missing } };
  if (scan.hasImage && scan.head !== null) {
    const { epoch, isClosed } = scan;
    // What is made from a file is closed when it is whole.
    const isCut = !isClosed && epoch.high === 0 && epoch.low === 0;
    return isCut ? { verdict: 'torn', offset: end, bytes: 0 } : { verdict: 'whole' };
  }
  if (!scan.isClosed) return { verdict: 'torn', offset: 0, bytes: end };
  const problem = 'the segment is closed and has no whole image';
  return { verdict: 'damaged', bad: { offset: end, kind: 'content', problem } };
}

function tornBytes(scan: SegmentScan): number {
  return scan.hasImage ? scan.behind : scan.end + scan.behind;
}

/** What was promised to be durable and stands behind the good frames of the last segment; null where nothing does. */
function missingBehind(scan: SegmentScan, number: number, durable: DurableRecord | null): string | null {
  const { nextEvent, lastFrame, end, durableEvent } = scan;
  if (nextEvent > 0 && durableEvent >= nextEvent)
    return `event ${durableEvent} was durable when a frame behind it was written`;
  if (durable === null || durable.segment < number) return null;
  const { segment, event, frame, offset } = durable;
  if (segment > number) return `event ${event} of segment ${segment} was durable`;
  if (!scan.hasImage || offset > end || frame > lastFrame || event >= nextEvent)
    return `byte ${offset}, with frame ${frame} and event ${event} in front of it, was durable`;
  return null;
}
