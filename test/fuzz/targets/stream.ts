import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import type { Random } from '../../../src/core/binary/random.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { EventWriter } from '../../../src/core/event/writer.ts';
import { FeedCounts } from '../../../src/core/feeds/counts.ts';
import { type Feed, type Framing, STREAM_MORE } from '../../../src/core/feeds/feed.ts';
import type { MessageSink } from '../../../src/core/feeds/message-sink.ts';
import { Books } from '../../../src/core/pipeline/books.ts';
import { checkMarkets } from '../books-check.ts';
import { EventCheck } from '../event-check.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { type Episode, holds, type Outcomes, same, type Target } from '../target.ts';

/** The longest message of a length-prefixed stream must fit. */
const WINDOW_BYTES = 70_000;
const INPUT_BYTES = 8192;
const CASES_PER_EPISODE = 16;
const BOOKS_ONE_IN = 4;
const BATCH_RECORDS = Int32Array.of(3, 4, 64);
const ANSWERS: readonly string[] = ['more', 'end', 'damaged'];

export interface StreamKind {
  readonly name: string;
  readonly title: string;
  readonly share: number;
  readonly feed: Feed;
  readonly framing: Framing;
  readonly midnight: bigint | null;
  readonly inputs: readonly Uint8Array[];
  /** Writes a well-made input. */
  readonly write: (input: Scratch, random: Random) => void;
  /** Sees every message of the input whole, too; must not throw. */
  readonly examiner?: () => MessageSink;
}

/** A stream decoder fed at once and in pieces: same answer, place, events and counts; books in order. */
export function streamTarget(kind: StreamKind): Target {
  const { name, title, share } = kind;
  return {
    name,
    title,
    share,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new StreamEpisode(kind, random, outcomes),
  };
}

interface Reading {
  readonly answer: number;
  readonly problem: string | null;
  readonly offset: number;
  readonly events: number;
  readonly digest: number;
  readonly books: number;
  readonly counts: FeedCounts;
  readonly times: string;
}

class StreamEpisode implements Episode {
  readonly #kind: StreamKind;
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #input: Scratch = new Scratch(INPUT_BYTES);
  readonly #window: ByteWindow = new ByteWindow(WINDOW_BYTES);

  constructor(kind: StreamKind, random: Random, outcomes: Outcomes) {
    this.#kind = kind;
    this.#random = random;
    this.#outcomes = outcomes;
  }

  next(): void {
    const { inputs, write, feed } = this.#kind;
    const random = this.#random;
    const input = this.#input;
    if (random.below(3) === 0) input.set(inputs[random.below(inputs.length)]!);
    else write(input, random);
    if (random.below(3) > 0) mutate(input, random, inputs[random.below(inputs.length)]!);
    feed.detectStream!(input.content());
    const whole = this.#read(WINDOW_BYTES, random.below(BOOKS_ONE_IN) === 0);
    const cut = this.#read(1 + random.below(random.below(2) === 0 ? 8 : 200), false);
    same('answer in pieces', cut.answer, whole.answer);
    same('problem in pieces', cut.problem, whole.problem);
    same('place in pieces', cut.offset, whole.offset);
    same('events in pieces', cut.events, whole.events);
    same('digest in pieces', cut.digest, whole.digest);
    same('books in pieces', cut.books, whole.books);
    same('times in pieces', cut.times, whole.times);
    same('totals in pieces', cut.counts.totals.join(), whole.counts.totals.join());
    same('types in pieces', cut.counts.byType.join(), whole.counts.byType.join());
    same('problems in pieces', problems(cut.counts), problems(whole.counts));
    this.#outcomes.add(ANSWERS[whole.answer]!);
    this.#outcomes.add('messages', whole.counts.messages);
    this.#outcomes.add('malformed and unknown', whole.counts.malformed + whole.counts.unknown);
  }

  end(): void {
    // Every case stands alone.
  }

  /** Reads the input, `size` bytes at a time; stops when the decoder does or the bytes end. */
  #read(size: number, withBooks: boolean): Reading {
    const { feed, framing, midnight } = this.#kind;
    const { bytes, length } = this.#input;
    const window = this.#window;
    const dictionary = new Dictionary();
    const books = withBooks ? new Books(feed.rules, dictionary, null, []) : null;
    const check = new EventCheck(dictionary, books);
    const batch = new EventBatch(BATCH_RECORDS[this.#random.below(BATCH_RECORDS.length)]!);
    const writer = new EventWriter(batch, check);
    const counts = new FeedCounts(feed.typeCount);
    const messages = withBooks ? (this.#kind.examiner?.() ?? null) : null;
    const decoder = feed.streamDecoder!(
      { channel: 0, dictionary, writer, counts, messages, midnight },
      framing,
    );
    window.reset();
    let answer = STREAM_MORE;
    let fed = 0;
    while (answer === STREAM_MORE && !window.ended) {
      const room = window.room();
      const count = Math.min(size, room.length, length - fed);
      holds(count > 0 || fed === length, 'the decoder leaves a full window as it is');
      room.set(bytes.subarray(fed, fed + count));
      window.commit(count);
      fed += count;
      window.ended = fed === length;
      const before = window.offset;
      answer = decoder.decode(window);
      holds(window.offset >= before && window.position <= window.limit, 'the place in the window is not one');
    }
    const { offset } = window;
    same('answer when asked again', decoder.decode(window), answer);
    same('place when asked again', window.offset, offset);
    writer.flush();
    holds(check.events <= length, `${check.events} events out of ${length} bytes`);
    if (books !== null) checkMarkets(books.markets);
    return {
      answer,
      problem: decoder.problem,
      offset,
      events: check.events,
      digest: check.digest,
      books: dictionary.books.length,
      counts,
      times: `${decoder.firstTime} ${decoder.lastTime} ${decoder.sequence?.first} ${decoder.sequence?.last}`,
    };
  }
}

function problems(counts: FeedCounts): string {
  return [...counts.problems.values()].map(({ kind, count, offset }) => `${kind} ${count} ${offset}`).join();
}
