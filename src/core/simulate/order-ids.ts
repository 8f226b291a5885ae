import { mix2 } from '../binary/hash-index.ts';
import { Random } from '../binary/random.ts';
import { UnixTime } from './unix-time.ts';

/** Where orders get their ids from; no id comes twice. */
export interface OrderIds {
  /** Halves of the id drawn last. */
  readonly high: number;
  readonly low: number;
  /** Draws an id for an order that enters at `time`, ns since midnight. */
  draw(time: number): void;
}

/** Ids that look random: a counter goes through a cipher of four Feistel rounds. */
export class RandomIds implements OrderIds {
  high = 0;
  low = 0;
  readonly #keys: readonly number[];
  #count = 0;

  constructor(seed: number) {
    const random = new Random(mix2(seed, 'I'.charCodeAt(0)));
    this.#keys = [random.word(), random.word(), random.word(), random.word()];
  }

  draw(): void {
    this.#count += 1;
    let high = Math.floor(this.#count / 4294967296) | 0;
    let low = this.#count | 0;
    for (const key of this.#keys) {
      const mixed = high ^ mix2(low, key);
      high = low;
      low = mixed;
    }
    this.high = high;
    this.low = low;
  }
}

/** Ids that are the time an order came in, ns since 1970; where two come at once, the second counts as 1 ns later. */
export class TimeIds implements OrderIds {
  readonly #time: UnixTime;
  #last = 0;

  constructor(midnight: bigint) {
    this.#time = new UnixTime(midnight);
  }

  get high(): number {
    return this.#time.high;
  }

  get low(): number {
    return this.#time.low;
  }

  draw(time: number): void {
    this.#last = Math.max(this.#last + 1, time);
    this.#time.set(this.#last);
  }
}
