import type { Dictionary } from '../event/dictionary.ts';
import type { BookStates } from './book-states.ts';

/** Channels of which events are lost, and the books that are stale for it. */
export class Losses {
  /** Their books, also those seen later, are stale. */
  readonly channels: Set<number> = new Set();
  readonly #dictionary: Dictionary;
  readonly #states: BookStates;
  /** Channels whose books are all stale, so that another loss changes nothing. */
  readonly #staleChannels: Set<number> = new Set();
  /** Books of the dictionary that had changed their channel when that was last known. */
  #rehomed = 0;

  constructor(dictionary: Dictionary, states: BookStates) {
    this.#dictionary = dictionary;
    this.#states = states;
  }

  lose(channel: number): void {
    if (this.#rehomed !== this.#dictionary.rehomed) this.#staleChannels.clear();
    this.#rehomed = this.#dictionary.rehomed;
    if (this.#staleChannels.has(channel)) return;
    this.channels.add(channel);
    this.#staleChannels.add(channel);
    const { stale, count } = this.#states;
    for (let book = 0; book < count; book += 1) {
      if (this.#dictionary.books[book]?.channel === channel) stale[book] = 1;
    }
  }

  /** What comes from now on of this channel is whole. */
  forget(channel: number): void {
    this.channels.delete(channel);
    this.#staleChannels.clear();
  }

  /** A book has become right, so that another loss matters to it. */
  mend(book: number): void {
    this.#states.stale[book] = 0;
    this.#staleChannels.clear();
  }
}
