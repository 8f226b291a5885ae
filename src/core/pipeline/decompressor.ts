import type { Transform } from 'node:stream';
import type { ByteWindow } from '../binary/byte-window.ts';
import { Codec } from './codec.ts';
import { type ByteSource, roomOf } from './raw-source.ts';

/** Compressed bytes that cannot be read any further. */
export class DamagedInput extends Error {
  override readonly name = 'DamagedInput';
  readonly path: string;
  /** Where in the compressed bytes the piece begins that cannot be read. */
  readonly offset: number;
  /** The bytes end too early; nothing is wrong with those that are there. */
  readonly truncated: boolean;

  constructor(path: string, offset: number, problem: string, truncated: boolean) {
    super(problem);
    this.path = path;
    this.offset = offset;
    this.truncated = truncated;
  }
}

/** Answers of `Pieces.next` that are no length: more bytes are needed to tell; … */
export const PIECE_MORE = 0;
/** … the bytes begin nothing that can be decompressed, `problem` says why. */
export const PIECE_BAD: number = -1;

/** What is known about one kind of compression: how its bytes are cut into pieces for a codec. */
export interface Pieces {
  readonly format: string;
  readonly problem: string;
  /** As far as the pieces tell, the file may end behind the last one. */
  readonly isBetween: boolean;
  /** The last piece ends its stream: its codec must end now, and another one begins behind it. */
  readonly endsStream: boolean;
  /** Bytes to leave out before the next piece; whoever leaves them out counts them down. */
  skip: number;
  /** @returns length of the next piece, at the window's position, or one of PIECE_*. Asked once per piece. */
  next(window: ByteWindow): number;
  createCodec(): Transform;
  /** Told of every decoded chunk, in order. */
  decoded(chunk: Uint8Array): void;
  /** The codec says that its stream is complete; what it did not want of the last piece comes next. */
  codecEnded(): void;
}

/**
 * Decompresses with the codecs of Node's zlib, one small piece at a time: the next piece goes to the codec only
 * when everything made of the one before it was taken. So what waits here is bounded by what one piece can become
 * (zstd: a block, 128 KiB; gzip: 32 KiB, at most some 1,000 times as much), and what was decoded in front of
 * damage is delivered (of gzip data all but the last 16 KiB at most, which zlib keeps when it fails). While the bytes of
 * one piece are decoded here, the codec works on the next one on a helper thread.
 *
 * Not fzstd for zstd: it leaves content checksums unchecked and unpacks all of an input chunk at once.
 */
export class Decompressor implements ByteSource {
  readonly path: string;
  readonly total: number | null;
  readonly #raw: ByteSource;
  readonly #input: ByteWindow;
  readonly #pieces: Pieces;
  #codec: Codec | null = null;
  /** Decoded bytes that were not taken yet. */
  readonly #output: Uint8Array[] = [];
  #running: Promise<void> | null = null;
  #done = false;
  #failure: Error | null = null;

  /** @param input a window on the raw bytes that holds the first of them. */
  constructor(raw: ByteSource, input: ByteWindow, pieces: Pieces) {
    this.path = raw.path;
    this.total = raw.total;
    this.#raw = raw;
    this.#input = input;
    this.#pieces = pieces;
  }

  get bytes(): number {
    return this.#raw.bytes;
  }

  async fill(window: ByteWindow): Promise<boolean> {
    let room = roomOf(window);
    const { length } = room;
    while (room.length === length) {
      if (this.#output.length > 0) room = this.#take(window, room);
      else if (this.#failure === null && !this.#done) await (this.#running ?? this.#start());
      else {
        window.ended = true;
        if (this.#failure !== null) throw this.#failure;
        return false;
      }
    }
    if (this.#output.length === 0 && this.#failure === null && !this.#done) void this.#start();
    return true;
  }

  async close(): Promise<void> {
    this.#done = true;
    this.#codec?.destroy();
    await this.#raw.close();
  }

  /** Moves decoded bytes into the window's room. @returns the room that is left. */
  #take(window: ByteWindow, all: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const output = this.#output;
    let room = all;
    let chunks = 0;
    for (; chunks < output.length && output[chunks]!.length <= room.length; chunks += 1) {
      room.set(output[chunks]!);
      room = room.subarray(output[chunks]!.length);
    }
    output.splice(0, chunks);
    if (output.length > 0) {
      room.set(output[0]!.subarray(0, room.length));
      output[0] = output[0]!.subarray(room.length);
      room = room.subarray(room.length);
    }
    window.commit(all.length - room.length);
    return room;
  }

  /** Works on the next piece; never rejects. */
  #start(): Promise<void> {
    this.#running ??= this.#step()
      .catch((error: Error) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async #step(): Promise<void> {
    const pieces = this.#pieces;
    const input = this.#input;
    const length = await this.#nextPiece();
    if (length < 0) this.#fail(input.offset, pieces.problem, false);
    else if (length === 0) this.#endInput();
    else await this.#decode(length);
  }

  /** @returns length of the piece at the input's position, 0 at the end of the input, or PIECE_BAD. */
  async #nextPiece(): Promise<number> {
    const pieces = this.#pieces;
    const input = this.#input;
    for (;;) {
      const skipped = Math.min(pieces.skip, input.available);
      input.position += skipped;
      pieces.skip -= skipped;
      if (pieces.skip === 0) {
        const length = pieces.next(input);
        if (length !== PIECE_MORE) return length;
        if (pieces.skip > 0 && input.available > 0) continue;
      }
      if (input.ended || !(await this.#raw.fill(input))) return 0;
    }
  }

  async #decode(length: number): Promise<void> {
    const pieces = this.#pieces;
    const input = this.#input;
    const { offset } = input;
    // A copy: the codec reads it on its thread while the window may move.
    const piece = input.bytes.slice(input.position, input.position + length);
    input.position += length;
    this.#codec ??= new Codec(pieces.createCodec(), (chunk) => {
      pieces.decoded(chunk);
      this.#output.push(chunk);
    });
    const codec = this.#codec;
    await codec.write(piece);
    if (codec.ended) {
      input.position -= codec.left;
      pieces.codecEnded();
    } else if (pieces.endsStream && codec.error === null) await codec.end();
    if (codec.error !== null) this.#fail(offset, codec.error.message, false);
    if (codec.ended) this.#codec = null;
  }

  #endInput(): void {
    const { isBetween, skip } = this.#pieces;
    const { available, offset } = this.#input;
    if (isBetween && skip === 0 && available === 0) this.#done = true;
    else this.#fail(offset, 'unexpected end of file', true);
  }

  #fail(offset: number, problem: string, truncated: boolean): void {
    const { format } = this.#pieces;
    const text = `${format} data cannot be read any further at compressed byte ${offset}: ${problem}`;
    this.#failure = new DamagedInput(this.path, offset, text, truncated);
    this.#codec?.destroy();
    this.#codec = null;
  }
}
