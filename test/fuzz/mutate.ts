import type { Random } from '../../src/core/binary/random.ts';
import type { Scratch } from './scratch.ts';

/** Bytes and words at which readers change their minds. */
const BYTES = Uint8Array.of(
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  0x10,
  0x1f,
  0x20,
  0x3f,
  0x40,
  0x7e,
  0x7f,
  0x80,
  0x81,
  0xfe,
  0xff,
);
const WORDS = Float64Array.of(
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  15,
  16,
  20,
  24,
  28,
  32,
  0x7f,
  0x80,
  0xff,
  0x100,
  0x7fff,
  0x8000,
  0xfffe,
  0xffff,
  0x10000,
  0xfffff,
  0x100000,
  0x3fffffff,
  0x7ffffffe,
  0x7fffffff,
  0x80000000,
  0xfffffffe,
  0xffffffff,
);
/** Headers stand at the beginning: every second place is chosen there. */
const HEAD_BYTES = 64;
const CHANGES_MAX = 4;

/**
 * Changes an input in one to four places: bits, bytes, words of either order, lengths off by one, pieces cut out,
 * doubled, moved, filled, put in from noise or from another input of the same kind, and the end cut off.
 */
export function mutate(input: Scratch, random: Random, other: Uint8Array): void {
  let changes = 1 + random.below(CHANGES_MAX);
  while (changes > 0) {
    changes -= 1;
    change(input, random, other);
  }
}

function change(input: Scratch, random: Random, other: Uint8Array): void {
  const { bytes, view, length } = input;
  if (length === 0) {
    insert(input, random, 0, 1 + random.below(32));
    return;
  }
  const at = place(random, length);
  switch (random.below(16)) {
    case 0:
    case 1:
      bytes[at] ^= 1 << random.below(8);
      break;
    case 2:
    case 3:
      bytes[at] = BYTES[random.below(BYTES.length)];
      break;
    case 4:
      bytes[at] = random.word();
      break;
    case 5:
    case 6:
      if (at + 2 <= length) view.setUint16(at, WORDS[random.below(WORDS.length)], random.below(2) === 0);
      break;
    case 7:
      if (at + 4 <= length) view.setUint32(at, WORDS[random.below(WORDS.length)], random.below(2) === 0);
      break;
    case 8: {
      // A length, count or number a little off.
      const little = random.below(2) === 0;
      const step = random.below(2) === 0 ? 1 : -1;
      if (random.below(2) === 0) bytes[at] += step;
      else if (at + 2 <= length) view.setUint16(at, view.getUint16(at, little) + step, little);
      break;
    }
    case 9:
      input.length = at;
      break;
    case 10:
      insert(input, random, at, 1 + random.below(16));
      break;
    case 11: {
      const size = Math.min(length - at, 1 + random.below(32));
      bytes.copyWithin(at, at + size, length);
      input.length -= size;
      break;
    }
    case 12: {
      const size = Math.min(length - at, 1 + random.below(64), input.room);
      bytes.copyWithin(at + size, at, length);
      input.length += size;
      break;
    }
    case 13: {
      const size = Math.min(length - at, 1 + random.below(16));
      bytes.copyWithin(place(random, length - size + 1), at, at + size);
      break;
    }
    case 14: {
      const size = Math.min(length - at, 1 + random.below(16));
      bytes.fill(BYTES[random.below(BYTES.length)], at, at + size);
      break;
    }
    default: {
      // The end of another input behind the beginning of this one.
      input.length = at;
      if (other.length > 0) input.append(other.subarray(place(random, other.length)));
    }
  }
}

function insert(input: Scratch, random: Random, at: number, wanted: number): void {
  const size = Math.min(wanted, input.room);
  input.bytes.copyWithin(at + size, at, input.length);
  for (let byte = at; byte < at + size; byte += 1) input.bytes[byte] = random.word();
  input.length += size;
}

function place(random: Random, length: number): number {
  return random.below(random.below(2) === 0 ? Math.min(length, HEAD_BYTES) : length);
}
