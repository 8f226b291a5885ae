import { join } from 'node:path';
import { crc32c } from '../binary/crc32c.ts';
import { MdxError } from '../errors.ts';
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
import {
  DURABLE_BYTES,
  DURABLE_NAME,
  type DurableRecord,
  indexName,
  isJournal,
  readDurable,
  type SegmentFile,
  segmentFiles,
} from './directory.ts';
import type { Disk } from './disk.ts';
import { EVENTS_HEAD_BYTES, RUN_BYTES } from './event-frames.ts';
import {
  type Epoch,
  FRAME_CONTROL,
  FRAME_EVENTS,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FRAME_PAYLOAD_MAX,
  FRAME_SEGMENT,
  getU64,
} from './frame.ts';
import { buildIndex, IndexBuilder } from './index-builder.ts';
import { readSegment, type SegmentHead } from './payload.ts';
import { openSegmentBytes, type SegmentBytes } from './segment-bytes.ts';
import { isIndexOf, readIndex, type SegmentIndex } from './segment-index.ts';

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

/**
 * The segments of a journal as they are in its directory when it is opened; named here by their place in `files`. Changes
 * nothing. Errors of the system are thrown as they come.
 */
export class JournalReader {
  readonly directory: string;
  readonly files: SegmentFile[];
  /** What was promised to survive a loss of power; null where that is not known. */
  readonly durable: DurableRecord | null;
  readonly #disk: Disk;
  readonly #starts: (SegmentStart | string | undefined)[] = [];
  readonly #indexes: (SegmentIndex | undefined)[] = [];

  private constructor(disk: Disk, directory: string, names: readonly string[]) {
    this.#disk = disk;
    this.directory = directory;
    this.files = segmentFiles(names);
    this.durable = names.includes(DURABLE_NAME) ? this.#readDurable() : null;
  }

  /** @returns null where the directory is no journal, or there is none. */
  static open(disk: Disk, directory: string): JournalReader | null {
    const names = disk.list(directory);
    return isJournal(names) ? new JournalReader(disk, directory, names) : null;
  }

  /** Looks for segments that were begun since. @returns whether there is one behind the segment `at`. */
  refresh(at: number): boolean {
    const known = this.files.at(-1)?.number ?? 0;
    for (const file of segmentFiles(this.#disk.list(this.directory))) {
      if (file.number <= known) continue;
      this.files.push(file);
      if (typeof this.start(this.files.length - 1) !== 'string') continue;
      // Not even its first frame is there yet.
      this.files.pop();
      this.#starts.length = this.files.length;
      break;
    }
    return at < this.files.length - 1;
  }

  pathOf(at: number): string {
    return join(this.directory, this.files[at]!.name);
  }

  /** Bytes of a segment on disk. */
  bytesOf(at: number): number {
    const file = this.#opened(at, () => this.#disk.open(this.pathOf(at), 'read'));
    try {
      return file.bytes;
    } finally {
      file.close();
    }
  }

  /** The frames of a segment; whoever opens them closes them. */
  open(at: number): SegmentBytes {
    return this.#opened(at, () => openSegmentBytes(this.#disk, this.directory, this.files[at]!));
  }

  /** What is open when a closed segment is compressed, or it is by then. */
  #opened<T>(at: number, open: () => T): T {
    try {
      return open();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const { number } = this.files[at]!;
      const now = segmentFiles(this.#disk.list(this.directory)).find((file) => file.number === number);
      if (now === undefined) throw error;
      this.files[at] = now;
      return open();
    }
  }

  /** Where a segment begins; what is wrong as text where that cannot be read. */
  start(at: number): SegmentStart | string {
    const number = this.files[at]!.number;
    this.#starts[at] ??= this.#with<SegmentStart | string>(
      at,
      (bytes) => readStart(bytes, number),
      (why) => why,
    );
    return this.#starts[at];
  }

  /** What is known of a segment: its index where one is there and right, else made from its frames. */
  index(at: number): SegmentIndex {
    this.#indexes[at] ??= this.#with(
      at,
      (bytes) => this.#readIndex(at, bytes) ?? buildIndex(bytes),
      () => new IndexBuilder().index,
    );
    return this.#indexes[at];
  }

  /** The first event of a segment, alone in a batch, with the numbers of its writer; null where it has none. */
  firstEvent(at: number): EventBatch | null {
    return this.#with(
      at,
      (bytes) => findEvent(bytes, () => true),
      () => null,
    );
  }

  /** The same of the first event that ends a group, or lets none be open, whatever had begun in front of the segment. */
  firstGroupEnd(at: number): EventBatch | null {
    return this.#with(
      at,
      (bytes) => findEvent(bytes, endsGroup),
      () => null,
    );
  }

  #readIndex(at: number, bytes: SegmentBytes): SegmentIndex | null {
    const found = this.#readFile(indexName(this.files[at]!.number));
    const index = found === null ? null : readIndex(found);
    return index !== null && isIndexOf(index, bytes) ? index : null;
  }

  #readDurable(): DurableRecord | null {
    const found = this.#readFile(DURABLE_NAME);
    return found === null || found.length < DURABLE_BYTES
      ? null
      : readDurable(new DataView(found.buffer, 0, DURABLE_BYTES));
  }

  /** @returns null where it is not there any more, or never was. */
  #readFile(name: string): Uint8Array<ArrayBuffer> | null {
    const path = join(this.directory, name);
    try {
      const file = this.#disk.open(path, 'read');
      try {
        const bytes = new Uint8Array(file.bytes);
        return bytes.subarray(0, file.read(bytes, 0));
      } finally {
        file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** @param damaged is told where what is compressed cannot be read. */
  #with<T>(at: number, use: (bytes: SegmentBytes) => T, damaged: (problem: string) => T): T {
    let bytes: SegmentBytes | null = null;
    try {
      bytes = this.open(at);
      return use(bytes);
    } catch (error) {
      if (!(error instanceof MdxError) || error.code !== 'input-damaged') throw error;
      return damaged(error.message);
    } finally {
      bytes?.close();
    }
  }
}

/** The end of a group, and what the transport says, which waits for none. */
function endsGroup(head: number, book: number): boolean {
  const kind = head & 255;
  if ((head & HEAD_LAST) !== 0) return true;
  return book === NO_BOOK && (kind === KIND_GAP || kind === KIND_RESET || kind === KIND_SESSION);
}

function readStart(bytes: SegmentBytes, number: number): SegmentStart | string {
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

/** The first event of a segment that is one of those wanted, by the words of its record. */
function findEvent(
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
