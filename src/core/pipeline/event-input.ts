import type { StreamFacts } from '../feeds/feed.ts';
import { FRAME_END, FRAME_MORE, FRAME_TRUNCATED } from '../journal/frame-reader.ts';
import {
  SEGMENT_BEGINS,
  SEGMENT_CLOSED,
  SEGMENT_EVENTS,
  SEGMENT_IMAGE,
  SegmentReader,
} from '../journal/segment-reader.ts';
import type { ByteSource } from './byte-source.ts';
import type { EventDelivery } from './event-delivery.ts';
import { ImageInput, imageBehind } from './image-input.ts';
import type { InputResult, RunState } from './run-state.ts';

/**
 * Reads events as a writer of segments left them: event pipes and files of them. What was decoded elsewhere enters here as
 * it came out there: same books, numbers and times. Where events are missing in front of a segment, every channel has a
 * gap: which of its messages are lost is not known.
 */
export class EventInput {
  /** One per file; the numbers of its messages stand in the events. */
  readonly streams: StreamFacts[] = [];
  readonly #state: RunState;
  readonly #delivery: EventDelivery;
  /** Events missing in front of the segment at hand, whose first one is `#behind`, unless they are in its image. */
  #lost = 0;
  #behind = 0;
  /** What takes the image that the input at hand begins with. */
  #image: ImageInput = new ImageInput();

  constructor(state: RunState, delivery: EventDelivery) {
    this.#state = state;
    this.#delivery = delivery;
  }

  async read(source: ByteSource): Promise<void> {
    const state = this.#state;
    state.refuseMixture(source.path, false);
    const input = state.addInput(source.path, 'journal', false);
    this.streams.push({ sequence: null });
    const reader = new SegmentReader(state.window, state.dictionary);
    state.inputPlaces = () => this.#delivery.places;
    this.#image = new ImageInput();
    for (;;) {
      const answer = reader.next();
      if (answer === SEGMENT_BEGINS) this.#begin(source.path, reader);
      else if (answer === SEGMENT_IMAGE && this.#takeImage(source.path, reader, input)) continue;
      else if (answer === SEGMENT_EVENTS && this.#isReady(source.path, reader, input))
        await this.#delivery.deliver(source, reader, input);
      else if (answer === FRAME_MORE) {
        await state.breathe(source);
        if (state.stopped === null) await state.fill(source);
      } else if (answer === FRAME_END) break;
      else if (answer !== SEGMENT_CLOSED || !this.#isReady(source.path, reader, input)) {
        input.truncated = answer === FRAME_TRUNCATED;
        state.noteEnd(source, input.truncated, reader.frames.problem, reader.frames.problemOffset);
        break;
      }
      if (state.stopped !== null) break;
    }
    this.#image.close();
    this.#noteLost(source.path, input);
    await this.#delivery.end(source, input);
  }

  #begin(path: string, reader: SegmentReader): void {
    const { epochHigh: high, epochLow: low } = reader.frames;
    this.#state.options.resume?.refuseOther(path, { high, low });
    this.#state.epoch = { high, low };
    this.#delivery.begin(path, reader.head!);
    this.#lost = reader.lost;
    this.#behind = reader.frames.eventNumber;
  }

  /** Takes a frame of an image. @returns false where it cannot be: the reader has the problem. */
  #takeImage(path: string, reader: SegmentReader, input: InputResult): boolean {
    const state = this.#state;
    const { books, window } = state;
    // A journal that the run goes on with knows better.
    if (books === null || (state.options.resume ?? null) !== null) return true;
    const image = this.#image;
    if (image.isOver) return true;
    if (image.isFirst && (books.last.count > 0 || books.markets.some((market) => market.books > 0))) {
      if (reader.frames.records === 0) return true;
      throw imageBehind(path);
    }
    const problem = image.take(books, window.view, reader);
    if (problem !== null) reader.frames.refuse(problem);
    else if (image.facts !== null) {
      state.beginWith(input, image.facts);
      // What is in front of it is in it.
      this.#lost = 0;
    }
    return problem === null;
  }

  /** May events come, or the end of a segment? Tells what is missing in front of them. */
  #isReady(path: string, reader: SegmentReader, input: InputResult): boolean {
    const problem = this.#image.close();
    if (problem !== null) reader.frames.refuse(problem);
    else this.#noteLost(path, input);
    return problem === null;
  }

  #noteLost(path: string, input: InputResult): void {
    if (this.#lost === 0) return;
    this.#delivery.lose(input, this.#lost);
    this.#state.options.tell?.(
      `${path}: ${this.#lost} events in front of event ${this.#behind} are missing; books are stale`,
    );
    this.#lost = 0;
  }
}
