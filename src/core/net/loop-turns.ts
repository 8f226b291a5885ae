import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * When the event loop of this thread had its last turn: sockets, timers and signals are looked after there. Who works in
 * long stretches gives it one when it is due; those of one thread share this, so that nobody waits for a turn that
 * another one delays.
 */
export class LoopTurns {
  #at: number = performance.now();

  /** Is the last turn so long ago? */
  isDue(ms: number): boolean {
    return performance.now() - this.#at >= ms;
  }

  /** Everything else on the thread has its turn. */
  async take(): Promise<void> {
    await nextTurn();
    this.#at = performance.now();
  }
}
