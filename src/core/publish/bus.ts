/** How much a bus keeps for clients that are behind. */
export interface BusLimits {
  /** Frames, at least 1; more where somebody holds them. */
  readonly frames: number;
  /** Bytes of the chunks in the ring, at least two chunks. Those that have left it and are pinned come on top: `pinnedBytes`. */
  readonly bytes: number;
  /** Bytes of a chunk, also the longest frame that fits. */
  readonly chunkBytes?: number;
}

const CHUNK_BYTES = 1 << 18;
/** A chunk has places for a frame in so many bytes: less than any frame of the protocols has, so that bytes decide. */
const FRAME_BYTES_MIN = 32;
const FRAMES_MIN = 64;

/**
 * A piece of the ring: whole frames back to back. Readers may walk it: frame `i` (cursor `first + i`) lies from
 * `i === 0 ? 0 : ends[i - 1]` to `ends[i]` in `bytes` and has the word `tags[i]`.
 */
export interface FrameChunk {
  readonly bytes: Buffer;
  readonly ends: Uint32Array;
  readonly tags: Int32Array;
  /** Cursor of its first frame. */
  readonly first: number;
  /** Frames in it. */
  readonly count: number;
  /** Has it left the ring? Its frames stay what they are while it is pinned. */
  readonly gone: boolean;
}

/** Keeps the frames from a cursor on beyond their number, as long as memory allows it. `cursor` may be moved forwards. */
export interface FrameHold {
  cursor: number;
}

class Chunk implements FrameChunk {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly ends: Uint32Array;
  readonly tags: Int32Array;
  first = 0;
  count = 0;
  gone = false;
  pins = 0;

  constructor(bytes: number) {
    const memory = new ArrayBuffer(bytes);
    this.bytes = Buffer.from(memory);
    this.view = new DataView(memory);
    const frames = Math.max(FRAMES_MIN, Math.ceil(bytes / FRAME_BYTES_MIN));
    this.ends = new Uint32Array(frames);
    this.tags = new Int32Array(frames);
  }

  get used(): number {
    return this.count === 0 ? 0 : this.ends[this.count - 1]!;
  }
}

/** Frames in one piece of memory; reused by its reader. Filled by `FrameBus.run`. */
export class FrameRun {
  chunk: FrameChunk | null = null;
  /** Cursors: the first frame, and the one behind the last. */
  from = 0;
  to = 0;
  /** Where its bytes begin and end in `chunk.bytes`. */
  start = 0;
  end = 0;

  /** Leaves out the frames from a cursor on, which is one of its own behind the first. */
  cutAt(cursor: number): void {
    this.to = cursor;
    this.end = this.chunk!.ends[cursor - this.chunk!.first - 1]!;
  }

  /** Its bytes, not copied: pin the run for as long as somebody reads them behind the next append. */
  bytes(): Buffer {
    return this.chunk!.bytes.subarray(this.start, this.end);
  }
}

/**
 * The frames that were published last, each encoded once and kept once for all clients. A client is a cursor: the number
 * of the frame that it is sent next. Appending never waits: what the limits do not allow to be kept leaves, oldest first, and
 * whoever still wanted it sees that `oldest` has passed its cursor.
 *
 * Frames stand in the bytes that they are sent in, so a client's write is one slice over many frames. Memory is a set of
 * chunks that come round again; a chunk that a socket still reads from (`pin`) is only let go of by `unpin`. So one that
 * never lets go would hold memory: where `pinnedBytes` passes a limit, end the writes whose chunk is `gone`.
 */
export class FrameBus {
  readonly #limits: BusLimits;
  readonly #chunkBytes: number;
  readonly #chunksMax: number;
  /** In the ring, oldest first; the last one is written to. */
  readonly #chunks: Chunk[] = [];
  readonly #free: Chunk[] = [];
  readonly #holds: Set<FrameHold> = new Set();
  #current: Chunk;
  #next: number;
  /** Cursor in front of which memory has been used for something else. */
  #overwritten: number;
  #pinnedChunks = 0;

  /** @param first cursor of the first frame: not 0 where a history goes on. */
  constructor(limits: BusLimits, first: number = 0) {
    this.#limits = limits;
    this.#chunkBytes = limits.chunkBytes ?? Math.min(CHUNK_BYTES, Math.max(1024, limits.bytes >> 3));
    this.#chunksMax = Math.max(2, Math.floor(limits.bytes / this.#chunkBytes));
    this.#next = first;
    this.#overwritten = first;
    this.#current = this.#enter();
  }

  /** Cursor of the oldest frame that is kept; equal to `next` when none is. */
  get oldest(): number {
    let oldest = this.#next - this.#limits.frames;
    for (const { cursor } of this.#holds) if (cursor < oldest) oldest = cursor;
    return Math.max(oldest, this.#overwritten);
  }

  /** Cursor of the frame that will be appended next. */
  get next(): number {
    return this.#next;
  }

  /** Bytes of memory: of the ring, and of chunks that only writes hold. */
  get bytes(): number {
    return (this.#chunks.length + this.#free.length + this.#pinnedChunks) * this.#chunkBytes;
  }

  /** Bytes of chunks that have left the ring and that writes still read from. */
  get pinnedBytes(): number {
    return this.#pinnedChunks * this.#chunkBytes;
  }

  /** What the limits say. */
  get framesMax(): number {
    return this.#limits.frames;
  }

  get bytesMax(): number {
    return this.#limits.bytes;
  }

  /** Longest frame that can be appended. */
  get frameBytesMax(): number {
    return this.#chunkBytes;
  }

  /**
   * Makes room for a frame of at most so many bytes and answers where it begins in `buffer` and `view`. Nothing is
   * published before `commit`.
   */
  reserve(bytes: number): number {
    const { used, count, ends } = this.#current;
    if (used + bytes <= this.#chunkBytes && count < ends.length) return used;
    if (bytes > this.#chunkBytes)
      throw new RangeError(`frame of ${bytes} bytes, at most ${this.#chunkBytes}`);
    this.#current = this.#enter();
    return 0;
  }

  /** Memory of the reserved frame; other ones after each `reserve`. */
  get buffer(): Buffer {
    return this.#current.bytes;
  }

  get view(): DataView {
    return this.#current.view;
  }

  /**
   * Publishes the frame that was written where `reserve` said.
   * @param tag a word about it that readers choose by without reading it.
   */
  commit(bytes: number, tag: number): void {
    const chunk = this.#current;
    const { count } = chunk;
    chunk.ends[count] = (count === 0 ? 0 : chunk.ends[count - 1]!) + bytes;
    chunk.tags[count] = tag;
    chunk.count = count + 1;
    this.#next += 1;
  }

  /** Publishes a copy of a frame. */
  append(frame: Uint8Array, tag: number): void {
    const at = this.reserve(frame.length);
    this.#current.bytes.set(frame, at);
    this.commit(frame.length, tag);
  }

  /**
   * The longest run of frames from a cursor on that lies in one piece and has at most so many bytes, one frame at least.
   * @returns false where there is none: `cursor` is `next`, or it is no longer (or not yet) kept.
   */
  run(cursor: number, bytesMax: number, into: FrameRun): boolean {
    const chunk = this.chunkAt(cursor);
    if (chunk === null) return false;
    const index = cursor - chunk.first;
    const start = index === 0 ? 0 : chunk.ends[index - 1]!;
    const last = lastWithin(chunk, index, start + bytesMax);
    into.chunk = chunk;
    into.from = cursor;
    into.to = chunk.first + last + 1;
    into.start = start;
    into.end = chunk.ends[last]!;
    return true;
  }

  /** The chunk that holds the frame of a cursor, or null. To be read before the next append, or pinned. */
  chunkAt(cursor: number): FrameChunk | null {
    if (cursor >= this.#next || cursor < this.oldest) return null;
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (chunks[middle]!.first <= cursor) low = middle;
      else high = middle - 1;
    }
    const chunk = chunks[low]!;
    const index = cursor - chunk.first;
    return index >= 0 && index < chunk.count ? chunk : null;
  }

  /** Cursor of the first frame from `cursor` on that is kept; what is between was skipped, or is no longer kept. */
  keptFrom(cursor: number): number {
    const from = Math.max(cursor, this.oldest);
    if (from >= this.#next || this.chunkAt(from) !== null) return from;
    return this.#chunks.find(({ first, count }) => first > from && count > 0)?.first ?? this.#next;
  }

  /** Goes on with a cursor further on: the frames in front of it are missing. */
  skipTo(cursor: number): void {
    if (cursor === this.#next) return;
    if (cursor < this.#next) throw new RangeError(`frame ${cursor} behind frame ${this.#next - 1}`);
    this.#next = cursor;
    this.#current = this.#enter();
  }

  /** Starts with another cursor. Only where nothing has been published. */
  begin(cursor: number): void {
    if (this.#next !== this.#current.first) throw new Error('frames have been published');
    this.#next = cursor;
    this.#overwritten = cursor;
    this.#current.first = cursor;
  }

  /** Whoever begins at `cursor` and is slow with something else first: to be given back by `letGo`. */
  hold(cursor: number): FrameHold {
    const hold = { cursor };
    this.#holds.add(hold);
    return hold;
  }

  letGo(hold: FrameHold): void {
    this.#holds.delete(hold);
  }

  /** Keeps the bytes of a chunk as they are until `unpin`, also behind its time in the ring. */
  pin(chunk: FrameChunk): void {
    (chunk as Chunk).pins += 1;
  }

  unpin(chunk: FrameChunk): void {
    const own = chunk as Chunk;
    own.pins -= 1;
    if (own.pins !== 0 || !own.gone) return;
    this.#pinnedChunks -= 1;
    this.#release(own);
  }

  /** Takes a chunk into the ring to write to; the oldest ones leave where memory would not be enough. */
  #enter(): Chunk {
    const { oldest } = this;
    while (this.#chunks.length > 1) {
      const { first, count } = this.#chunks[0]!;
      if (first + count > oldest && this.#chunks.length < this.#chunksMax) break;
      this.#leave();
    }
    const chunk = this.#free.pop() ?? new Chunk(this.#chunkBytes);
    chunk.first = this.#next;
    chunk.count = 0;
    chunk.gone = false;
    this.#chunks.push(chunk);
    return chunk;
  }

  #leave(): void {
    const chunk = this.#chunks.shift()!;
    this.#overwritten = chunk.first + chunk.count;
    chunk.gone = true;
    if (chunk.pins > 0) this.#pinnedChunks += 1;
    else this.#release(chunk);
  }

  #release(chunk: Chunk): void {
    if (this.#chunks.length + this.#free.length < this.#chunksMax) this.#free.push(chunk);
  }
}

/** Index of the last frame from `index` on that ends at or before a place, `index` itself at least. */
function lastWithin({ ends, count }: FrameChunk, index: number, end: number): number {
  if (ends[count - 1]! <= end) return count - 1;
  let low = index;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ends[middle]! <= end) low = middle;
    else high = middle - 1;
  }
  return low;
}
