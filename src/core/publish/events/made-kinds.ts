import { EVENT_KINDS } from './kinds.ts';

/** Events are made for so long after the last client has left, so that it can come back and go on. */
const LINGER_MS = 60_000;

/** Which kinds of events are made: those that somebody wants, and until a while after that. */
export class MadeKinds {
  /** Bits of the kinds that are made. */
  mask = 0;
  #wanted = 0;
  /** By kind: number of the event behind which all of them were made, and until when they are made, ms. */
  readonly #since: Float64Array = new Float64Array(EVENT_KINDS.length);
  readonly #until: Float64Array = new Float64Array(EVENT_KINDS.length);

  /**
   * From the next event on somebody wants these kinds, and nobody the others.
   * @param lingers who wanted the others may come back.
   */
  want(kinds: number, seq: number, lingers: boolean): void {
    const until = lingers ? performance.now() + LINGER_MS : 0;
    for (let kind = 0; kind < EVENT_KINDS.length; kind += 1) {
      const bit = 1 << kind;
      if ((kinds & ~this.mask & bit) !== 0) this.#since[kind] = seq;
      if ((this.#wanted & ~kinds & bit) !== 0) this.#until[kind] = Math.max(this.#until[kind]!, until);
    }
    this.mask |= kinds;
    this.#wanted = kinds;
  }

  /** Lets go of what nobody has wanted for a while. To be called between two events. */
  expire(): void {
    if (this.mask === this.#wanted) return;
    const now = performance.now();
    for (let kind = 0; kind < EVENT_KINDS.length; kind += 1) {
      const bit = 1 << kind;
      if ((this.mask & ~this.#wanted & bit) !== 0 && now >= this.#until[kind]!) this.mask &= ~bit;
    }
  }

  /** Nothing was made of the events up to this one. */
  skipTo(seq: number): void {
    for (let kind = 0; kind < EVENT_KINDS.length; kind += 1) {
      this.#since[kind] = Math.max(this.#since[kind]!, seq);
    }
  }

  /** Number of the event behind which all events of these kinds, which somebody wants, were made. */
  since(kinds: number): number {
    let since = 0;
    for (let kind = 0; kind < EVENT_KINDS.length; kind += 1) {
      if (((kinds >> kind) & 1) !== 0) since = Math.max(since, this.#since[kind]!);
    }
    return since;
  }
}
