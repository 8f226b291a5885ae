import { nsBetween } from '../binary/time.ts';
import type { Datagram } from '../packet/datagram.ts';
import { LINE_A, LINE_R } from './header.ts';
import type { SkewHistogram } from './skew.ts';

const TWO_32 = 4294967296;
const FIRST_SIZE = 1024;
const SIZE_MAX = 65536;

/** Words of a number. */
const WORDS = 8;
const LOW = 0;
const HIGH = 1;
const SESSION = 2;
const DIGEST = 3;
const TIME_HIGH = 4;
const TIME_LOW = 5;
/** A bit per line that showed it, and one that a conflict was counted; 0 = the entry is empty. */
const MARKS = 6;

const BOTH = 0b011;
const CONFLICT = 0b1000;

/**
 * The newest numbers of a channel with a digest of their first copy's bytes and the time it came, by number modulo the size:
 * tells which numbers came with other bytes, and how far the lines are apart. It doubles, up to 65,536 numbers, as long
 * as one line lies further behind than it reaches.
 */
export class SeenNumbers {
  #size = FIRST_SIZE;
  #words: Int32Array = new Int32Array(FIRST_SIZE * WORDS);
  readonly #skew: SkewHistogram;

  constructor(skew: SkewHistogram) {
    this.#skew = skew;
  }

  /**
   * Notes that a line showed `count` numbers from `first`, with these digests. `lagging` is a number that no line lies
   * further behind than. @returns how many of them are in conflict with their first copy for the first time.
   */
  note(
    session: number,
    first: number,
    count: number,
    line: number,
    datagram: Datagram,
    digests: Int32Array,
    lagging: number,
  ): number {
    while (this.#size < SIZE_MAX && first + count - lagging > this.#size) this.#grow();
    const words = this.#words;
    const mask = this.#size - 1;
    const bit = 1 << line;
    let conflicts = 0;
    let low = first | 0;
    let high = Math.floor(first / TWO_32) | 0;
    for (let index = 0; index < count; index += 1) {
      const at = (low & mask) * WORDS;
      if (words[at + LOW] === low && words[at + HIGH] === high && words[at + SESSION] === session) {
        const marks = words[at + MARKS]!;
        if ((marks & bit) === 0 && line !== LINE_R) {
          if ((marks & BOTH) !== 0) {
            this.#sample(line, datagram, words[at + TIME_HIGH]!, words[at + TIME_LOW]!);
          } else {
            words[at + TIME_HIGH] = datagram.timeHigh;
            words[at + TIME_LOW] = datagram.timeLow;
          }
        }
        words[at + MARKS] = marks | bit;
        if (words[at + DIGEST] !== digests[index] && (marks & CONFLICT) === 0) {
          words[at + MARKS] |= CONFLICT;
          conflicts += 1;
        }
      } else if (isNewer(words, at, session, high, low)) {
        words[at + LOW] = low;
        words[at + HIGH] = high;
        words[at + SESSION] = session;
        words[at + DIGEST] = digests[index]!;
        words[at + TIME_HIGH] = datagram.timeHigh;
        words[at + TIME_LOW] = datagram.timeLow;
        words[at + MARKS] = bit;
      }
      low = (low + 1) | 0;
      if (low === 0) high += 1;
    }
    return conflicts;
  }

  /** Time of B minus time of A. */
  #sample(line: number, { timeHigh, timeLow }: Datagram, firstHigh: number, firstLow: number): void {
    const later = nsBetween(timeHigh, timeLow, firstHigh, firstLow);
    this.#skew.record(line === LINE_A ? 0 - later : later);
  }

  #grow(): void {
    const old = this.#words;
    const size = this.#size * 2;
    const words = new Int32Array(size * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + MARKS] === 0) continue;
      const at = (old[from + LOW]! & (size - 1)) * WORDS;
      words.set(old.subarray(from, from + WORDS), at);
    }
    this.#words = words;
    this.#size = size;
  }
}

/** Is a number behind the one in the entry, so that it may take its place? */
function isNewer(words: Int32Array, at: number, session: number, high: number, low: number): boolean {
  if (words[at + MARKS] === 0) return true;
  const held = words[at + SESSION]!;
  if (session !== held) return session > held;
  const heldHigh = words[at + HIGH]!;
  if (high !== heldHigh) return high > heldHigh;
  return low >>> 0 > words[at + LOW]! >>> 0;
}
