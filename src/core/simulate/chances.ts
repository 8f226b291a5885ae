import type { Random } from '../binary/random.ts';

/** Draws an index with a chance in proportion to its weight (alias method of Walker, 1977): one draw, one look. */
export class Chances {
  readonly #own: Float64Array;
  readonly #other: Int32Array;

  /** @param weights not negative, at least one above 0. */
  constructor(weights: readonly number[]) {
    const count = weights.length;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#own = Float64Array.from(weights, (weight) => (weight * count) / total);
    this.#other = Int32Array.from(weights, (_, index) => index);
    const poor: number[] = [];
    const rich: number[] = [];
    for (let index = 0; index < count; index += 1) (this.#own[index] < 1 ? poor : rich).push(index);
    while (poor.length > 0 && rich.length > 0) {
      const taker = poor.pop() as number;
      const giver = rich[rich.length - 1];
      this.#other[taker] = giver;
      this.#own[giver] -= 1 - this.#own[taker];
      if (this.#own[giver] < 1) {
        rich.pop();
        poor.push(giver);
      }
    }
    // What is left is 1 but for rounding.
    for (const index of [...poor, ...rich]) this.#own[index] = 1;
  }

  draw(random: Random): number {
    const index = random.below(this.#own.length);
    return random.unit() < this.#own[index] ? index : this.#other[index];
  }
}

/** Weights 1 / rank^exponent: how unequal instruments are (Zipf); exponent 0 makes them equal. */
export function zipfWeights(count: number, exponent: number): number[] {
  return Array.from({ length: count }, (_, index) => 1 / (index + 1) ** exponent);
}
