import { Random } from '../../../src/core/binary/random.ts';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { type BookKey, Dictionary } from '../../../src/core/event/dictionary.ts';
import * as record from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import type { ChannelPlace } from '../../../src/core/journal/image-payload.ts';
import type { JournalBooks } from '../../../src/core/journal/journal-writer.ts';
import { Books } from '../../../src/core/pipeline/books.ts';

const { RECORD_WORDS } = record;
const CHANNELS = 2;
const BATCH_RECORDS_MAX = 24;
const BOOKS_MAX = 7;
const ORDERS_AIM = 40;
const TIME = 1_778_180_246_000_000_000n;
const EXTENDED: number = record.FLAG_EXTENDED << 8;

/** What happens at once: books and names that appear, and events of one channel. */
export interface Step {
  readonly books: readonly BookKey[];
  readonly named: readonly { readonly book: number; readonly symbol: string }[];
  readonly batch: EventBatch;
  /** Where each event begins, as a record of the batch. */
  readonly starts: readonly number[];
}

interface Order {
  readonly id: number;
  readonly book: number;
  readonly ask: boolean;
}

/** A small session of two channels, drawn from a seed: what a journal is asked to keep. */
export class Workload {
  readonly rules: BookRules;
  readonly steps: Step[] = [];
  events = 0;
  /** Everything of every event, as one text each. */
  readonly rows: string[] = [];
  readonly #random: Random;
  /** By channel. */
  readonly #orders: Order[][] = Array.from({ length: CHANNELS }, () => []);
  #books = 0;
  #ids = 0;
  #time = TIME;
  readonly #sequences: number[] = Array.from({ length: CHANNELS }, () => 0);

  constructor(seed: number, events: number) {
    this.#random = new Random(seed);
    this.rules = {
      idScope: this.#random.below(2) === 0 ? 'source' : 'bookSide',
      groupScope: 'book',
      modifyUnknown: 'ignore',
      replaceUnknown: 'ignore',
      modifyPriority: 'lost',
    };
    while (this.events < events) this.#step();
  }

  /** Is each channel a source of its own? */
  get isPerChannel(): boolean {
    return this.rules.idScope === 'source';
  }

  /** The books behind the first events of an uninterrupted run. */
  booksAt(events: number): Books {
    const books = this.emptyBooks();
    this.play(books, 0, events);
    return books;
  }

  emptyBooks(): Books {
    return new Books(this.rules, new Dictionary(), null, []);
  }

  /**
   * Plays the events behind `done` up to `end` into books that hold the ones before.
   * @param before is shown each part of a batch before it is applied. @param after is called when it is; false ends it.
   */
  play(
    books: Books,
    done: number,
    end: number,
    before: (batch: EventBatch, from: number, to: number) => void = () => {},
    after: () => boolean = () => true,
  ): void {
    let first = 0;
    for (const { books: keys, named, batch, starts } of this.steps) {
      if (first >= end) return;
      for (const key of keys) books.dictionary.add(key);
      for (const { book, symbol } of named) books.dictionary.name(book, symbol);
      const start = Math.max(done - first, 0);
      const stop = Math.min(end - first, starts.length);
      first += starts.length;
      if (start >= stop) continue;
      const from = starts[start]!;
      const to = starts[stop] ?? batch.count;
      before(batch, from, to);
      books.marketOf(batch.channel).apply(batch, from, to);
      if (!after()) return;
    }
  }

  #step(): void {
    const random = this.#random;
    const books: BookKey[] = [];
    const named: { book: number; symbol: string }[] = [];
    // Each channel has a book from the beginning.
    while (this.#books < CHANNELS) books.push(this.#newBook());
    if (this.#books < BOOKS_MAX && random.below(12) === 0) books.push(this.#newBook());
    if (random.below(15) === 0)
      named.push({ book: random.below(this.#books), symbol: `S${this.steps.length}` });
    const batch = new EventBatch(BATCH_RECORDS_MAX);
    batch.channel = random.below(CHANNELS);
    batch.sequenceBase = (this.#sequences[batch.channel] ?? 0) + 1;
    batch.venueBaseHigh = bigHigh(this.#time);
    batch.venueBaseLow = bigLow(this.#time);
    batch.receiveBaseHigh = bigHigh(this.#time + 1000n);
    batch.receiveBaseLow = bigLow(this.#time + 1000n);
    const starts: number[] = [];
    const events = 1 + random.below(BATCH_RECORDS_MAX / 2);
    for (let event = 0; event < events; event += 1) {
      starts.push(batch.count);
      this.#event(batch, event);
    }
    this.#sequences[batch.channel] = batch.sequenceBase + (events >> 1);
    this.#time += BigInt(random.below(3_000_000));
    this.steps.push({ books, named, batch, starts });
    this.rows.push(...rowsOf(batch));
    this.events += events;
  }

  #newBook(): BookKey {
    const number = this.#books;
    this.#books += 1;
    return {
      source: 'x',
      publisher: number % 3,
      instrument: BigInt(1000 - number),
      channel: number % CHANNELS,
      priceScale: 4,
      quantityScale: 0,
      symbol: number % 2 === 0 ? `BOOK${number}` : null,
    };
  }

  /** Writes the next event at the end of the batch. */
  #event(batch: EventBatch, event: number): void {
    const random = this.#random;
    const { words } = batch;
    const at = batch.count * RECORD_WORDS;
    // Two events to a message.
    const sequence = (event >> 1) << 16;
    words[at + record.WORD_VENUE_TIME] = event * 100 - 50;
    words[at + record.WORD_RECEIVE_TIME] = event * 100;
    batch.count += 1;
    if (random.below(60) === 0) {
      const kind = [record.KIND_GAP, record.KIND_SESSION, record.KIND_RESET][random.below(3)]!;
      words[at] = kind | sequence;
      words[at + record.WORD_BOOK] = record.NO_BOOK;
      words[at + record.WORD_ID] = this.events + event;
      if (kind === record.KIND_GAP) words[at + record.WORD_PRICE] = record.GAP_LOST;
      return;
    }
    const orders = this.#orders[batch.channel]!;
    const found =
      random.below(ORDERS_AIM * 2) < orders.length ? orders[random.below(orders.length)] : undefined;
    const book = found?.book ?? this.#bookOf(batch.channel);
    const ask = found?.ask ?? random.below(2) === 0;
    const id = found?.id ?? this.#newId(orders, book, ask);
    const kind =
      found === undefined
        ? record.KIND_ADD
        : [record.KIND_REDUCE, record.KIND_DELETE, record.KIND_MODIFY, record.KIND_REPLACE][random.below(4)]!;
    words[at] = kind | ((ask ? record.FLAG_ASK : 0) << 8) | ((event & 1) << 8) | sequence;
    words[at + record.WORD_BOOK] = book;
    words[at + record.WORD_ID] = id;
    words[at + record.WORD_PRICE] = (ask ? 10_100 : 10_000) + random.below(8) * (ask ? 1 : -1);
    words[at + record.WORD_QUANTITY] = 1 + random.below(9);
    if (kind === record.KIND_DELETE) orders.splice(orders.indexOf(found!), 1);
    if (kind !== record.KIND_REPLACE) return;
    orders.splice(orders.indexOf(found!), 1);
    words[at]! |= EXTENDED;
    words[at + record.WORD_ID] = this.#newId(orders, book, ask);
    words[at + RECORD_WORDS] = record.KIND_EXTENSION;
    words[at + RECORD_WORDS + record.EXT_WORD_RELATED_ID] = id;
    batch.count += 1;
  }

  #bookOf(channel: number): number {
    const count = Math.ceil((this.#books - channel) / CHANNELS);
    return channel + CHANNELS * this.#random.below(count);
  }

  #newId(orders: Order[], book: number, ask: boolean): number {
    this.#ids += 1;
    orders.push({ id: this.#ids, book, ask });
    return this.#ids;
  }
}

/** Books as a writer asks for them. */
export function journalBooks(books: Books): JournalBooks {
  const placeOf = (channel: number): ChannelPlace => ({
    channel,
    isLost: books.marketOf(channel).lostChannels.has(channel),
    lastSequence: 0,
    lastEvents: 0,
    nextTransport: 0,
    session: null,
  });
  return {
    markets: books.markets,
    dictionary: books.dictionary,
    places: () => ({ busCursor: 0, channels: Array.from({ length: CHANNELS }, (_, at) => placeOf(at)) }),
  };
}

/** Everything of the events of a batch, with numbers and times that no base is missing from. */
export function rowsOf(batch: EventBatch): string[] {
  const { words } = batch;
  const venue = (BigInt(batch.venueBaseHigh) << 32n) | BigInt(batch.venueBaseLow >>> 0);
  const receive = (BigInt(batch.receiveBaseHigh) << 32n) | BigInt(batch.receiveBaseLow >>> 0);
  const rows: string[] = [];
  for (let index = 0; index < batch.count; ) {
    const at = index * RECORD_WORDS;
    const head = words[at]!;
    const records = (head & EXTENDED) !== 0 ? 2 : 1;
    const sequence = batch.sequenceBase === 0 ? 0 : batch.sequenceBase + (head >>> 16);
    const first = words.subarray(at + 1, at + record.WORD_VENUE_TIME).join();
    const second = words.subarray(at + RECORD_WORDS, at + records * RECORD_WORDS).join();
    const venueTime = venue + BigInt(words[at + record.WORD_VENUE_TIME]!);
    const receiveTime = receive + BigInt(words[at + record.WORD_RECEIVE_TIME]! >>> 0);
    rows.push(`${batch.channel}/${sequence} ${head & 0xffff} ${first} ${venueTime} ${receiveTime} ${second}`);
    index += records;
  }
  return rows;
}

/** What books hold and which are stale, as one text. */
export function stateOf({ markets, dictionary }: Books): string {
  const sources: string[] = [];
  for (const [source, market] of markets.entries()) {
    const stale = dictionary.books.filter(({ number }) => market.stale[number] === 1);
    const lost = [...market.lostChannels].sort((a, b) => a - b);
    // A source of which nothing has come is as good as none.
    if (market.orders.live === 0 && stale.length === 0 && lost.length === 0) continue;
    const { version, hash } = stateHash(market);
    const marks = `stale ${stale.map(({ number }) => number).join()} lost ${lost.join()}`;
    sources.push(`source ${source}: v${version} ${hash.toString(16)} ${marks}`);
  }
  return sources.join('\n');
}
