/** Readings of the journal that failed, for clients who want what memory has no more: they are only told what they lost. */
export class PastFailures {
  count = 0;
  readonly #tell: (text: string) => void;

  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  note(error: unknown): void {
    this.count += 1;
    const why = error instanceof Error ? error.message : String(error);
    this.#tell(`the journal could not be read for a client that goes on: ${why}`);
  }
}
