import type { Random } from '../../src/core/binary/random.ts';

/** A disk keeps or loses so many bytes at once. */
const SECTOR_BYTES = 512;
const FATES = 5;

/** A part of a write that lies in one sector, or a new end of the file. */
type Change =
  | { readonly kind: 'bytes'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly bytes: number };

/** What becomes of one change that no sync has covered. */
type Fate = 'kept' | 'lost' | 'garbled';

/** Decides over the changes of one file or directory, one after the other. */
export type Fates = () => Fate;

/**
 * How a loss of power goes: everything arrived, nothing did, each for itself, the first ones did and the rest did not, or
 * the same with a garbled one between the two.
 */
export function fatesOf(random: Random, changes: number): Fates {
  const mode = random.below(FATES);
  if (mode === 0) return () => 'kept';
  if (mode === 1) return () => 'lost';
  if (mode === 2) {
    const kept = random.unit();
    const lost = kept + (1 - kept) * random.unit();
    return () => {
      const drawn = random.unit();
      return drawn < kept ? 'kept' : drawn < lost ? 'lost' : 'garbled';
    };
  }
  let left = random.below(changes + 1);
  return () => {
    left -= 1;
    return left >= 0 ? 'kept' : left === -1 && mode === 4 ? 'garbled' : 'lost';
  };
}

/** Bytes of a file as its readers see them, and what of that would survive a loss of power. */
export class UnsyncedBytes {
  readonly #now: Growing;
  readonly #durable: Growing;
  #changes: Change[] = [];

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#now = new Growing(bytes);
    this.#durable = new Growing(bytes);
  }

  get length(): number {
    return this.#now.length;
  }

  read(into: Uint8Array, offset: number): number {
    const part = this.#now.bytes().subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, offset: number): void {
    this.#now.write(bytes, offset);
    for (let from = 0; from < bytes.length; ) {
      const to = Math.min(bytes.length, from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES));
      this.#changes.push({ kind: 'bytes', offset: offset + from, bytes: bytes.slice(from, to) });
      from = to;
    }
  }

  truncate(bytes: number): void {
    this.#now.cut(bytes);
    this.#changes.push({ kind: 'cut', bytes });
  }

  sync(): void {
    for (const change of this.#changes) apply(this.#durable, change);
    this.#changes = [];
  }

  /**
   * A sync that fails: the disk has what it has, and no later sync tries again. Readers see what was written, or what is there.
   */
  failSync(random: Random): void {
    const durable = this.survivors(random);
    this.#changes = [];
    this.#durable.become(durable);
    if (random.below(2) === 0) return;
    const { length } = this.#now;
    this.#now.become(durable);
    this.#now.cut(length);
  }

  /** What a loss of power leaves. */
  survivors(random: Random): Uint8Array {
    const left = new Growing(this.#durable.bytes());
    const fate = fatesOf(random, this.#changes.length);
    for (const change of this.#changes) {
      const drawn = fate();
      if (drawn === 'kept' || (drawn === 'garbled' && change.kind === 'cut')) apply(left, change);
      else if (drawn === 'garbled' && change.kind === 'bytes')
        garble(left, change.offset, change.bytes, random);
    }
    // The length of a file may arrive without what lies there.
    if (this.#now.length > left.length && random.below(2) === 0) {
      left.cut(left.length + random.below(this.#now.length - left.length + 1));
    }
    return left.bytes().slice();
  }
}

function apply(to: Growing, change: Change): void {
  if (change.kind === 'cut') to.cut(change.bytes);
  else to.write(change.bytes, change.offset);
}

/** The sector is new up to some byte, there with a bit of it wrong, or noise. */
function garble(to: Growing, offset: number, bytes: Uint8Array, random: Random): void {
  const left = bytes.slice(0, 1 + random.below(bytes.length));
  const kind = random.below(3);
  if (kind === 1) left[random.below(left.length)]! ^= 1 << random.below(8);
  else if (kind === 2) for (let at = 0; at < left.length; at += 1) left[at] = random.word();
  to.write(left, offset);
}

/** Bytes that grow at their end; what lies between is zero. */
class Growing {
  length: number;
  #room: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#room = bytes.slice();
    this.length = bytes.length;
  }

  bytes(): Uint8Array {
    return this.#room.subarray(0, this.length);
  }

  become(bytes: Uint8Array): void {
    this.#room = bytes.slice();
    this.length = bytes.length;
  }

  write(bytes: Uint8Array, offset: number): void {
    if (offset + bytes.length > this.length) this.cut(offset + bytes.length);
    this.#room.set(bytes, offset);
  }

  /** Ends behind so many bytes, which may be more than there are. */
  cut(length: number): void {
    if (length > this.#room.length) {
      const room = new Uint8Array(Math.max(length, this.#room.length * 2));
      room.set(this.bytes());
      this.#room = room;
    } else if (length > this.length) this.#room.fill(0, this.length, length);
    this.length = length;
  }
}
