import type { ByteWindow } from '../../binary/byte-window.ts';
import { mboMetadata } from '../../feeds/dbn/encoder.ts';
import { HeadReader } from '../../feeds/dbn/head-reader.ts';
import { encodeMetadata, MetadataError } from '../../feeds/dbn/metadata.ts';
import type { StreamDecoder } from '../../feeds/feed.ts';

const WORD_BYTES = 4;
/** Schema of what is live or mixed. */
const SCHEMA_MIXED = 0xffff;

/** Metadata of a sender that sends none: version 3, nothing is called anything. */
const NO_METADATA: Uint8Array = encodeMetadata({
  ...mboMetadata({ dataset: '', start: 0n, end: 0n, instruments: [] }),
  schema: SCHEMA_MIXED,
});

/** A source of events: a channel of its own, whose records are numbered across the connections of its sender. */
export class IngestSource {
  readonly name: string;
  readonly channel: number;
  /** Connection that it is on, 0 = on none. */
  sender = 0;
  /** How its last connection ended; null while it is connected. */
  ended: string | null = null;
  /** Number of the record that the books want next, 0 = any. */
  next = 0;
  /** Number of the record that the sender sends next: below `next` it repeats what is known. */
  at = 0;
  records = 0;
  /** Numbers that did not come, and such that came again and were left out. */
  lost = 0;
  repeated = 0;
  connections = 0;
  note = '';
  /** It began anew: its numbers are not those that were known before. */
  isAnew = false;
  /** Of the connection at hand, once its metadata are known. */
  decoder: StreamDecoder | null = null;
  #head: HeadReader | null = null;

  constructor(name: string, channel: number) {
    this.name = name;
    this.channel = channel;
  }

  /** A connection begins. */
  begin(sender: number, start: number, note: string): void {
    this.sender = sender;
    this.ended = null;
    this.note = note;
    this.connections += 1;
    this.at = start;
    this.decoder = null;
    this.#head = null;
  }

  /** Its connection ended. */
  end(how: string): void {
    this.sender = 0;
    this.ended = how;
    this.decoder = null;
    this.#head = null;
  }

  /** Takes a piece of the metadata from the window. @returns what is wrong with it. */
  takeHead(window: ByteWindow, open: () => StreamDecoder): string | null {
    // Behind records another head begins.
    this.decoder = null;
    this.#head ??= new HeadReader();
    try {
      const bytes = this.#head.read(window);
      if (bytes === null) return null;
      if (window.available > 0) return `${window.available} bytes behind the metadata`;
      return this.#openWith(bytes, window, open);
    } catch (error) {
      if (error instanceof MetadataError) return error.message;
      throw error;
    }
  }

  /** Makes sure that there is a decoder for the records that come. @returns why there cannot be one. */
  ready(window: ByteWindow, open: () => StreamDecoder): string | null {
    if (this.decoder !== null) return null;
    if (this.#head !== null) return 'records in the middle of the metadata';
    return this.#openWith(NO_METADATA, window, open);
  }

  #openWith(head: Uint8Array, window: ByteWindow, open: () => StreamDecoder): string | null {
    const decoder = open();
    window.reset();
    for (let from = 0; from < head.length; ) {
      const room = window.room();
      const piece = head.subarray(from, from + room.length);
      room.set(piece);
      window.commit(piece.length);
      from += piece.length;
      decoder.decode(window);
    }
    if (decoder.problem !== null) return decoder.problem;
    decoder.ordinal = this.next - 1;
    this.decoder = decoder;
    this.#head = null;
    return null;
  }
}

/** Where the whole records end that begin at `from`, `most` at most, and how many they are. */
export function recordsAt(
  bytes: Uint8Array,
  from: number,
  to: number,
  most: number,
): { readonly end: number; readonly count: number } {
  let end = from;
  let count = 0;
  while (count < most && end < to) {
    const length = bytes[end]! * WORD_BYTES;
    // What is no record is left to whoever decodes it.
    if (length === 0 || end + length > to) break;
    end += length;
    count += 1;
  }
  return { end, count };
}
