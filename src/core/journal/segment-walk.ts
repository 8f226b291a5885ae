import { crc32c } from '../binary/crc32c.ts';
import {
  FRAME_BYTES_MAX,
  FRAME_CLOSE,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FRAME_PAYLOAD_MAX,
  FRAME_SEGMENT,
  FRAME_VERSION,
  getU64,
} from './frame.ts';
import type { SegmentBytes } from './segment-bytes.ts';
import { SegmentWindow } from './segment-window.ts';

/** Answers of `SegmentWalk.next`. */
/** A frame whose sums are right, and where it may stand: whoever reads it answers with `accept` or `refuse`. */
export const WALK_FRAME = 0;
/** Something is wrong: `bad` says what and where. The walk goes on at the next frame that can be trusted. */
export const WALK_BAD = 1;
/** The segment has ended; zeros behind its last frame count as absent. */
export const WALK_END = 2;

/**
 * What is wrong with a place: `sum` no frame begins there, or one of its sums is wrong; `cut` the frame passes the end;
 * `order` it is not the one that comes next; `epoch` it is of another history; `chain` it was written behind another frame;
 * `content` its sums are right, and what it says cannot be.
 */
export type BadKind = 'sum' | 'cut' | 'order' | 'epoch' | 'chain' | 'content';

export interface BadPlace {
  /** Byte of the segment. */
  readonly offset: number;
  readonly kind: BadKind;
  readonly problem: string;
}

/**
 * Walks the frames of one segment from its beginning to its end, through damage too: both sums, number, epoch, segment, the
 * number of the first event, and the sum of the payload before. Behind a bad place it looks for the magic in steps of 8
 * bytes, and takes a frame whose sums are right, whose epoch is the segment's and whose number is above the last one's.
 */
export class SegmentWalk {
  readonly window: SegmentWindow;
  bad: BadPlace | null = null;
  /** The frame at hand; its payload begins at `at` of `window.bytes` until the next call. */
  type = 0;
  flags = 0;
  records = 0;
  at = 0;
  payloadBytes = 0;
  payloadCrc = 0;
  frameNumber = 0;
  eventNumber = 0;
  /** Last event that its writer knew to survive a loss of power. */
  durableEvent = 0;
  /** Byte of the segment where it begins. */
  offset = 0;
  /** Of the first frame that was taken, and so of all. */
  segment = 0;
  epochHigh = 0;
  epochLow = 0;
  hasBegun = false;
  /** Of the last frame that was taken: where it ends, its number and sum, and the event that comes behind it. */
  end = 0;
  lastFrame = 0;
  lastCrc = 0;
  nextEvent = 0;
  /** The frame that closes the segment came. */
  isClosed = false;
  /** So much was false that the rest was not looked through. */
  gaveUp = false;
  /** What comes next follows a bad place. */
  #isLost = false;
  /** The frame at hand was named as a bad place, for what is missing in front of it, and comes next. */
  #resumes = false;
  #next = 0;
  #isNextEventKnown = false;
  #headerAt = 0;
  /** Payload bytes whose sum may still be wrong: what is full of false beginnings must not take forever. */
  #patience: number;

  constructor(source: SegmentBytes) {
    this.window = new SegmentWindow(source, FRAME_BYTES_MAX);
    this.#patience = 4 * source.bytes + FRAME_BYTES_MAX;
  }

  /** @returns one of WALK_*. */
  next(): number {
    if (this.#resumes) {
      this.#resumes = false;
      return WALK_FRAME;
    }
    if (this.#isLost) return this.#find() ? WALK_FRAME : WALK_END;
    if (this.#next >= this.window.present) return WALK_END;
    const problem = this.#headerProblem(this.#next) ?? this.#orderProblem() ?? this.#payloadProblem();
    if (problem !== null) return this.#lose(problem);
    const gap = this.#gapProblem();
    if (gap === null) return WALK_FRAME;
    this.#resumes = true;
    return this.#lose(gap);
  }

  /** The frame at hand is taken. @param events that it has. */
  accept(events: number): void {
    this.#take();
    this.nextEvent = this.eventNumber + events;
    this.#isNextEventKnown = true;
    if (this.type === FRAME_CLOSE) this.isClosed = true;
  }

  /** The frame at hand is taken, and how many events it has is not known. */
  pass(): void {
    this.accept(0);
    this.#isNextEventKnown = false;
  }

  /** The frame at hand has right sums and cannot be: it is a bad place, and the walk goes on behind it. */
  refuse(problem: string): void {
    this.#take();
    this.#isNextEventKnown = false;
    this.bad = { offset: this.offset, kind: 'content', problem };
  }

  #take(): void {
    const { view } = this.window;
    if (!this.hasBegun) {
      this.hasBegun = true;
      this.epochLow = view.getInt32(this.#headerAt + 40, true);
      this.epochHigh = view.getInt32(this.#headerAt + 44, true);
      this.segment = view.getUint32(this.#headerAt + 56, true);
    }
    this.#isLost = false;
    this.end = this.offset + FRAME_HEADER_BYTES + this.payloadBytes;
    this.#next = this.end;
    this.lastFrame = this.frameNumber;
    this.lastCrc = this.payloadCrc;
  }

  #lose(problem: Problem): number {
    this.bad = { offset: this.#next, ...problem };
    this.#isLost = true;
    this.#next += 8;
    return WALK_BAD;
  }

  /** Looks for the next frame that can be trusted. */
  #find(): boolean {
    const { window } = this;
    const end = window.present - FRAME_HEADER_BYTES;
    for (; this.#next <= end; this.#next += 8) {
      const at = window.at(this.#next, FRAME_HEADER_BYTES);
      if (at < 0) return false;
      if (window.view.getInt32(at, true) !== FRAME_MAGIC) continue;
      if (this.#headerProblem(this.#next) !== null || this.#orderProblem() !== null) continue;
      if (this.#payloadProblem() === null) return true;
      if (this.gaveUp) return false;
    }
    return false;
  }

  /** Reads the header of the frame at an offset. */
  #headerProblem(offset: number): Problem | null {
    const { window } = this;
    const { view } = window;
    const at = window.at(offset, FRAME_HEADER_BYTES);
    if (at < 0) return { kind: 'cut', problem: `the segment ends inside the header of a frame` };
    if (view.getInt32(at, true) !== FRAME_MAGIC) return { kind: 'sum', problem: 'no frame begins here' };
    if (crc32c(view, at + 8, FRAME_HEADER_BYTES - 8) !== view.getInt32(at + 4, true))
      return { kind: 'sum', problem: 'the header of the frame has another sum than it says' };
    this.offset = offset;
    this.#headerAt = at;
    this.payloadBytes = view.getUint32(at + 8, true);
    this.payloadCrc = view.getInt32(at + 12, true);
    this.type = view.getUint8(at + 16);
    this.flags = view.getUint16(at + 18, true);
    this.records = view.getUint32(at + 20, true);
    this.frameNumber = getU64(view, at + 24);
    this.eventNumber = getU64(view, at + 32);
    this.durableEvent = getU64(view, at + 48);
    const version = view.getUint8(at + 17);
    if (version !== FRAME_VERSION)
      return { kind: 'content', problem: `a frame of version ${version}, ${FRAME_VERSION} is known` };
    if (this.payloadBytes > FRAME_PAYLOAD_MAX || this.payloadBytes % 8 !== 0)
      return { kind: 'content', problem: `a payload of ${this.payloadBytes} bytes` };
    if (!Number.isFinite(this.frameNumber + this.eventNumber + this.durableEvent))
      return { kind: 'content', problem: 'a frame or event number beyond 2^53' };
    return null;
  }

  /** Is the frame at hand one that cannot stand here, whatever is missing in front of it? */
  #orderProblem(): Problem | null {
    if (!this.hasBegun) return null;
    const { view } = this.window;
    const at = this.#headerAt;
    if (view.getInt32(at + 40, true) !== this.epochLow || view.getInt32(at + 44, true) !== this.epochHigh)
      return { kind: 'epoch', problem: `frame ${this.frameNumber} is of another epoch than its segment` };
    const segment = view.getUint32(at + 56, true);
    if (segment !== this.segment)
      return { kind: 'order', problem: `a frame of segment ${segment} in segment ${this.segment}` };
    if (this.frameNumber <= this.lastFrame)
      return { kind: 'order', problem: `frame ${this.frameNumber} behind frame ${this.lastFrame}` };
    if (this.type === FRAME_SEGMENT) return { kind: 'order', problem: 'a segment begins inside another one' };
    if (this.isClosed) return { kind: 'order', problem: 'a frame behind the one that closes its segment' };
    return null;
  }

  #payloadProblem(): Problem | null {
    const { window, payloadBytes: length } = this;
    const header = window.at(this.offset, FRAME_HEADER_BYTES + length);
    if (header < 0) {
      const there = window.size - this.offset;
      const problem = `the segment ends inside a frame: ${there} of ${FRAME_HEADER_BYTES + length} bytes`;
      return { kind: 'cut', problem };
    }
    this.#headerAt = header;
    this.at = header + FRAME_HEADER_BYTES;
    if (crc32c(window.view, this.at, length) === this.payloadCrc) return null;
    this.#patience -= length;
    if (this.#patience < 0) this.gaveUp = true;
    return { kind: 'sum', problem: 'the payload of the frame has another sum than its header says' };
  }

  /** What is missing in front of the frame at hand, which is as it was written. */
  #gapProblem(): Problem | null {
    const { frameNumber, eventNumber, lastFrame } = this;
    if (!this.hasBegun)
      return this.type === FRAME_SEGMENT
        ? null
        : { kind: 'order', problem: 'a segment begins with its segment frame, and this is none' };
    if (frameNumber !== lastFrame + 1)
      return { kind: 'order', problem: `frame ${frameNumber} behind frame ${lastFrame}` };
    if (this.window.view.getInt32(this.#headerAt + 60, true) !== this.lastCrc)
      return { kind: 'chain', problem: `frame ${frameNumber} was written behind another frame ${lastFrame}` };
    if (this.#isNextEventKnown && eventNumber !== this.nextEvent)
      return { kind: 'order', problem: `event ${eventNumber} behind event ${this.nextEvent - 1}` };
    return null;
  }
}

type Problem = Omit<BadPlace, 'offset'>;
