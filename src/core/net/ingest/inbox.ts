/** Memory is taken and given back in pieces of so many bytes; no chunk is longer than a piece has room for. */
const PIECE_BYTES: number = 1 << 20;
/** Empty pieces that are kept for what comes: new ones cost more than what is put into them. */
const SPARE_MAX = 16;
/** In front of a chunk: sender, bytes of it. */
const HEAD_WORDS = 2;
const HEAD_BYTES: number = HEAD_WORDS * 4;

interface Piece {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** Bytes that are filled. */
  end: number;
}

/**
 * What was read of all senders and not taken yet, chunk behind chunk as it came, in memory that is used again: neither a
 * read nor a chunk allocates anything.
 */
export class Inbox {
  /** The chunk at hand: who sent it, and where it lies; valid until `next`. */
  sender = 0;
  bytes: Uint8Array = new Uint8Array(0);
  from = 0;
  to = 0;
  /** Bytes that wait, with what stands in front of them. */
  held = 0;
  readonly #pieces: Piece[] = [];
  readonly #spare: Piece[] = [];
  /** Where the next chunk begins in the first piece. */
  #at = 0;

  get isEmpty(): boolean {
    return this.held === 0;
  }

  /** Puts the first `length` bytes behind what waits. */
  put(sender: number, bytes: Uint8Array, length: number): void {
    const whole = HEAD_BYTES + padded(length);
    let piece = this.#pieces.at(-1);
    if (piece === undefined || piece.end + whole > PIECE_BYTES) {
      piece = this.#spare.pop() ?? newPiece();
      this.#pieces.push(piece);
    }
    const { end } = piece;
    piece.words[end >> 2] = sender;
    piece.words[(end >> 2) + 1] = length;
    if (length > 0) piece.bytes.set(bytes.subarray(0, length), end + HEAD_BYTES);
    piece.end = end + whole;
    this.held += whole;
  }

  /** Goes to the next chunk. @returns false: there is none. */
  next(): boolean {
    if (this.held === 0) {
      this.#rewind();
      return false;
    }
    let piece = this.#pieces[0]!;
    // Freed only now: its last chunk was at hand until here.
    if (this.#at === piece.end) {
      this.#free();
      piece = this.#pieces[0]!;
    }
    const { words } = piece;
    const length = words[(this.#at >> 2) + 1]!;
    const whole = HEAD_BYTES + padded(length);
    this.sender = words[this.#at >> 2]!;
    this.bytes = piece.bytes;
    this.from = this.#at + HEAD_BYTES;
    this.to = this.from + length;
    this.#at += whole;
    this.held -= whole;
    return true;
  }

  /** Nothing waits: what comes goes where something was just now, which is near the processor. */
  #rewind(): void {
    const piece = this.#pieces[0];
    if (piece === undefined) return;
    piece.end = 0;
    this.#at = 0;
  }

  #free(): void {
    const piece = this.#pieces.shift()!;
    piece.end = 0;
    this.#at = 0;
    if (this.#spare.length < SPARE_MAX) this.#spare.push(piece);
  }
}

function newPiece(): Piece {
  const memory = new ArrayBuffer(PIECE_BYTES);
  return { bytes: new Uint8Array(memory), words: new Int32Array(memory), end: 0 };
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
