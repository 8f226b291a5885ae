import type { Market } from '../../book/market.ts';
import { LEVEL_COUNT, LEVEL_KEY_DOUBLE, LEVEL_QUANTITY_DOUBLE } from '../../book/store.ts';
import { DEPTH_LEVELS } from './level-json.ts';

/** Of a level: key, quantity, orders; zeros where there is none. */
const LEVEL = 3;
const BBO = 2 * LEVEL + 1;
const BBO_STALE = 2 * LEVEL;
const SIDE = DEPTH_LEVELS * LEVEL;
const DEPTH = 2 * SIDE + 1;
const DEPTH_STALE = 2 * SIDE;

/** What the best bid and ask of each book were when they were looked at last, and whether the book was stale. */
export class BboChanges {
  #seen: Float64Array = new Float64Array(0);

  /** Looks at a book. @returns whether there is something else to say of it. */
  look(market: Market, book: number): boolean {
    const place = book * BBO;
    if (place >= this.#seen.length) this.#grow(book);
    const seen = this.#seen;
    const { levels } = market;
    let changes = false;
    let isOrWas = false;
    for (let side = 0; side < 2; side += 1) {
      const at = place + side * LEVEL;
      const level = levels.bestLevel[book * 2 + side] ?? 0;
      isOrWas ||= level !== 0 || seen[at + 1] !== 0;
      if (note(seen, at, market, level)) changes = true;
    }
    const stale = market.stale[book]!;
    changes ||= isOrWas && stale !== seen[place + BBO_STALE];
    seen[place + BBO_STALE] = stale;
    return changes;
  }

  #grow(book: number): void {
    const grown = new Float64Array(Math.max(64, book + 1, (this.#seen.length / BBO) * 2) * BBO);
    grown.set(this.#seen);
    this.#seen = grown;
  }
}

/** The same for the best levels of each side. */
export class DepthChanges {
  readonly #seen: Float64Array[] = [];
  readonly #levels: Int32Array = new Int32Array(DEPTH_LEVELS);

  look(market: Market, book: number): boolean {
    while (this.#seen.length <= book) this.#seen.push(NOTHING);
    let seen = this.#seen[book]!;
    if (seen === NOTHING) {
      seen = new Float64Array(DEPTH);
      this.#seen[book] = seen;
    }
    const levels = this.#levels;
    let changes = false;
    let isOrWas = false;
    for (let side = 0; side < 2; side += 1) {
      const count = market.levels.ladders[book * 2 + side]?.best(levels) ?? 0;
      isOrWas ||= count > 0 || seen[side * SIDE + 1] !== 0;
      for (let place = 0; place < DEPTH_LEVELS; place += 1) {
        const at = side * SIDE + place * LEVEL;
        // Nothing is behind the first place that has been empty.
        if (place >= count && seen[at + 1] === 0) break;
        if (note(seen, at, market, place < count ? levels[place]! : 0)) changes = true;
      }
    }
    const stale = market.stale[book]!;
    changes ||= isOrWas && stale !== seen[DEPTH_STALE];
    seen[DEPTH_STALE] = stale;
    return changes;
  }
}

const NOTHING: Float64Array = new Float64Array(0);

/** Notes what a level is, 0 = none. @returns whether that is something else. */
function note(seen: Float64Array, at: number, { levels }: Market, level: number): boolean {
  const { doubles, words } = levels;
  const key = level === 0 ? 0 : doubles[level * 4 + LEVEL_KEY_DOUBLE]!;
  const quantity = level === 0 ? 0 : doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!;
  const orders = level === 0 ? 0 : words[level * 8 + LEVEL_COUNT]!;
  if (quantity === seen[at + 1] && orders === seen[at + 2] && key === seen[at]) return false;
  seen[at] = key;
  seen[at + 1] = quantity;
  seen[at + 2] = orders;
  return true;
}
