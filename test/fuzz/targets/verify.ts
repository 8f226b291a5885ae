import { crc32c } from '../../../src/core/binary/crc32c.ts';
import type { Random } from '../../../src/core/binary/random.ts';
import { FRAME_HEADER_BYTES, FRAME_MAGIC } from '../../../src/core/journal/frame.ts';
import { type KnownSegments, verifyFiles } from '../../world/verify-files.ts';
import { durableOf, type WrittenSegment, wholeJournal } from '../../world/whole-journal.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { type Episode, holds, type Outcomes, type Target } from '../target.ts';

const CASES_PER_EPISODE = 64;
const INPUT_BYTES = 16_384;

/** Journals with one segment changed: what is not as it was written never passes, and nothing does harm. */
export function verifyTarget(): Target {
  return {
    name: 'verify-journal',
    title: 'journals with a changed segment → verdict: only what is as it was written passes',
    share: 6,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new VerifyEpisode(random, outcomes),
  };
}

class VerifyEpisode implements Episode {
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #segments: readonly WrittenSegment[] = wholeJournal();
  readonly #known: KnownSegments = new WeakMap();
  readonly #input: Scratch = new Scratch(INPUT_BYTES);

  constructor(random: Random, outcomes: Outcomes) {
    this.#random = random;
    this.#outcomes = outcomes;
  }

  next(): void {
    const random = this.#random;
    const segments = this.#segments;
    const input = this.#input;
    const changed = random.below(segments.length);
    const { bytes: before } = segments[changed]!;
    input.set(before);
    mutate(input, random, segments[random.below(segments.length)]!.bytes);
    const isMended = random.below(3) === 0;
    if (isMended) mendSums(input);
    const bytes = input.content().slice();
    const last = segments.at(-1)!;
    const files = segments.map(
      ({ name, bytes: whole }, at) => [name, at === changed ? bytes : whole] as const,
    );
    const hasDurable = random.below(4) > 0;
    const { verdict, damage, tornTail } = verifyFiles(
      hasDurable ? [...files, durableOf(last, last.frames.at(-1)!)] : [...files],
      { known: this.#known, hasBooks: random.below(8) === 0 },
    );
    this.#outcomes.add(verdict);
    const isSame = Buffer.compare(present(bytes), present(before)) === 0;
    holds(!isSame || verdict === 'pass' || bytes.length < before.length, `as it was written: ${verdict}`);
    if (isMended) return;
    const isCut = !hasDurable && changed === segments.length - 1;
    holds(isSame || isCut || verdict !== 'pass', 'what was changed passes');
    holds(isSame || isCut || verdict === 'damaged', `what was promised and changed is ${verdict}`);
    for (const { offset } of damage) holds(Number(offset) <= INPUT_BYTES, `damage at byte ${offset}`);
    if (tornTail !== null) holds(Number(tornTail.offset) <= bytes.length, 'a tail behind the end');
  }

  end(): void {
    // Every case stands alone.
  }
}

/** Bytes without the zeros at the end, which count as absent. */
function present(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
}

/** Makes the sums of every frame right that still begins like one. */
function mendSums({ bytes, view, length }: Scratch): void {
  for (let at = 0; at + FRAME_HEADER_BYTES <= length; ) {
    const payload = view.getUint32(at + 8, true);
    if (view.getInt32(at, true) !== FRAME_MAGIC || at + FRAME_HEADER_BYTES + payload > bytes.length) return;
    view.setInt32(at + 12, crc32c(view, at + FRAME_HEADER_BYTES, payload), true);
    view.setInt32(at + 4, crc32c(view, at + 8, FRAME_HEADER_BYTES - 8), true);
    at += FRAME_HEADER_BYTES + payload;
  }
}
