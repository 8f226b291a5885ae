/** Numbers in a row that a line delivers before it is preferred. */
const TO_B = 2;
const TO_A = 8;
/** Least time between two changes. */
const DWELL_NS = 2_000_000;

/**
 * Which line leads, as feed handlers with a preferred line would have switched: to B after two packets in a row from B,
 * back to A after eight from A, never within two milliseconds of the last change. For people and metrics only: what is
 * delivered does not depend on it.
 */
export class LinePreference {
  failovers = 0;
  prefersA = true;
  #row = 0;
  #rowLine = 0;
  /** Of the last change; an array, so that setting it allocates nothing. */
  readonly #changed: Float64Array = new Float64Array(1).fill(Number.NEGATIVE_INFINITY);

  /** A packet of line A (0) or B (1) was delivered at a time of the room's clock. */
  note(line: number, now: number): void {
    if (line > 1) return;
    if (line === this.#rowLine) this.#row += 1;
    else {
      this.#rowLine = line;
      this.#row = 1;
    }
    const isOther = (line === 0) !== this.prefersA;
    if (!isOther || this.#row < (line === 0 ? TO_A : TO_B)) return;
    if (now - this.#changed[0]! < DWELL_NS) return;
    this.#changed[0] = now;
    this.prefersA = line === 0;
    this.failovers += 1;
  }
}
