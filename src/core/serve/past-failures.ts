import type { ClientView } from '../publish/client-view.ts';

type Protocol = ClientView['protocol'];

/** Readings of the journal that failed, for clients who want what memory has no more: they are only told what they lost. */
export class PastFailures {
  /** By protocol. */
  readonly counts: Partial<Record<Protocol, number>> = {};
  readonly #tell: (text: string) => void;

  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  of(protocol: Protocol): number {
    return this.counts[protocol] ?? 0;
  }

  note(protocol: Protocol, error: unknown): void {
    this.counts[protocol] = this.of(protocol) + 1;
    const why = error instanceof Error ? error.message : String(error);
    this.#tell(`the journal could not be read for a client that goes on: ${why}`);
  }
}
