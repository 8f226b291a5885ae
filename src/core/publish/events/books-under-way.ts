import type { BookEvents } from './book-source.ts';

/** Books in the form of a framing, on their way to one client or more. */
export interface SentBooks {
  readonly bytes: Buffer;
  readonly events: number;
  readonly books: number;
  /** What they are of: others that ask for the same are sent these. */
  readonly key: string;
  /** Clients that have not taken them. */
  users: number;
}

/** What all books that were asked for may need while clients have not taken them. */
const BYTES_MAX: number = 64 * 1024 * 1024;

/**
 * Books that clients are being sent. Many clients may lose their place in the same moment: those that want the same are sent
 * the same bytes, made once.
 */
export class BooksUnderWay {
  #bytes = 0;
  /** Those that were made last, as long as somebody has not taken them. */
  #last: SentBooks | null = null;

  /**
   * Books for one client more; null: too much to send, now or at all. `letGo` once they are sent.
   * @param key that of others that are sent the same now, ''= nobody is.
   * @param make says the books in at most so many bytes; null = they need more. @param join puts them into a framing.
   */
  take(
    key: string,
    make: (bytesMax: number) => BookEvents | null,
    join: (bytes: Buffer, ends: readonly number[]) => Buffer,
  ): SentBooks | null {
    const last = this.#last;
    if (last !== null && key !== '' && last.key === key) {
      last.users += 1;
      return last;
    }
    const said = make(BYTES_MAX - this.#bytes);
    if (said === null) return null;
    const bytes = join(said.bytes, said.ends);
    const sent = { bytes, events: said.ends.length, books: said.books, key, users: 1 };
    this.#bytes += bytes.length;
    this.#last = sent;
    return sent;
  }

  letGo(sent: SentBooks): void {
    sent.users -= 1;
    if (sent.users > 0) return;
    this.#bytes -= sent.bytes.length;
    if (this.#last === sent) this.#last = null;
  }
}
