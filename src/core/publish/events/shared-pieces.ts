/** Bytes of events in the form of a framing, for whoever is at the same place and wants the same. */
export interface Piece {
  readonly bytes: Buffer;
  /** Memory that is given back, null = it is let go of. */
  readonly memory: Buffer | null;
  /** Cursors: of its first event, of the one behind it, and of the end of the log when it was made. */
  readonly from: number;
  readonly to: number;
  readonly next: number;
  /** Events in it, and number of the last one that was passed. */
  readonly events: number;
  readonly lastSeq: number;
  /** Writes under way, and one more while it is kept. */
  users: number;
}

/** Bytes that are written at a time. */
export const PIECE_BYTES: number = 1 << 17;
const MEMORY_KEPT = 32;
const PIECES_KEPT = 64;

/** Clients that are woken together and want the same are sent the same bytes, made once. */
export class SharedPieces {
  readonly #pieces: Map<string, Piece> = new Map();
  readonly #memory: Buffer[] = [];
  #isOpen = false;

  /** What is made from here on is kept for others, until `close`. */
  open(): void {
    this.#isOpen = true;
  }

  close(): void {
    this.#isOpen = false;
    for (const piece of this.#pieces.values()) this.letGo(piece);
    this.#pieces.clear();
  }

  /** The piece that was made for a key, from a cursor to all there is. */
  find(key: string, from: number, next: number): Piece | null {
    const piece = this.#pieces.get(key);
    return piece !== undefined && piece.from === from && piece.next === next ? piece : null;
  }

  keep(key: string, piece: Piece): void {
    if (!this.#isOpen || this.#pieces.size >= PIECES_KEPT) return;
    const last = this.#pieces.get(key);
    if (last !== undefined) this.letGo(last);
    piece.users += 1;
    this.#pieces.set(key, piece);
  }

  letGo(piece: Piece): void {
    piece.users -= 1;
    if (piece.users === 0 && piece.memory !== null) this.giveMemory(piece.memory);
  }

  takeMemory(): Buffer {
    return this.#memory.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  }

  giveMemory(memory: Buffer): void {
    if (this.#memory.length < MEMORY_KEPT) this.#memory.push(memory);
  }
}
