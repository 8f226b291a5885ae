import type { Market } from '../../core/book/market.ts';
import type { EventBatch } from '../../core/event/batch.ts';
import { type EventObserver, endsGroup } from '../../core/pipeline/books.ts';
import type { StepGate } from '../../core/pipeline/step-gate.ts';
import { eventWords } from './event-words.ts';

/** Lines kept of one group; of a longer one the last of them. */
const LINES_MAX = 1000;

/** Puts the events of the last group into words while a run goes on in steps; while it runs freely, it does nothing. */
export class Told implements EventObserver {
  lines: string[] = [];
  readonly #gate: StepGate;
  /** The group has ended, so the next event begins another. */
  #isWhole = false;

  constructor(gate: StepGate) {
    this.#gate = gate;
  }

  before(batch: EventBatch, at: number, market: Market): void {
    if (this.#gate.pace === 'run') return;
    const isConcerned = this.#gate.concerns(batch.words, at);
    if (isConcerned) {
      if (this.#isWhole) this.clear();
      this.lines.push(eventWords(batch, at, market));
      if (this.lines.length > LINES_MAX) this.lines.shift();
    }
    if ((isConcerned || market.rules.groupScope === 'source') && endsGroup(batch, at)) this.#isWhole = true;
  }

  clear(): void {
    this.lines = [];
    this.#isWhole = false;
  }
}
