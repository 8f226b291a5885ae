import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Market } from '../../book/market.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import type { Books, EventObserver } from '../books.ts';
import { type DepthReport, depthReport, type InstrumentReport, instrumentReport } from '../report.ts';
import { run } from '../run.ts';
import type { SideOptions, Stopping } from './side-options.ts';

/** A book with all of its levels and queues. */
export type BookShot = InstrumentReport & DepthReport;

/** A book of a side, after so many of its events; 0 = as an image brought it. */
export interface ShotPlace {
  readonly book: BookDefinition;
  readonly event: number;
}

/** Reads a side again and takes its books at these places. @returns them in the order of the places. */
export async function shootBooks(
  side: SideOptions,
  places: readonly ShotPlace[],
  { signal, stop }: Stopping,
): Promise<BookShot[]> {
  if (places.length === 0) return [];
  const shots = new BookShots(places);
  const { books } = await run({
    ...side,
    tell: () => {},
    observers: [shots],
    invariants: 'off',
    stopAt: null,
    pacer: null,
    steps: null,
    signal,
    stop: () => shots.isDone || stop(),
    breathe: () => nextTurn(),
  });
  return shots.finish(books);
}

class BookShots implements EventObserver {
  readonly #places: readonly ShotPlace[];
  /** Places in the order of their events, as indices. */
  readonly #due: number[];
  readonly #shots: (BookShot | undefined)[] = [];
  #events = 0;

  constructor(places: readonly ShotPlace[]) {
    this.#places = places;
    this.#due = places.map((_, index) => index).sort((a, b) => places[a]!.event - places[b]!.event);
  }

  get isDone(): boolean {
    return this.#due.length === 0;
  }

  before({ channel }: EventBatch, _at: number, market: Market): void {
    // A market is as an image brought it until its own first event.
    for (let at = 0; at < this.#due.length && this.#places[this.#due[at]!]!.event === 0; ) {
      const isElsewhere =
        market.rules.idScope === 'source' && this.#places[this.#due[at]!]!.book.channel !== channel;
      if (isElsewhere) at += 1;
      else this.#shoot(this.#due.splice(at, 1)[0]!, market);
    }
  }

  after(_batch: EventBatch, _at: number, market: Market): void {
    this.#events += 1;
    for (;;) {
      const next = this.#due.find((index) => this.#places[index]!.event > 0);
      if (next === undefined || this.#places[next]!.event !== this.#events) return;
      this.#due.splice(this.#due.indexOf(next), 1);
      this.#shoot(next, market);
    }
  }

  /** All of them; those that no event came for are as the books are at the end. */
  finish(books: Books): BookShot[] {
    for (const index of this.#due.splice(0)) {
      this.#shoot(index, books.marketOf(this.#places[index]!.book.channel));
    }
    return this.#shots.map((shot) => shot!);
  }

  #shoot(index: number, market: Market): void {
    const { book } = this.#places[index]!;
    this.#shots[index] = {
      ...instrumentReport(market, book),
      ...depthReport(market, book, { levels: Number.POSITIVE_INFINITY, queues: true }),
    };
  }
}
