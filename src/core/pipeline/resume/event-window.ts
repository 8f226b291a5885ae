import type { Fingerprint } from './fingerprint.ts';

/** Events remembered per channel: far more than happen to repeat in the same order. */
const EVENTS = 1024;

/** Fingerprints of the last events of a channel. */
export class EventWindow {
  /** Events so far, those no longer remembered included. */
  count = 0;
  readonly #marks: Int32Array = new Int32Array(EVENTS * 2);

  /** How many events are remembered. */
  get size(): number {
    return Math.min(this.count, EVENTS);
  }

  push({ first, second }: Fingerprint): void {
    const slot = (this.count % EVENTS) * 2;
    this.#marks[slot] = first;
    this.#marks[slot + 1] = second;
    this.count += 1;
  }

  /** Is the event `back` places before the last one (0 = the last one) this one? */
  is({ first, second }: Fingerprint, back = 0): boolean {
    const slot = this.#slot(back);
    return this.#marks[slot] === first && this.#marks[slot + 1] === second;
  }

  has(mark: Fingerprint): boolean {
    for (let back = 0; back < this.size; back += 1) {
      if (this.is(mark, back)) return true;
    }
    return false;
  }

  /**
   * Do the events end as those of `known` do, and nowhere else in it? What both remember is compared. The events may
   * begin in the middle of those known: then they must fit in one place only.
   */
  endsLike(known: EventWindow): boolean {
    if (known.size === 0 || !this.#fits(known, 0)) return false;
    if (this.count >= known.size) return true;
    for (let back = 1; back + this.count <= known.size; back += 1) {
      if (this.#fits(known, back)) return false;
    }
    return true;
  }

  /** Are the last events those of `known` that end `back` places before its last one? */
  #fits(known: EventWindow, back: number): boolean {
    const length = Math.min(this.size, known.size - back);
    for (let at = 0; at < length; at += 1) {
      const mine = this.#slot(at);
      const other = known.#slot(back + at);
      if (this.#marks[mine] !== known.#marks[other] || this.#marks[mine + 1] !== known.#marks[other + 1]) {
        return false;
      }
    }
    return true;
  }

  #slot(back: number): number {
    return ((this.count - 1 - back) % EVENTS) * 2;
  }
}
