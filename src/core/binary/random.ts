/**
 * Seeded random numbers (xorshift128 of Marsaglia, 2003): the same seed gives the same run everywhere, and no
 * number drawn allocates.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    // splitmix32 spreads small seeds over the whole state.
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** 32 random bits as a signed integer. */
  word(): number {
    let t = this.#d;
    const s = this.#a;
    this.#d = this.#c;
    this.#c = this.#b;
    this.#b = s;
    t ^= t << 11;
    t ^= t >>> 8;
    this.#a = t ^ s ^ (s >>> 19);
    return this.#a;
  }

  /** An integer in 0 … `bound − 1`; bound ≤ 2^31. */
  below(bound: number): number {
    return Math.floor((this.word() >>> 0) * (bound / 4294967296));
  }

  /** A number in 0 … 1, 1 left out. */
  unit(): number {
    return (this.word() >>> 0) / 4294967296;
  }
}
