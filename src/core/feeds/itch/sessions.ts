/** Most sessions that one channel tells apart. */
export const SESSIONS_MAX = 1024;
/** Answer of `find` when a further session would be one too many. */
export const SESSION_REFUSED = -1;

const WORDS = 3;
const SESSION_BYTES = 10;

/**
 * Numbers the ten-byte session ids of one channel, from 1 in order of first sight; ids of blanks or NULs are 0, no
 * session. The id is compared as bytes, and with the last one first.
 */
export class SessionTable {
  /** Per session the id as three big-endian words, the last one of two bytes. */
  readonly #ids: Int32Array = new Int32Array(SESSIONS_MAX * WORDS);
  #count = 0;
  /** The id found last, and its number. */
  #first = 0;
  #second = 0;
  #third = 0;
  #number = 0;

  /** @returns the number of the session whose id stands at `offset`, or SESSION_REFUSED. */
  find(view: DataView, offset: number): number {
    const first = view.getInt32(offset);
    const second = view.getInt32(offset + 4);
    const third = view.getUint16(offset + 8);
    if (first === this.#first && second === this.#second && third === this.#third) return this.#number;
    const number = this.#look(first, second, third);
    if (number !== SESSION_REFUSED) {
      this.#first = first;
      this.#second = second;
      this.#third = third;
      this.#number = number;
    }
    return number;
  }

  /** The ten bytes of a session's id, null for 0. */
  id(number: number): Uint8Array | null {
    if (number < 1 || number > this.#count) return null;
    const id = new Uint8Array(SESSION_BYTES);
    for (let at = 0; at < SESSION_BYTES; at += 1) {
      const word = this.#ids[(number - 1) * WORDS + (at >> 2)]!;
      id[at] = at < 8 ? word >>> (24 - (at & 3) * 8) : word >>> (8 - (at & 3) * 8);
    }
    return id;
  }

  /** The id of a session without the blanks and NULs around it, null for 0; what is not printable as `\x07`. */
  text(number: number): string | null {
    const id = this.id(number);
    if (id === null) return null;
    let text = '';
    for (const byte of id) text += String.fromCharCode(byte);
    return printableId(text);
  }

  #look(first: number, second: number, third: number): number {
    if (isBlank(first) && isBlank(second) && isBlank(third << 16)) return 0;
    const ids = this.#ids;
    const end = this.#count * WORDS;
    for (let at = 0; at < end; at += WORDS) {
      if (ids[at] === first && ids[at + 1] === second && ids[at + 2] === third) return at / WORDS + 1;
    }
    if (this.#count === SESSIONS_MAX) return SESSION_REFUSED;
    ids[end] = first;
    ids[end + 1] = second;
    ids[end + 2] = third;
    this.#count += 1;
    return this.#count;
  }
}

/** Are all four bytes blanks or NULs? */
function isBlank(word: number): boolean {
  return (word & 0xdfdfdfdf) === 0;
}

/** A session id for people: without padding, bytes that are no printable ASCII escaped; null where nothing is left. */
function printableId(raw: string): string | null {
  const text = raw.replace(/^[ \0]+|[ \0]+$/g, '');
  if (text === '') return null;
  return text.replace(/[^ -~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
