import { TALLY_DUPLICATE_ORDER, TALLY_REJECTED, TALLY_SLOTS } from '../book/tally.ts';
import { MdxError } from '../errors.ts';
import { obsnap } from '../feeds/obsnap/index.ts';
import { OBSNAP_END, OBSNAP_MORE, OBSNAP_TRUNCATED, ObsnapReader } from '../journal/obsnap-reader.ts';
import type { Books } from './books.ts';
import type { ByteSource } from './byte-source.ts';
import { imageBehind } from './image-input.ts';
import type { InputResult, RunState } from './run-state.ts';
import { refuseUnfit } from './stream-input.ts';

/** Orders handed over at a time where somebody watches, or the run ends at a point. */
const ORDERS_WATCHED = 64;

/** Reads snapshot files of an older engine: their orders are added. Of one that is not whole nothing stays. */
export class ObsnapInput {
  readonly #state: RunState;

  constructor(state: RunState) {
    this.#state = state;
  }

  async read(source: ByteSource): Promise<void> {
    const state = this.#state;
    const { path } = source;
    if (state.inputs.length > 0) throw imageBehind(path);
    const input = state.addInput(path, 'obsnap', false);
    refuseUnfit(path, state.options, null);
    if (state.feed !== null && state.feed !== obsnap) {
      throw new MdxError('input-format', `reading ${path}: it is a snapshot, no ${state.feed.name}`);
    }
    state.feed = obsnap;
    state.framing = 'obsnap';
    const { messages } = state.openBooks(obsnap);
    if (messages !== null) {
      throw new MdxError(
        'usage',
        `reading ${path}: it has orders, and what is asked for is made of messages`,
      );
    }
    await this.#load(source, input);
    state.noteSource(input, source);
    await state.breathe(source);
  }

  async #load(source: ByteSource, input: InputResult): Promise<void> {
    const state = this.#state;
    const { batch, books, counts, options, window } = state;
    const { sink } = state.openBooks(obsnap);
    const reader = new ObsnapReader(window, state.dictionary);
    const isStepwise = state.isWatched || state.gate !== null;
    while (state.stopped === null) {
      const left = options.messagesMax - counts!.messages;
      const answer = reader.fill(batch, isStepwise ? Math.min(left, ORDERS_WATCHED) : left);
      const { offset } = window;
      counts!.totals[0]! += batch.count;
      if (batch.count > 0) sink.accept(batch);
      batch.count = 0;
      if (reader.version !== null) input.firstTime = input.lastTime = reader.wallTime;
      const problem = reader.problem ?? unfitIn(books!);
      if (problem !== null) {
        books!.markets.length = 0;
        input.truncated = answer === OBSNAP_TRUNCATED;
        state.noteEnd(
          source,
          input.truncated,
          problem,
          reader.problem === null ? offset : reader.problemOffset,
        );
        return;
      }
      if (state.gate?.passed === true) state.stopped = 'until';
      if (answer === OBSNAP_END) return;
      if (left <= 0) state.stopped = 'limit';
      await state.breathe(source);
      if (answer === OBSNAP_MORE && state.stopped === null) await state.fill(source);
    }
  }
}

/** What of the orders so far no book can hold. */
function unfitIn(books: Books): string | null {
  for (const { tally } of books.markets) {
    if (tally[TALLY_DUPLICATE_ORDER] !== 0) return 'an order in front of here stands in it twice';
    for (let slot = TALLY_REJECTED; slot < TALLY_SLOTS; slot += 1) {
      if (tally[slot] !== 0) return 'an order in front of here that no book can hold';
    }
  }
  return null;
}
