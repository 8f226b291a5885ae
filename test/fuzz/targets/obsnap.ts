import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { formatHash } from '../../../src/core/binary/fnv64.ts';
import type { Random } from '../../../src/core/binary/random.ts';
import { Market } from '../../../src/core/book/market.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { TALLY_DUPLICATE_ORDER, TALLY_REJECTED, TALLY_SLOTS } from '../../../src/core/book/tally.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { KIND_ADD } from '../../../src/core/event/record.ts';
import { obsnap } from '../../../src/core/feeds/obsnap/index.ts';
import {
  OBSNAP_DAMAGED,
  OBSNAP_END,
  OBSNAP_FULL,
  OBSNAP_MORE,
  ObsnapReader,
} from '../../../src/core/journal/obsnap-reader.ts';
import { writeObsnap } from '../../../src/core/journal/obsnap-writer.ts';
import { concat } from '../../core/journal/streams.ts';
import { batchOf } from '../../world/event-builder.ts';
import { checkMarkets } from '../books-check.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { type Episode, holds, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 256;
const INPUT_BYTES = 4096;
const ANSWERS: readonly string[] = ['', '', 'end', 'truncated', 'damaged'];

/** Snapshot files of the older engine, at once and in pieces; what is read whole is written and read again. */
export function obsnapTarget(): Target {
  const window = new ByteWindow(1024);
  return {
    name: 'obsnap',
    title: 'OBSNAP files → reader → books, at once and in pieces, and back',
    share: 4,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new ObsnapEpisode(window, random, outcomes),
  };
}

interface Walk {
  readonly answer: number;
  readonly problem: string | null;
  readonly offset: number;
  readonly market: Market;
}

class ObsnapEpisode implements Episode {
  readonly #window: ByteWindow;
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #inputs: readonly Uint8Array[];
  readonly #input: Scratch = new Scratch(INPUT_BYTES);

  constructor(window: ByteWindow, random: Random, outcomes: Outcomes) {
    this.#window = window;
    this.#random = random;
    this.#outcomes = outcomes;
    this.#inputs = Array.from({ length: 4 }, () => randomFile(random));
  }

  next(): void {
    const random = this.#random;
    const input = this.#input;
    input.set(this.#inputs[random.below(this.#inputs.length)]!);
    if (random.below(16) > 0) mutate(input, random, this.#inputs[random.below(this.#inputs.length)]!);
    const whole = this.#walk(input.content(), INPUT_BYTES, 1024);
    const cut = this.#walk(input.content(), 1 + random.below(64), 1 + random.below(5));
    same('answer in pieces', cut.answer, whole.answer);
    same('problem in pieces', cut.problem, whole.problem);
    same('place of the problem in pieces', cut.offset, whole.offset);
    same('books in pieces', hashOf(cut.market), hashOf(whole.market));
    this.#outcomes.add(ANSWERS[whole.answer]!);
    if (whole.answer !== OBSNAP_END || !isHeld(whole.market)) return;
    const again = this.#walk(written(whole.market), INPUT_BYTES, 1024);
    same('answer to what was written', again.answer, OBSNAP_END);
    same('books that were written', hashOf(again.market), hashOf(whole.market));
  }

  end(): void {
    // Every case stands alone.
  }

  #walk(bytes: Uint8Array, size: number, capacity: number): Walk {
    const window = this.#window;
    window.reset();
    const dictionary = new Dictionary();
    const market = new Market(obsnap.rules, dictionary);
    const reader = new ObsnapReader(window, dictionary);
    const batch = new EventBatch(capacity);
    let fed = 0;
    for (;;) {
      const answer = reader.fill(batch, capacity);
      holds(batch.count > 0 || answer !== OBSNAP_FULL, 'a full batch without orders');
      market.apply(batch);
      batch.count = 0;
      if (answer === OBSNAP_MORE) {
        holds(!window.ended, 'more is wanted of a file that has ended');
        const room = window.room();
        const count = Math.min(size, room.length, bytes.length - fed);
        holds(count > 0 || fed === bytes.length, 'the reader leaves a full window as it is');
        room.set(bytes.subarray(fed, fed + count));
        window.commit(count);
        fed += count;
        window.ended = fed === bytes.length;
      } else if (answer !== OBSNAP_FULL) {
        const { problem, problemOffset: offset } = reader;
        holds(offset <= bytes.length, `a problem at ${offset} of ${bytes.length} bytes`);
        same(
          'the answer again',
          reader.fill(batch, capacity),
          answer === OBSNAP_END ? answer : OBSNAP_DAMAGED,
        );
        checkMarkets([market]);
        return { answer, problem, offset, market };
      }
    }
  }
}

/** Did every order that was read enter, once? */
function isHeld({ tally }: Market): boolean {
  return (
    tally[TALLY_DUPLICATE_ORDER] === 0 &&
    tally.subarray(TALLY_REJECTED, TALLY_SLOTS).every((count) => count === 0)
  );
}

function hashOf(market: Market): string {
  return formatHash(stateHash(market).hash);
}

function randomFile(random: Random): Uint8Array {
  const dictionary = new Dictionary();
  for (let book = 0; book < 3; book += 1) {
    dictionary.add({
      ...{ source: 'x', publisher: 0, instrument: BigInt(random.below(100)), channel: 0 },
      ...{ priceScale: 0, quantityScale: 0, symbol: null },
    });
  }
  const market = new Market(obsnap.rules, dictionary);
  const orders = Array.from({ length: random.below(30) }, (_, id) => ({
    ...{ kind: KIND_ADD, book: random.below(dictionary.books.length), ask: random.below(2) === 1 },
    ...{ id: BigInt(id), price: BigInt(random.below(5) - 2), quantity: BigInt(1 + random.below(9)) },
  }));
  market.apply(batchOf(orders));
  return written(market);
}

function written(market: Market): Uint8Array {
  const chunks: Uint8Array[] = [];
  writeObsnap((bytes) => chunks.push(bytes.slice()), [market], { wallTime: 1n, cursor: 2n });
  return concat(chunks);
}
