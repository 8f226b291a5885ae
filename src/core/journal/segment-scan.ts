import { FLAG_EXTENDED, RECORD_BYTES } from '../event/record.ts';
import type { DurableRecord } from './directory.ts';
import { EVENTS_HEAD_BYTES } from './event-frames.ts';
import { type Epoch, FRAME_CONTROL, FRAME_EVENTS, FRAME_IMAGE, FRAME_SEGMENT, IMAGE_END } from './frame.ts';
import { readSegment, type SegmentHead } from './payload.ts';
import type { SegmentBytes } from './segment-bytes.ts';
import { type BadPlace, SegmentWalk, WALK_BAD, WALK_END, WALK_FRAME } from './segment-walk.ts';

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
  /** Its image came whole, or it needs none: a stream of events from the first one on. */
  readonly hasImage: boolean;
  readonly isClosed: boolean;
  /** Highest durable event that any frame names, those behind a bad place too; 0 = none. */
  readonly durableEvent: number;
  readonly bad: BadPlace | null;
  /** A frame with a higher number stands behind the first bad place. */
  readonly isFollowed: boolean;
  /** Bytes behind `end` that are not zeros at the end; zeros there. */
  readonly behind: number;
  readonly zeros: number;
}

/** What is wrong with events whose books are not known. */
export const NO_IMAGE = 'events, and no image in front of them says what the books were';

/** Where the frames of a segment end, as docs/journal.md names it under "Verdicts". */
export type TailVerdict =
  /** Behind a whole frame, and nothing is missing of what was promised. */
  | { readonly verdict: 'whole' }
  /** Inside something that was being written and was never promised: `bytes` from `offset` may be cut off. */
  | { readonly verdict: 'torn'; readonly offset: number; readonly bytes: number }
  | { readonly verdict: 'damaged'; readonly bad: BadPlace };

/** Walks all frames of a segment. */
export function scanSegment(bytes: SegmentBytes): SegmentScan {
  const scanner = new SegmentScanner(bytes);
  const { walk } = scanner;
  for (let answer = scanner.next(); answer !== WALK_END; answer = scanner.next()) {
    if (answer === WALK_BAD) continue;
    const { type, at, payloadBytes, records, flags } = walk;
    const { view } = walk.window;
    if (type === FRAME_SEGMENT) {
      const head = readSegment(view, at, payloadBytes);
      if (typeof head === 'string') scanner.refuse(head);
      else scanner.begin(head);
    } else if (type === FRAME_EVENTS || type === FRAME_CONTROL) {
      const events = eventsIn(view, at, payloadBytes, records);
      const problem = events < 0 ? `${payloadBytes} payload bytes for ${records} records` : null;
      scanner.acceptEvents(events, problem);
    } else {
      if (type === FRAME_IMAGE) scanner.noteImage(flags === IMAGE_END);
      walk.accept(0);
    }
  }
  return scanner.scan;
}

/** Notes of a walk through a segment what tells where it ends: whoever reads its frames says what they were. */
export class SegmentScanner {
  readonly walk: SegmentWalk;
  head: SegmentHead | null = null;
  bad: BadPlace | null = null;
  #good: Place | null = null;
  #firstFrame = 0;
  #firstEvent = 0;
  #durableEvent = 0;
  #hasImage = false;
  #isInImage = false;
  #isFollowed = false;

  constructor(bytes: SegmentBytes) {
    this.walk = new SegmentWalk(bytes);
  }

  /** @returns one of WALK_*; behind WALK_FRAME one of the methods below, or `walk.accept`, is called. */
  next(): number {
    const { walk } = this;
    const answer = walk.next();
    if (answer === WALK_BAD) this.#note(walk.bad!);
    else if (answer === WALK_FRAME) {
      this.#durableEvent = Math.max(this.#durableEvent, walk.durableEvent);
      if (this.bad !== null) this.#isFollowed = true;
      if (this.#firstFrame === 0) {
        this.#firstFrame = walk.frameNumber;
        this.#firstEvent = walk.eventNumber;
      }
    }
    return answer;
  }

  /** The frame at hand cannot be. */
  refuse(problem: string): void {
    const place = placeOf(this.walk);
    this.walk.refuse(problem);
    this.#note(this.walk.bad!, place);
  }

  /** The frame at hand begins the segment. */
  begin(head: SegmentHead): void {
    this.head = head;
    this.walk.accept(0);
  }

  /** The frame at hand is one of the image, or its last one. */
  noteImage(isLast: boolean): void {
    if (this.bad !== null) return;
    this.#hasImage = isLast;
    this.#isInImage = !isLast;
  }

  /** The frame at hand has events. @param problem why they cannot be, or null. */
  acceptEvents(events: number, problem: string | null): void {
    if (problem !== null) this.refuse(problem);
    else if (this.hasBooks || this.bad !== null) this.walk.accept(events);
    else this.refuse(NO_IMAGE);
  }

  /** The books in front of the next event are known: from an image, or because it is the very first event. */
  get hasBooks(): boolean {
    return this.#hasImage || (this.#firstEvent === 1 && !this.#isInImage);
  }

  get scan(): SegmentScan {
    const { walk } = this;
    const good = this.#good ?? placeOf(walk);
    const epoch = { high: walk.epochHigh, low: walk.epochLow };
    const isStream = walk.hasBegun && epoch.high === 0 && epoch.low === 0;
    const hasEvents = good.nextEvent > this.#firstEvent;
    return {
      ...good,
      head: this.head,
      segment: walk.segment,
      epoch,
      firstFrame: this.#firstFrame,
      firstEvent: this.#firstEvent,
      hasImage: this.#hasImage || isStream || hasEvents,
      isClosed: walk.isClosed,
      durableEvent: this.#durableEvent,
      bad: this.bad,
      isFollowed: this.#isFollowed || walk.gaveUp,
      behind: Math.max(0, walk.window.present - good.end),
      zeros: walk.window.size - Math.max(good.end, walk.window.present),
    };
  }

  #note(bad: BadPlace, place: Place = placeOf(this.walk)): void {
    this.#good ??= place;
    this.bad ??= bad;
  }
}

function placeOf({ lastFrame, lastCrc, end, nextEvent }: SegmentWalk): Place {
  return { lastFrame, lastCrc, end, nextEvent };
}

type Place = Pick<SegmentScan, 'lastFrame' | 'lastCrc' | 'end' | 'nextEvent'>;

/** Events in a payload of events: an extended one has two records. −1 where the records do not fit. */
export function eventsIn(view: DataView, at: number, length: number, records: number): number {
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
 * segment was not closed, and nothing of it was promised to be durable. A frame that follows proves damage, unless the
 * machine went down since, or a sync failed: a disk writes what was not synced in any order.
 * @param number of the segment, by the name of its file. @param durable null where there is none, NOTHING_DURABLE where the
 *   record cannot be read. @param bootId of this machine, empty where it is not known.
 */
export function tailVerdict(
  scan: SegmentScan,
  number: number,
  durable: DurableRecord | null,
  bootId: string,
): TailVerdict {
  const missing = missingBehind(scan, number, durable);
  const { bad, end } = scan;
  if (bad !== null) {
    const isDurableKnown = durable !== null || scan.durableEvent > 0;
    const isInOrder = bootId !== '' && scan.head?.bootId === bootId && durable?.failed !== true;
    const isTorn =
      (bad.kind === 'sum' || bad.kind === 'cut') &&
      (!scan.isFollowed || (isDurableKnown && !isInOrder)) &&
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
