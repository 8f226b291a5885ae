import { setImmediate as nextTurn } from 'node:timers/promises';
import { toBigInt } from '../../core/binary/time.ts';
import type { Market } from '../../core/book/market.ts';
import type { EventBatch } from '../../core/event/batch.ts';
import type { BookDefinition } from '../../core/event/dictionary.ts';
import { formatScaledBig, formatTimeIso } from '../../core/event/format-text.ts';
import { WORD_BOOK } from '../../core/event/record.ts';
import type { Books, EventObserver } from '../../core/pipeline/books.ts';
import type { Pacer } from '../../core/pipeline/pacer.ts';
import { depthReport, instrumentReport } from '../../core/pipeline/report.ts';
import type { Progress } from '../../core/pipeline/run-options.ts';
import type { Pace, StepGate } from '../../core/pipeline/step-gate.ts';
import type { Tape, TapeTrade } from '../../core/pipeline/tape.ts';
import type { BookFilter } from '../../core/pipeline/wanted-books.ts';
import type { BookOfLevels } from '../ladder.ts';
import { quantityText, trimmed } from '../numbers.ts';
import type { Style } from '../style.ts';
import { eventWords } from './event-words.ts';
import { depthFor, type Frame, frameLines, listedIn, type Steady, type TradeLine } from './frame.ts';
import { type Key, keysIn } from './keys.ts';
import type { Screen, Terminal } from './screen.ts';

/** Time from one frame to the next, at least. */
export const FRAME_MS = 40;
/** Events of a step that are kept in words. */
const STEPS_MAX = 500;
/** The speed is measured over so long. */
const SPEED_MS = 1000;

export interface WatcherOptions {
  readonly terminal: Terminal;
  readonly screen: Screen;
  readonly style: Style;
  readonly gate: StepGate;
  readonly tape: Tape;
  readonly pacer: Pacer | null;
  /** The file, and how fast it is played, in words. */
  readonly file: string;
  readonly speed: string;
  /** The books to begin with. */
  readonly chosen: BookFilter | null;
  /** Levels of each side; null = as many as there is room for. */
  readonly depth: number | null;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Somebody wants to leave. */
  readonly onQuit: () => void;
}

/**
 * Shows one book of a run as it goes on, and does what keys ask for. Drawing costs a frame, not an event: the run tells
 * nothing but what the tape and the gate remember anyway, and `draw` looks at the book when a frame is due.
 */
export class Watcher implements EventObserver {
  readonly #options: WatcherOptions;
  readonly #steady: Steady = { widths: [] };
  #books: Books | null = null;
  #book = -1;
  #depth: number | null;
  #help = false;
  #ended = false;
  #messages = 0;
  /** What the speed is measured from. */
  #markTime: number;
  #markMessages = 0;
  #speed: number | null = null;
  /** What the last step did; null while the run goes freely. */
  #steps: string[] | null = null;
  #stepsLeftOut = 0;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#depth = options.depth;
    this.#markTime = options.now();
    options.gate.isStep = (book) => this.#book < 0 || book === this.#book;
    options.gate.onHold = () => this.draw();
    options.gate.onAttach = (books) => {
      this.#books = books;
    };
  }

  before(batch: EventBatch, at: number, market: Market): void {
    if (this.#book < 0) this.#choose();
    const steps = this.#steps;
    if (steps === null || batch.words[at + WORD_BOOK] !== this.#book) return;
    if (steps.length < STEPS_MAX) steps.push(eventWords(batch, at, market));
    else this.#stepsLeftOut += 1;
  }

  /** To be awaited between chunks: shows what is due, and waits while the run is paused. */
  async breathe(standing: Progress): Promise<void> {
    this.#messages = standing.messages;
    await this.#options.gate.settle();
    await nextTurn();
  }

  /** The input has ended; what is shown stays. */
  end(messages: number): void {
    this.#ended = true;
    this.#messages = messages;
    this.#measure();
    this.draw();
  }

  /** Text that the terminal sent. */
  input(text: string): void {
    for (const key of keysIn(text)) this.#press(key);
    this.draw();
  }

  /** Whoever watched is gone. */
  leave(): void {
    this.#options.gate.close();
    this.#options.onQuit();
  }

  draw(): void {
    this.#measure();
    if (this.#book < 0) this.#choose();
    const { terminal, screen, style } = this.#options;
    const { columns, rows } = terminal;
    screen.draw(frameLines(this.frame(rows), columns, rows, style, this.#steady));
  }

  /** What is to be seen now on a terminal of so many rows. */
  frame(rows: number): Frame {
    const { gate, tape, file, speed } = this.#options;
    const isPaused = !this.#ended && gate.pace !== 'run';
    const listed = listedIn(rows);
    const definition = this.#books?.dictionary.books[this.#book] ?? null;
    const most = depthFor(rows, listed);
    const steps = this.#steps;
    return {
      file,
      time: this.#time(),
      messages: this.#messages,
      messagesPerSecond: isPaused || this.#ended ? null : this.#speed,
      pace: this.#ended ? 'the end' : isPaused ? 'paused' : `playing ${speed}`,
      isPaused,
      book: definition === null ? null : this.#bookOf(definition, Math.min(most, this.#depth ?? most)),
      place: this.#book + 1,
      books: this.#books?.dictionary.books.length ?? 0,
      trades:
        definition === null
          ? []
          : tape.lastOf(this.#book, listed).map((trade) => tradeLine(trade, definition)),
      steps:
        steps === null || this.#stepsLeftOut === 0
          ? steps
          : [...steps, `… and ${this.#stepsLeftOut} more events`],
      help: this.#help,
    };
  }

  #press(key: Key): void {
    const { gate } = this.#options;
    switch (key) {
      case 'quit':
        this.leave();
        break;
      case 'help':
        this.#help = !this.#help;
        break;
      case 'next':
        this.#move(1);
        break;
      case 'previous':
        this.#move(-1);
        break;
      case 'more':
      case 'less':
        this.#depth = this.#deeper(key === 'more' ? 1 : -1);
        this.#steady.widths = [];
        break;
      case 'pause':
        if (gate.pace === 'run') gate.go('hold');
        else this.#resume();
        break;
      case 'group':
      case 'event':
      case 'trade':
        this.#go(key);
    }
  }

  #go(pace: Pace): void {
    this.#steps = [];
    this.#stepsLeftOut = 0;
    this.#options.gate.go(pace);
  }

  #resume(): void {
    this.#steps = null;
    this.#options.pacer?.restart();
    this.#options.gate.go('run');
  }

  /** Another book, in the order in which they were first seen. */
  #move(by: number): void {
    const count = this.#books?.dictionary.books.length ?? 0;
    if (count === 0) return;
    this.#book = (Math.max(this.#book, 0) + by + count) % count;
    this.#steady.widths = [];
    if (this.#steps !== null) this.#steps = [];
  }

  #deeper(by: number): number {
    const { rows } = this.#options.terminal;
    const most = depthFor(rows, listedIn(rows));
    return Math.max(1, Math.min(most, (this.#depth ?? most) + by));
  }

  /** The first book that was chosen, or the first of all. */
  #choose(): void {
    const books = this.#books?.dictionary.books ?? [];
    const { chosen } = this.#options;
    const found = chosen === null ? books[0] : books.find((book) => chosen(book));
    if (found !== undefined) this.#book = found.number;
  }

  #bookOf(definition: BookDefinition, levels: number): BookOfLevels {
    const market = this.#books!.marketOf(definition.channel);
    return {
      ...instrumentReport(market, definition),
      ...depthReport(market, definition, { levels, queues: false }),
    };
  }

  #time(): string | null {
    const last = this.#books?.last;
    if (last === undefined || last.count === 0) return null;
    const venue = toBigInt(last.venueBaseHigh, last.venueBaseLow) + BigInt(last.words[8]!);
    return formatTimeIso(venue);
  }

  #measure(): void {
    const now = this.#options.now();
    const elapsed = now - this.#markTime;
    if (elapsed < SPEED_MS) return;
    this.#speed = ((this.#messages - this.#markMessages) * 1000) / elapsed;
    this.#markTime = now;
    this.#markMessages = this.#messages;
  }
}

function tradeLine(trade: TapeTrade, { priceScale, quantityScale }: BookDefinition): TradeLine {
  const { timeHigh, timeLow, price, quantity, aggressor } = trade;
  const text = (value: number | null, scale: number): string =>
    value === null ? '–' : formatScaledBig(BigInt(value), scale);
  return {
    time: formatTimeIso(toBigInt(timeHigh, timeLow)).slice(11, 23),
    price: price === null ? '–' : trimmed(text(price, priceScale), 2),
    quantity: quantity === null ? '–' : quantityText(text(quantity, quantityScale)),
    aggressor,
  };
}
