import type { SharedPieces } from './shared-pieces.ts';

/** Who may go on writes a stretch of what it has. */
export interface Turning {
  pump(): void;
}

/** What clients have of each turn of the event loop, all together, beyond their first stretches. */
const TURN_MS = 4;

/**
 * Clients that have more than a stretch to write, one after the other. However many are behind, events that come, requests
 * and signals have their time between: who does not get on in one turn of the event loop does in the next, those first who
 * wait longest.
 */
export class Turns {
  readonly #shared: SharedPieces;
  readonly #waiting: Set<Turning> = new Set();
  #next: NodeJS.Immediate | null = null;
  /** When what they have of this turn of the event loop is over, ms; 0 = nobody has asked. */
  #end = 0;

  constructor(shared: SharedPieces) {
    this.#shared = shared;
  }

  /** Is there time left in this turn of the event loop, and nobody who waits for it? */
  get hasTime(): boolean {
    if (this.#waiting.size > 0) return false;
    const now = performance.now();
    if (this.#end === 0) {
      this.#end = now + TURN_MS;
      this.#schedule();
    }
    return now < this.#end;
  }

  /** The client has had its stretch, and goes on behind those that wait. */
  wait(client: Turning): void {
    this.#waiting.add(client);
    this.#schedule();
  }

  /** Does it wait? Then it goes on by itself. */
  has(client: Turning): boolean {
    return this.#waiting.has(client);
  }

  /** The client is gone. */
  leave(client: Turning): void {
    this.#waiting.delete(client);
  }

  #schedule(): void {
    this.#next ??= setImmediate(() => {
      this.#next = null;
      this.#turn();
    });
  }

  #turn(): void {
    this.#end = 0;
    if (this.#waiting.size === 0) return;
    this.#end = performance.now() + TURN_MS;
    this.#shared.open();
    // Who has had a stretch more stands at the end again.
    for (const client of this.#waiting) {
      this.#waiting.delete(client);
      client.pump();
      if (performance.now() >= this.#end) break;
    }
    this.#shared.close();
    this.#schedule();
  }
}
