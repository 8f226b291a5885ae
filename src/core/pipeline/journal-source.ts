import type { ByteWindow } from '../binary/byte-window.ts';
import { MdxError } from '../errors.ts';
import type { JournalReader } from '../journal/journal-reader.ts';
import type { SegmentBytes } from '../journal/segment-bytes.ts';
import type { ByteSource } from './byte-source.ts';
import type { ChangeWatch } from './follow.ts';
import { roomOf } from './raw-source.ts';

/** The segments of a journal, one at a time, as bytes. */
export class JournalSource implements ByteSource {
  readonly path: string;
  readonly total: number;
  /** On disk, of the segments opened so far. */
  bytes = 0;
  /** The segment at hand. */
  segment: SegmentBytes | null = null;
  /** Why bytes of it cannot be read: what is compressed is damaged. */
  problem: string | null = null;
  readonly #journal: JournalReader;
  /** Tells when the journal may have more; null: what it has is all. */
  readonly #changes: ChangeWatch | null;
  #at = 0;
  #offset = 0;

  /** @param from the first segment that is read. */
  constructor(path: string, journal: JournalReader, from: number, changes: ChangeWatch | null) {
    this.path = path;
    this.#journal = journal;
    this.#changes = changes;
    let total = 0;
    for (let at = from; at < journal.files.length; at += 1) total += journal.bytesOf(at);
    this.total = total;
  }

  /** Goes on to a segment. */
  open(at: number): void {
    this.segment?.close();
    this.segment = null;
    this.problem = null;
    this.bytes += this.#journal.bytesOf(at);
    this.#at = at;
    this.#offset = 0;
    try {
      this.segment = this.#journal.open(at);
    } catch (error) {
      this.#note(error);
    }
  }

  /** Lets the window slide over the segment from an offset on. */
  seek(window: ByteWindow, offset: number): void {
    window.reset();
    window.base = offset;
    this.#offset = offset;
  }

  async fill(window: ByteWindow): Promise<boolean> {
    const room = roomOf(window);
    let count = this.#read(room);
    while (count === 0 && this.#changes !== null && this.problem === null) {
      // A segment is over when there is another one; what it has by then is all.
      const isOver = this.#journal.refresh(this.#at);
      count = this.#read(room);
      if (count > 0 || isOver) break;
      await this.#changes.next();
    }
    this.#offset += count;
    window.commit(count);
    if (count === 0) window.ended = true;
    return count > 0;
  }

  #read(room: Uint8Array): number {
    try {
      return this.problem === null ? this.segment!.read(room, this.#offset) : 0;
    } catch (error) {
      this.#note(error);
      return 0;
    }
  }

  async close(): Promise<void> {
    this.#changes?.close();
    this.segment?.close();
    this.segment = null;
  }

  #note(error: unknown): void {
    if (!(error instanceof MdxError) || error.code !== 'input-damaged') throw error;
    this.problem = error.message;
  }
}
