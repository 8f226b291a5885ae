import { MdxError } from '../../errors.ts';
import { type AlignBy, Alignment } from './alignment.ts';
import type { BookWatch } from './book-watch.ts';
import { LevelTable } from './level-table.ts';
import * as pairs from './pairs.ts';
import { type MatchBy, type Pair, Pairs } from './pairs.ts';
import * as queue from './step-queue.ts';

type Side = 0 | 1;
const SIDES: readonly Side[] = [0, 1];

export interface CompareChoices {
  /** Null: as fits the two sides. */
  readonly align: AlignBy | null;
  readonly by: MatchBy | null;
}

/**
 * Compares the books of two sides, step by step. Steps of a pair of books are taken in the order of their keys, whichever
 * side has them; a side without a step at a key keeps its state. When all steps with a key have been taken, the levels
 * must hold the same on both sides. What one side has in front of the beginning of the other or behind its end is not
 * compared.
 */
export class Comparer {
  readonly levels: LevelTable = new LevelTable();
  /** How groups and instruments are matched; null until both sides are known. */
  alignment: Alignment | null = null;
  by: MatchBy | null = null;
  pairs: Pairs = new Pairs('instrument', true);
  /** Points at which books were compared. */
  compared = 0;
  readonly #watches: readonly [BookWatch, BookWatch];
  readonly #choices: CompareChoices;
  readonly #ended: [boolean, boolean] = [false, false];
  /** Positions up to which steps were given to their pairs. */
  readonly #linked: [number, number] = [0, 0];
  /** Per side: books that go by a symbol and had none, with the position of the first step that tells all of their levels. */
  readonly #unnamed: readonly [Map<number, number>, Map<number, number>] = [new Map(), new Map()];
  #found = 0;

  constructor(watches: readonly [BookWatch, BookWatch], choices: CompareChoices) {
    this.#watches = watches;
    this.#choices = choices;
  }

  hasEnded(side: Side): boolean {
    return this.#ended[side];
  }

  /** Takes what the sides have brought as far as it can be compared. */
  take(): void {
    if (this.alignment === null && !this.#decide()) return;
    // How far a side is says something about its pairs only when they have all of its steps.
    const [fromA, fromB] = this.#linked;
    for (const side of SIDES) {
      const { steps } = this.#watches[side];
      for (; this.#linked[side] < steps.end; this.#linked[side] += 1) this.#link(side, this.#linked[side]);
    }
    this.#advanceAll(0, fromA);
    this.#advanceAll(1, fromB);
    this.#takeOldest(0);
    this.#takeOldest(1);
  }

  /** A side has ended. When both have, everything is taken. */
  end(side: Side): void {
    this.#ended[side] = true;
    this.take();
    if (!this.#ended[0] || !this.#ended[1]) return;
    for (const pair of this.pairs.list) {
      this.#advance(pair);
      pair.placeless = 0;
      this.#judge(pair);
    }
  }

  /** Must this side wait for the other, so that few steps wait to be compared? */
  mustWait(side: Side, most: number): boolean {
    const other: Side = side === 0 ? 1 : 0;
    if (this.#ended[other]) return false;
    const own = this.#watches[side];
    const theirs = this.#watches[other];
    if (own.steps.waiting < most) return false;
    const ahead = this.alignment?.isAhead(own.marks, theirs.marks) ?? 0;
    if (ahead !== 0) return ahead > 0;
    const more = own.steps.waiting - theirs.steps.waiting;
    return more !== 0 ? more > 0 : side === 0;
  }

  /** Decides by what is aligned and matched, once both sides have shown what they are. */
  #decide(): boolean {
    const [a, b] = this.#watches;
    if (a.feed === null || b.feed === null) return false;
    if (a.steps.end === 0 && !this.#ended[0]) return false;
    if (b.steps.end === 0 && !this.#ended[1]) return false;
    const isSame = a.feed === b.feed;
    const numbered = isSame && isNumbered(a) && isNumbered(b);
    if (this.#choices.align === 'position' && !isSame) {
      throw new MdxError(
        'not-comparable',
        `--align position: A is ${a.feed.name} and B is ${b.feed.name}, which number their messages each in its way`,
        { hint: 'Use --align time.' },
      );
    }
    const align = this.#choices.align ?? (numbered ? 'position' : 'time');
    if (align === 'time' && a.facts!.timeBase !== b.facts!.timeBase) {
      throw new MdxError(
        'not-comparable',
        'aligning by venue time: the times of one side count from the midnight of an unknown day',
        { hint: 'Name the trading day with --date.' },
      );
    }
    const numbersRise = isSame && a.feed.numbersByProduct !== true;
    this.alignment = new Alignment(align, numbersRise);
    this.by = this.#choices.by ?? (isSame ? 'instrument' : 'symbol');
    this.pairs = new Pairs(this.by, isSame);
    return true;
  }

  /** Gives a step to its pair. */
  #link(side: Side, position: number): void {
    const watch = this.#watches[side];
    const { steps } = watch;
    const at = steps.at(position);
    const row = steps.steps;
    const book = row[at + queue.STEP_BOOK]!;
    const definition = watch.dictionary!.books[book]!;
    const pair = this.pairs.of(side, definition);
    if (pair === null) this.#unnamed[side].set(book, Number.POSITIVE_INFINITY);
    if (pair === null || this.#isIncomplete(pair, side, book, position)) {
      steps.release(position);
      return;
    }
    pair.steps[side] += 1;
    if (pair.isSettled) {
      watch.ignore(book);
      steps.release(position);
      return;
    }
    this.#place(pair, side, row, at);
    if (pair.heads[side] < 0) pair.heads[side] = position;
    else row[steps.at(pair.tails[side]) + queue.STEP_NEXT] = position;
    pair.tails[side] = position;
  }

  /** Takes what the steps from this position on make possible. */
  #advanceAll(side: Side, from: number): void {
    for (let position = from; position < this.#linked[side]; position += 1) {
      const pair = this.#pairOf(side, position);
      if (pair !== null && !pair.isSettled) this.#advance(pair);
    }
  }

  /** Lacks this step what was left out while its book had no name? */
  #isIncomplete(pair: Pair, side: Side, book: number, position: number): boolean {
    const unnamed = this.#unnamed[side];
    const from = unnamed.get(book);
    if (from === undefined) return false;
    const watch = this.#watches[side];
    if (from === Number.POSITIVE_INFINITY) {
      // It all comes with the next step that is made.
      watch.renew(book);
      pair.placeless |= side + 1;
      unnamed.set(book, watch.steps.end);
      return true;
    }
    if (position < from) return true;
    unnamed.delete(book);
    return false;
  }

  /** Gives a step its key. Keys of a book do not go back: what says so belongs to what came last. */
  #place(pair: Pair, side: Side, row: Float64Array, at: number): void {
    const alignment = this.alignment!;
    if (alignment.isPlaceless(row, at)) {
      row[at + queue.STEP_FLAGS]! |= queue.STEP_PLACELESS;
      return;
    }
    const { highest } = pair;
    const major = alignment.major(row, at);
    const minor = alignment.minor(row, at);
    const isLater =
      major > highest[side * 2]! || (major === highest[side * 2]! && minor > highest[side * 2 + 1]!);
    if (isLater) {
      highest[side * 2] = major;
      highest[side * 2 + 1] = minor;
    }
    row[at + queue.STEP_KEY] = highest[side * 2]!;
    row[at + queue.STEP_KEY + 1] = highest[side * 2 + 1]!;
  }

  /** Takes the oldest steps of a side that only wait for the other to have gone past them. */
  #takeOldest(side: Side): void {
    const { steps } = this.#watches[side];
    while (steps.first < this.#linked[side]) {
      const { first } = steps;
      this.#advance(this.#pairOf(side, first)!);
      if (steps.first === first) return;
    }
  }

  #pairOf(side: Side, position: number): Pair | null {
    const watch = this.#watches[side];
    const book = watch.steps.steps[watch.steps.at(position) + queue.STEP_BOOK]!;
    return this.pairs.of(side, watch.dictionary!.books[book]!);
  }

  /** Takes the steps of a pair in the order of their keys, as far as it is known that nothing comes between them. */
  #advance(pair: Pair): void {
    while (!pair.isSettled) {
      const side = this.#nextSide(pair);
      if (side < 0) return;
      this.#consume(pair, side as Side);
    }
    for (const side of SIDES) while (pair.heads[side] >= 0) this.#drop(pair, side);
  }

  /** The side whose first step is next; −1 where that is not known yet. */
  #nextSide(pair: Pair): number {
    const alignment = this.alignment!;
    const a = pair.heads[0];
    const b = pair.heads[1];
    if (a < 0 && b < 0) return -1;
    const left = this.#watches[0].steps;
    const right = this.#watches[1].steps;
    const rowA = left.steps;
    const rowB = right.steps;
    const atA = a < 0 ? -1 : left.at(a);
    const atB = b < 0 ? -1 : right.at(b);
    if (atA >= 0 && (rowA[atA + queue.STEP_FLAGS]! & queue.STEP_PLACELESS) !== 0) return 0;
    if (atB >= 0 && (rowB[atB + queue.STEP_FLAGS]! & queue.STEP_PLACELESS) !== 0) return 1;
    if (atA >= 0 && atB >= 0) {
      const major = rowA[atA + queue.STEP_KEY]! - rowB[atB + queue.STEP_KEY]!;
      if (major !== 0) return major < 0 ? 0 : 1;
      return rowA[atA + queue.STEP_KEY + 1]! <= rowB[atB + queue.STEP_KEY + 1]! ? 0 : 1;
    }
    const side: Side = atA >= 0 ? 0 : 1;
    const other: Side = side === 0 ? 1 : 0;
    if (this.#ended[other]) return side;
    const row = side === 0 ? rowA : rowB;
    const at = side === 0 ? atA : atB;
    const channel = this.pairs.otherChannel(side, row[at + queue.STEP_CHANNEL]!);
    return alignment.isPassed(row, at, this.#watches[other].marks, channel) ? side : -1;
  }

  #consume(pair: Pair, side: Side): void {
    const alignment = this.alignment!;
    const { steps } = this.#watches[side];
    const row = steps.steps;
    const at = steps.at(pair.heads[side]);
    const other: Side = side === 0 ? 1 : 0;
    const bit = side + 1;
    if ((row[at + queue.STEP_FLAGS]! & queue.STEP_PLACELESS) !== 0) {
      // It begins here, so the other had to be different before.
      if (pair.taken[side] === 0) pair.found = null;
      pair.placeless |= bit;
      pair.isOpen = false;
      this.#apply(pair, side);
      return;
    }
    const { marks } = this.#watches[other];
    const channel = this.pairs.otherChannel(side, row[at + queue.STEP_CHANNEL]!);
    const major = row[at + queue.STEP_KEY]!;
    const minor = row[at + queue.STEP_KEY + 1]!;
    const isNew = major !== pair.key[0] || minor !== pair.key[1] || pair.at === 0;
    if (isNew) {
      this.#judge(pair);
      if (pair.isSettled) return;
      pair.key[0] = major;
      pair.key[1] = minor;
      pair.at = 0;
    }
    pair.at |= bit;
    const isShared = pair.heads[other] >= 0 || (pair.at & (other + 1)) !== 0;
    if (!isShared && this.#ended[other] && !alignment.isReached(row, at, marks, channel)) {
      pair.late[side] += 1;
      this.#drop(pair, side);
      return;
    }
    pair.placeless &= ~bit;
    if (alignment.isBeforeFirst(row, at, marks, channel)) pair.early[side] += 1;
    else pair.isOpen = true;
    this.#apply(pair, side);
  }

  /** Takes what the first step of a side says of the levels. */
  #apply(pair: Pair, side: Side): void {
    const watch = this.#watches[side];
    const { steps } = watch;
    const row = steps.steps;
    const at = steps.at(pair.heads[side]);
    const scale = pair.books[side]!.priceScale;
    const from = row[at + queue.STEP_LEVELS]!;
    const end = from + row[at + queue.STEP_LEVEL_COUNT]!;
    for (let level = from; level < end; level += 1) {
      this.levels.set(pair.number, side, steps.levels, steps.levelAt(level), scale);
    }
    const { kept } = pair;
    const to = side * pairs.KEPT_FIELDS;
    kept[to + pairs.KEPT_SESSION] = row[at + queue.STEP_SESSION]!;
    kept[to + pairs.KEPT_NUMBER] = row[at + queue.STEP_NUMBER]!;
    kept[to + pairs.KEPT_TIME_HIGH] = row[at + queue.STEP_TIME_HIGH]!;
    kept[to + pairs.KEPT_TIME_LOW] = row[at + queue.STEP_TIME_LOW]!;
    kept[to + pairs.KEPT_EVENT] = row[at + queue.STEP_EVENT]!;
    kept[to + pairs.KEPT_CHANNEL] = row[at + queue.STEP_CHANNEL]!;
    kept[to + pairs.KEPT_FLAGS] = row[at + queue.STEP_FLAGS]!;
    pair.taken[side] += 1;
    this.#drop(pair, side);
    this.#noteKinds(pair);
  }

  /** Is done with the first step of a side. */
  #drop(pair: Pair, side: Side): void {
    const { steps } = this.#watches[side];
    const head = pair.heads[side];
    pair.heads[side] = steps.steps[steps.at(head) + queue.STEP_NEXT]!;
    steps.release(head);
  }

  /** The group at hand is over on both sides: are their books the same? */
  #judge(pair: Pair): void {
    if (pair.isOpen && pair.placeless === 0 && pair.found === null && this.#isComparable(pair)) {
      pair.compared += 1;
      this.compared += 1;
      const levels = this.levels.differing(pair.number);
      if (levels > 0) {
        const isOf = [(pair.at & 1) !== 0, (pair.at & 2) !== 0] as const;
        const taken = [pair.taken[0] > 0, pair.taken[1] > 0] as const;
        pair.found = { order: this.#found, kept: pair.kept.slice(), isOf, taken, levels };
        this.#found += 1;
      }
    }
    pair.isOpen = false;
    // Before a side has shown the book it may still be that it begins with a snapshot, or has another name for it.
    pair.isSettled = pair.found !== null && pair.taken[0] > 0 && pair.taken[1] > 0;
  }

  /** What goes by symbols is compared from when both sides have named it. */
  #isComparable({ books }: Pair): boolean {
    return this.by === 'instrument' || (books[0] !== null && books[1] !== null);
  }

  /** Where one side has orders and the other price levels, their totals are compared. */
  #noteKinds({ number, taken, kept }: Pair): void {
    if (taken[0] === 0 || taken[1] === 0) return;
    const changed = kept[pairs.KEPT_FLAGS]! ^ kept[pairs.KEPT_FIELDS + pairs.KEPT_FLAGS]!;
    if ((changed & queue.STEP_OF_LEVELS) !== 0) this.levels.compareTotals(number);
  }
}

/** Are the messages of a side numbered by who sent them? Records of a file are not: one more, and all behind it have other numbers. */
function isNumbered({ feed, facts, steps }: BookWatch): boolean {
  if (feed!.transport === undefined || facts!.framing === 'length-prefixed') return false;
  for (let position = steps.first; position < steps.end; position += 1) {
    const at = steps.at(position);
    if ((steps.steps[at + queue.STEP_FLAGS]! & queue.STEP_PLACELESS) === 0) {
      return steps.steps[at + queue.STEP_NUMBER]! >= 0;
    }
  }
  return true;
}
