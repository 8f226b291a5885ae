import { crc32c } from '../binary/crc32c.ts';
import { EventBatch } from '../event/batch.ts';
import {
  FLAG_EXTENDED,
  FLAG_LAST,
  KIND_GAP,
  KIND_RESET,
  KIND_SESSION,
  NO_BOOK,
  RECORD_BYTES,
  RECORD_WORDS,
} from '../event/record.ts';
import { EVENTS_HEAD_BYTES, RUN_BYTES } from './event-frames.ts';
import {
  type Epoch,
  FRAME_CLOSE,
  FRAME_CONTROL,
  FRAME_EVENTS,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FRAME_PAYLOAD_MAX,
  FRAME_SEGMENT,
  getU64,
} from './frame.ts';
import { readSegment, type SegmentHead } from './payload.ts';
import type { SegmentBytes } from './segment-bytes.ts';

/* What can be seen of a segment by going from header to header, without its books. */

/** Where a segment begins, as its first frame says. */
export interface SegmentStart {
  readonly head: SegmentHead;
  readonly epoch: Epoch;
  /** Numbers of its first frame, and of its first event. */
  readonly frame: number;
  readonly event: number;
  /** Sum of the payload of the frame in front of it. */
  readonly lastCrc: number;
}

const HEAD_LAST: number = FLAG_LAST << 8;
const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

/** The end of a group, and what the transport says, which waits for none. */
export function endsGroup(head: number, book: number): boolean {
  const kind = head & 255;
  if ((head & HEAD_LAST) !== 0) return true;
  return book === NO_BOOK && (kind === KIND_GAP || kind === KIND_RESET || kind === KIND_SESSION);
}

/** Where a segment begins; what is wrong as text where that cannot be read. @param number by the name of its file. */
export function readStart(bytes: SegmentBytes, number: number): SegmentStart | string {
  const frame = readFrame(bytes, 0);
  if (frame === null || frame.getUint8(16) !== FRAME_SEGMENT) return 'no segment frame begins it';
  const head = readSegment(frame, FRAME_HEADER_BYTES, frame.byteLength - FRAME_HEADER_BYTES);
  if (typeof head === 'string') return head;
  const segment = frame.getUint32(56, true);
  if (segment !== number) return `it holds segment ${segment}`;
  return {
    head,
    epoch: { low: frame.getInt32(40, true), high: frame.getInt32(44, true) },
    frame: getU64(frame, 24),
    event: getU64(frame, 32),
    lastCrc: frame.getInt32(60, true),
  };
}

/** Is a segment whole and has no events? */
export function hasNoEvents(bytes: SegmentBytes): boolean {
  const header = new DataView(new ArrayBuffer(FRAME_HEADER_BYTES));
  let type = 0;
  for (let offset = 0; readHeader(bytes, offset, header); ) {
    type = header.getUint8(16);
    if (type === FRAME_EVENTS || type === FRAME_CONTROL) return false;
    offset += FRAME_HEADER_BYTES + header.getUint32(8, true);
  }
  return type === FRAME_CLOSE;
}

/** The first event of a segment that is one of those wanted, by the words of its record. */
export function findEvent(
  bytes: SegmentBytes,
  isWanted: (head: number, book: number) => boolean,
): EventBatch | null {
  const header = new DataView(new ArrayBuffer(FRAME_HEADER_BYTES));
  for (let offset = 0; readHeader(bytes, offset, header); ) {
    const type = header.getUint8(16);
    const frame = type === FRAME_EVENTS || type === FRAME_CONTROL ? readFrame(bytes, offset) : null;
    const found = frame === null ? null : findIn(frame, isWanted);
    if (found !== null) return found;
    offset += FRAME_HEADER_BYTES + header.getUint32(8, true);
  }
  return null;
}

function findIn(
  frame: DataView<ArrayBuffer>,
  isWanted: (head: number, book: number) => boolean,
): EventBatch | null {
  const start = FRAME_HEADER_BYTES + EVENTS_HEAD_BYTES;
  const records = frame.getUint32(20, true);
  for (let record = 0, event = 0; record < records; event += 1) {
    const at = start + record * RECORD_BYTES;
    const head = frame.getInt32(at, true);
    if (isWanted(head, frame.getInt32(at + 4, true))) return eventAt(frame, record, event);
    record += (head & HEAD_EXTENDED) !== 0 ? 2 : 1;
  }
  return null;
}

/** An event of a frame, alone in a batch. @param record where it stands among the records. */
function eventAt(frame: DataView<ArrayBuffer>, record: number, event: number): EventBatch {
  const payload = FRAME_HEADER_BYTES;
  const start = payload + EVENTS_HEAD_BYTES;
  const records = frame.getUint32(20, true);
  let run = start + records * RECORD_BYTES;
  for (let end = frame.getUint16(run + 6, true); end <= record && run + 2 * RUN_BYTES <= frame.byteLength; ) {
    run += RUN_BYTES;
    end += frame.getUint16(run + 6, true);
  }
  const batch = new EventBatch(2);
  batch.venueBaseLow = frame.getInt32(payload, true);
  batch.venueBaseHigh = frame.getInt32(payload + 4, true);
  batch.receiveBaseLow = frame.getInt32(payload + 8, true);
  batch.receiveBaseHigh = frame.getInt32(payload + 12, true);
  batch.channel = frame.getUint32(run, true);
  batch.sequenceBase = getU64(frame, run + 8);
  batch.firstEvent = getU64(frame, 32) + event;
  const at = start + record * RECORD_BYTES;
  batch.count = (frame.getInt32(at, true) & HEAD_EXTENDED) !== 0 && record + 1 < records ? 2 : 1;
  for (let word = 0; word < batch.count * RECORD_WORDS; word += 1) {
    batch.words[word] = frame.getInt32(at + word * 4, true);
  }
  return batch;
}

/** Reads a header that is whole and right. */
function readHeader(bytes: SegmentBytes, offset: number, header: DataView<ArrayBuffer>): boolean {
  return (
    bytes.read(new Uint8Array(header.buffer), offset) === FRAME_HEADER_BYTES &&
    header.getInt32(0, true) === FRAME_MAGIC &&
    crc32c(header, 8, FRAME_HEADER_BYTES - 8) === header.getInt32(4, true) &&
    header.getUint32(8, true) <= FRAME_PAYLOAD_MAX
  );
}

/** The frame at an offset, its header in front; null where none with right sums begins there. */
function readFrame(bytes: SegmentBytes, offset: number): DataView<ArrayBuffer> | null {
  const header = new DataView(new ArrayBuffer(FRAME_HEADER_BYTES));
  if (!readHeader(bytes, offset, header)) return null;
  const payloadBytes = header.getUint32(8, true);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payloadBytes);
  if (bytes.read(frame, offset) < frame.length) return null;
  const view = new DataView(frame.buffer);
  return crc32c(view, FRAME_HEADER_BYTES, payloadBytes) === view.getInt32(12, true) ? view : null;
}
