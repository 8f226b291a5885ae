import type { Random } from '../../../src/core/binary/random.ts';
import { Market } from '../../../src/core/book/market.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_BEFORE,
  FLAG_BY_KIND,
  FLAG_INFORMS,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_SNAPSHOT,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_GAP,
  KIND_LEVEL,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
  KIND_SESSION,
  KIND_TRADE,
  NO_BOOK,
} from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';
import { checkMarkets, stateText } from '../books-check.ts';
import { type Episode, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 512;
const CHECK_EVERY = 64;
const BOOKS = 6;
const CHANNELS = 2;
const BATCH_EVENTS_MAX = 64;

const KINDS: readonly number[] = [
  ...new Array<number>(12).fill(KIND_ADD),
  ...new Array<number>(6).fill(KIND_MODIFY),
  ...new Array<number>(5).fill(KIND_DELETE),
  ...new Array<number>(4).fill(KIND_REPLACE),
  ...new Array<number>(4).fill(KIND_REDUCE),
  ...new Array<number>(4).fill(KIND_EXECUTE),
  KIND_TRADE,
];
const RARE_KINDS: readonly number[] = [KIND_LEVEL, KIND_LEVEL, KIND_CLEAR, KIND_GAP, KIND_SESSION];
const FLAGS: readonly number[] = [FLAG_KEEP_PRIORITY, FLAG_INFORMS, FLAG_BEFORE, FLAG_BY_KIND, FLAG_SNAPSHOT];
const EXACT_MAX: bigint = (1n << 53n) - 1n;
const PRICES_EDGE: readonly bigint[] = [
  0n,
  -1n,
  EXACT_MAX,
  -EXACT_MAX,
  EXACT_MAX + 1n,
  -(1n << 63n),
  (1n << 63n) - 1n,
];
const QUANTITIES_EDGE: readonly bigint[] = [
  0n,
  -1n,
  EXACT_MAX,
  EXACT_MAX - 2n,
  EXACT_MAX + 1n,
  (1n << 63n) - 1n,
  -(1n << 63n),
];

/** Events of any kind, with any rules of a venue, straight into the books. */
export function eventsTarget(): Target {
  return {
    name: 'events',
    title: 'event records of every kind under any rules → books; the cut into batches changes nothing',
    share: 60,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new EventsEpisode(random, outcomes),
  };
}

class EventsEpisode implements Episode {
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #rules: BookRules;
  readonly #single: Market;
  readonly #batched: Market;
  readonly #ids: number;
  readonly #prices: number;
  #waiting: EventInput[] = [];
  #channel = 0;
  #size = 1;
  #cases = 0;

  constructor(random: Random, outcomes: Outcomes) {
    this.#random = random;
    this.#outcomes = outcomes;
    const pick = <T>(...values: readonly T[]): T => values[random.below(values.length)]!;
    this.#rules = {
      idScope: pick('source', 'book', 'bookSide'),
      groupScope: pick('source', 'book'),
      modifyUnknown: pick('add', 'ignore'),
      replaceUnknown: pick('add', 'ignore'),
      modifyPriority: pick('lost', 'keptUnlessBetter'),
      clearRestores: pick(true, false),
    };
    this.#ids = pick(8, 64, 400);
    this.#prices = pick(3, 40, 300);
    this.#single = newMarket(this.#rules);
    this.#batched = newMarket(this.#rules);
  }

  next(): void {
    const event = this.#event();
    this.#cases += 1;
    this.#single.apply(batchOf([event], this.#channel));
    this.#waiting.push(event);
    if (this.#waiting.length >= this.#size) this.#flush();
    if (this.#cases % CHECK_EVERY === 0) this.#check();
  }

  end(): void {
    this.#check();
    this.#outcomes.add('events', this.#cases);
    this.#outcomes.add('orders left', this.#single.orders.live);
  }

  #check(): void {
    this.#flush();
    checkMarkets([this.#single, this.#batched]);
    same('books after events in batches', stateText([this.#batched]), stateText([this.#single]));
    same('stale books', this.#batched.stale.join(), this.#single.stale.join());
  }

  /** The waiting events as one batch; the next batch has another size and perhaps another channel. */
  #flush(): void {
    const random = this.#random;
    if (this.#waiting.length > 0) this.#batched.apply(batchOf(this.#waiting, this.#channel));
    this.#waiting = [];
    this.#size = 1 + random.below(BATCH_EVENTS_MAX);
    this.#channel = random.below(CHANNELS);
  }

  #event(): EventInput {
    const random = this.#random;
    const rare = random.below(24) === 0;
    const kind = rare ? RARE_KINDS[random.below(RARE_KINDS.length)]! : KINDS[random.below(KINDS.length)]!;
    let flags = random.below(3) > 0 ? FLAG_LAST : 0;
    if (random.below(3) === 0) flags |= FLAGS[random.below(FLAGS.length)]!;
    const related = kind === KIND_REPLACE || (flags & FLAG_BEFORE) !== 0 || random.below(16) === 0;
    const event = {
      kind,
      book: this.#book(kind),
      flags,
      ask: random.below(2) === 0,
      id: this.#id(),
      price: this.#edge()
        ? PRICES_EDGE[random.below(PRICES_EDGE.length)]!
        : BigInt(random.below(this.#prices)) - 1n,
      quantity: this.#edge()
        ? QUANTITIES_EDGE[random.below(QUANTITIES_EDGE.length)]!
        : BigInt(1 + random.below(9)),
    };
    return related ? { ...event, related: this.#id() } : event;
  }

  /** Only events that find their order by its id may name no book. */
  #book(kind: number): number {
    const random = this.#random;
    if (kind === KIND_GAP || kind === KIND_SESSION) return NO_BOOK;
    if (kind === KIND_CLEAR && random.below(16) === 0) return NO_BOOK;
    const named = kind === KIND_ADD || kind === KIND_LEVEL || kind === KIND_CLEAR;
    if (!named && this.#rules.idScope === 'source' && random.below(8) === 0) return NO_BOOK;
    return random.below(BOOKS);
  }

  #id(): bigint {
    const random = this.#random;
    const id = BigInt(1 + random.below(this.#ids));
    return id % 5n === 0n ? id << 32n : id;
  }

  #edge(): boolean {
    return this.#random.below(48) === 0;
  }
}

function newMarket(rules: BookRules): Market {
  const dictionary = new Dictionary();
  for (let book = 0; book < BOOKS; book += 1) {
    dictionary.add({
      source: 'fuzz',
      publisher: 0,
      instrument: BigInt(book),
      channel: book % CHANNELS,
      priceScale: 0,
      quantityScale: 0,
      symbol: null,
    });
  }
  return new Market(rules, dictionary);
}
