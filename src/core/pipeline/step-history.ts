/** What a step back goes to: the end of a group, or of a group with a trade. */
export type BackTo = 'group' | 'trade';

/** Ends remembered; of more the last of them. */
const ENDS = 8192;

/** Where the groups of a book ended, as numbers of events from the beginning of the input. */
export class StepHistory {
  /** All ends behind this event are remembered. */
  from = 0;
  readonly #ends: { readonly at: number; readonly hasTrade: boolean }[] = [];

  /** A group has ended with event `at`. */
  note(at: number, hasTrade: boolean): void {
    this.#ends.push({ at, hasTrade });
    if (this.#ends.length <= ENDS) return;
    this.from = this.#ends[0]!.at;
    this.#ends.shift();
  }

  /** What ends from here on is remembered, and nothing else. */
  begin(at: number): void {
    this.#ends.length = 0;
    this.from = at;
  }

  /** The last end in front of event `at`, 0 = the beginning; null where it is not remembered. */
  before(at: number, to: BackTo): number | null {
    const end = this.#ends.findLast((each) => each.at < at && (to === 'group' || each.hasTrade));
    return end?.at ?? (this.from === 0 ? 0 : null);
  }
}
