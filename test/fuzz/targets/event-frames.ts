import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { crc32c } from '../../../src/core/binary/crc32c.ts';
import type { Random } from '../../../src/core/binary/random.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { KIND_ADD, KIND_VENUE, NO_BOOK, RECORD_WORDS } from '../../../src/core/event/record.ts';
import { fastLike } from '../../../src/core/feeds/fast-like/index.ts';
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FRAME_MAGIC } from '../../../src/core/journal/frame.ts';
import { FRAME_MORE } from '../../../src/core/journal/frame-reader.ts';
import {
  SEGMENT_BEGINS,
  SEGMENT_CLOSED,
  SEGMENT_EVENTS,
  SegmentReader,
} from '../../../src/core/journal/segment-reader.ts';
import { Books } from '../../../src/core/pipeline/books.ts';
import { concat, dictionaryOf, type Event, framesOf } from '../../core/journal/streams.ts';
import { checkMarkets } from '../books-check.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { type Episode, holds, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 256;
const INPUT_BYTES = 32_768;
const BOOKS = 5;
const ANSWERS: readonly string[] = ['', '', 'end', 'truncated', 'damaged'];

/** Streams of events at once and in pieces: same events, same end; nothing that comes out hurts the books. */
export function eventFramesTarget(): Target {
  const window = new ByteWindow(FRAME_BYTES_MAX);
  return {
    name: 'event-frames',
    title: 'event streams, also with sums made right again → reader → books, at once and in pieces',
    share: 30,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new FramesEpisode(window, random, outcomes),
  };
}

interface Walk {
  readonly answer: number;
  readonly problem: string | null;
  readonly problemOffset: number;
  readonly events: number;
  readonly digest: number;
}

class FramesEpisode implements Episode {
  readonly #window: ByteWindow;
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #inputs: readonly Uint8Array[];
  readonly #input: Scratch = new Scratch(INPUT_BYTES);

  constructor(window: ByteWindow, random: Random, outcomes: Outcomes) {
    this.#window = window;
    this.#random = random;
    this.#outcomes = outcomes;
    const dictionary = dictionaryOf(BOOKS);
    this.#inputs = Array.from({ length: 4 }, () => {
      const events = Array.from({ length: 1 + random.below(60) }, () => randomEvent(random));
      return concat(framesOf(events, dictionary, 1 + random.below(20)));
    });
  }

  next(): void {
    const random = this.#random;
    const input = this.#input;
    input.set(this.#inputs[random.below(this.#inputs.length)]!);
    mutate(input, random, this.#inputs[random.below(this.#inputs.length)]!);
    // Sums that are right again let what the frames say be looked at.
    if (random.below(4) > 0) mendSums(input);
    const whole = this.#walk(input.length + 1, random.below(16) === 0);
    const cut = this.#walk(1 + random.below(random.below(2) === 0 ? 32 : 1024), false);
    same('answer in pieces', cut.answer, whole.answer);
    same('problem in pieces', cut.problem, whole.problem);
    same('place of the problem in pieces', cut.problemOffset, whole.problemOffset);
    same('events in pieces', cut.events, whole.events);
    same('digest in pieces', cut.digest, whole.digest);
    this.#outcomes.add(ANSWERS[whole.answer]!);
    this.#outcomes.add('events', whole.events);
  }

  end(): void {
    // Every case stands alone.
  }

  /** @param isApplied the events go into books, too: they are large, so not in every case. */
  #walk(size: number, isApplied: boolean): Walk {
    const window = this.#window;
    const { bytes, length } = this.#input;
    window.reset();
    const dictionary = new Dictionary();
    const books = isApplied ? new Books(fastLike.rules, dictionary, null, []) : null;
    const reader = new SegmentReader(window, dictionary);
    const batch = new EventBatch(8);
    let fed = 0;
    let events = 0;
    let digest = 0;
    for (;;) {
      const answer = reader.next();
      if (answer === FRAME_MORE) {
        holds(!window.ended, 'more is wanted of a stream that has ended');
        const room = window.room();
        const count = Math.min(size, room.length, length - fed);
        holds(count > 0 || fed === length, 'the reader leaves a full window as it is');
        room.set(bytes.subarray(fed, fed + count));
        window.commit(count);
        fed += count;
        window.ended = fed === length;
      } else if (answer === SEGMENT_EVENTS) {
        for (let got = reader.fill(batch, 9, false); got > 0; got = reader.fill(batch, 9, false)) {
          events += got;
          for (let word = 0; word < batch.count * RECORD_WORDS; word += 1) {
            digest = (Math.imul(digest ^ batch.words[word]!, 0x01000193) ^ (digest >>> 13)) | 0;
          }
          books?.accept(batch);
        }
      } else if (answer !== SEGMENT_BEGINS && answer !== SEGMENT_CLOSED) {
        const { problem, problemOffset } = reader.frames;
        holds(problemOffset <= length, `a problem at ${problemOffset} of ${length} bytes`);
        checkMarkets(books?.markets ?? []);
        return { answer, problem, problemOffset, events, digest };
      }
    }
  }
}

/** Makes the sums of every frame right that still begins like one, and chains them. */
function mendSums({ bytes, view, length }: Scratch): void {
  let before = 0;
  for (let at = 0; at + FRAME_HEADER_BYTES <= length; ) {
    const payload = view.getUint32(at + 8, true);
    if (view.getInt32(at, true) !== FRAME_MAGIC || at + FRAME_HEADER_BYTES + payload > bytes.length) return;
    const sum = crc32c(view, at + FRAME_HEADER_BYTES, payload);
    view.setInt32(at + 12, sum, true);
    view.setInt32(at + 60, before, true);
    view.setInt32(at + 4, crc32c(view, at + 8, FRAME_HEADER_BYTES - 8), true);
    before = sum;
    at += FRAME_HEADER_BYTES + payload;
  }
}

function randomEvent(random: Random): Event {
  const second = random.below(4) === 0;
  return {
    channel: random.below(3),
    kind: KIND_ADD + random.below(KIND_VENUE),
    flags: random.below(256) & ~64,
    book: random.below(BOOKS + 1) - 1 === -1 ? NO_BOOK : random.below(BOOKS),
    sequence: random.below(1000),
    venue: 1_700_000_000_000_000_000n + BigInt(random.below(1_000_000_000)),
    receive: 1_700_000_000_000_000_000n + BigInt(random.below(1_000_000_000)),
    body: [1 + random.below(20), 0, random.below(100), 0, random.below(50), 0],
    second: second ? [0, random.below(20), 0, random.below(100), 0, random.below(9), 0] : null,
  };
}
