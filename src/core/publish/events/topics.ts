/** What an event is about: a book, or a source as a whole. */
export interface Topic {
  readonly source: string;
  /** Number of the book, null = the source as a whole. */
  readonly book: number | null;
  /** The venue's number of the instrument. */
  readonly instrument: bigint | null;
  readonly symbol: string | null;
}

/** Numbers what events are about, so that filters decide by a table. */
export class Topics {
  readonly list: Topic[] = [];
  /** Moves when a topic is not what it was. */
  version = 0;
  readonly #byBook: number[] = [];
  readonly #bySource: Map<string, number> = new Map();

  /** Number of the topic of a book, −1 = it has none yet. */
  find(book: number): number {
    return this.#byBook[book] ?? -1;
  }

  /** Notes what a book is; again where its name has come. */
  put(topic: Topic & { readonly book: number }): number {
    const known = this.find(topic.book);
    if (known < 0) {
      while (this.#byBook.length < topic.book) this.#byBook.push(-1);
      this.#byBook[topic.book] = this.list.length;
      this.list.push(topic);
      return this.list.length - 1;
    }
    this.list[known] = topic;
    this.version += 1;
    return known;
  }

  ofSource(source: string): number {
    const known = this.#bySource.get(source);
    if (known !== undefined) return known;
    this.#bySource.set(source, this.list.length);
    this.list.push({ source, book: null, instrument: null, symbol: null });
    return this.list.length - 1;
  }

  /** Names of all sources so far. */
  sources(): Set<string> {
    return new Set(this.list.map(({ source }) => source));
  }
}
