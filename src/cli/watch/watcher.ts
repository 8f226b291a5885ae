import { setImmediate as nextTurn } from 'node:timers/promises';
import { toBigInt } from '../../core/binary/time.ts';
import type { BookDefinition } from '../../core/event/dictionary.ts';
import { formatScaledBig, formatTimeIso } from '../../core/event/format-text.ts';
import { WORD_BOOK } from '../../core/event/record.ts';
import type { Books, EventObserver } from '../../core/pipeline/books.ts';
import type { Pacer } from '../../core/pipeline/pacer.ts';
import { depthReport, instrumentReport } from '../../core/pipeline/report.ts';
import { headFor } from '../../core/pipeline/rows/row-head.ts';
import type { Progress } from '../../core/pipeline/run-options.ts';
import type { StepGate } from '../../core/pipeline/step-gate.ts';
import type { BackTo } from '../../core/pipeline/step-history.ts';
import type { Tape, TapeTrade } from '../../core/pipeline/tape.ts';
import type { BookFilter } from '../../core/pipeline/wanted-books.ts';
import type { BookOfLevels } from '../ladder.ts';
import { quantityText, trimmed } from '../numbers.ts';
import type { Style } from '../style.ts';
import { BACKS, type Controls, foundBy, type Named, press, STEPS } from './controls.ts';
import { depthFor, type Frame, frameLines, listedIn, type Steady, type TradeLine } from './frame.ts';
import { keysOf } from './keys.ts';
import type { Screen, Terminal } from './screen.ts';
import { Told } from './told.ts';

/** Time from one frame to the next, at least. */
export const FRAME_MS = 40;
/** Longest stretch of work between two turns of the event loop, where keys and frames get their chance. */
const TURN_MS_MAX = 10;
/** How old the list of books by name may be. */
const NAMES_MS_MAX = 1000;
/** A book takes the place of the one that is shown when it has so many times its events. */
const BUSIER = 2;
const DAY_NS = 86_400_000_000_000n;
/** The speed is measured over so long. */
const SPEED_MS = 1000;

/** Steps that may wait; more keys are not heard. */
const WAITING_MAX = 16;

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
  /** Why the input cannot be read again, which going back needs; null = it can. */
  readonly noWayBack: string | null;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Somebody wants to leave. */
  readonly onQuit: () => void;
}

/**
 * Shows one book of a run as it goes on, and does what keys ask for. Drawing costs a frame, not an event: the run tells
 * nothing but what the tape and the gate remember anyway, and `draw` looks at the book when a frame is due.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #steady: Steady = { widths: [] };
  #books: Books | null = null;
  #book = -1;
  #controls: Controls;
  #names: { readonly at: number; readonly list: readonly Named[] } = { at: 0, list: [] };
  #ended = false;
  #turnAt = 0;
  #messages = 0;
  /** What the speed is measured from. */
  #markTime: number;
  #markMessages = 0;
  #speed: number | null = null;
  readonly #told: Told;

  /** Steps that were asked for while one was under way, forwards and back. */
  readonly #waiting: (() => void)[] = [];
  #notice: string | null = null;
  /** What is shown while it goes back; null = nothing was shown yet. */
  #shown: Frame | null = null;
  /** Called when the input has to be read again. */
  onBack: () => void = () => {};

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#controls = {
      pace: options.gate.pace,
      depth: options.depth,
      chosen: null,
      search: null,
      help: false,
      quit: false,
    };
    this.#markTime = options.now();
    this.#told = new Told(options.gate);
    options.gate.isStep = (book) => this.#isStep(book);
    options.gate.onHold = () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.draw();
      else next();
    };
    options.gate.onAttach = (books) => {
      this.#books = books;
    };
  }

  /** Who has to see the events of the run. */
  get observers(): readonly EventObserver[] {
    return [this.#options.tape, this.#told];
  }

  /** To be awaited between chunks: shows what is due, and waits while the run is paused. */
  async breathe(standing: Progress): Promise<void> {
    this.#messages = standing.messages;
    await this.#options.gate.settle();
    const { now } = this.#options;
    if (now() - this.#turnAt < TURN_MS_MAX) return;
    await nextTurn();
    this.#turnAt = now();
  }

  /** The input is read again. */
  restart(): void {
    const { gate, tape } = this.#options;
    gate.restart();
    tape.clear();
    this.#told.clear();
    this.#ended = false;
    this.#messages = 0;
    this.#markMessages = 0;
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
    for (const key of keysOf(text)) this.#press(key);
    this.draw();
  }

  /** Whoever watched is gone. */
  leave(): void {
    this.#options.gate.close();
    this.#options.onQuit();
  }

  draw(): void {
    const { terminal, screen, style, gate } = this.#options;
    const { columns, rows } = terminal;
    if (!gate.isRewinding || this.#shown === null) {
      this.#measure();
      this.#choose();
      this.#shown = this.frame(rows);
    } else this.#shown = { ...this.#shown, pace: 'going back', messagesPerSecond: null, notice: null };
    screen.draw(frameLines(this.#shown, columns, rows, style, this.#steady));
  }

  /** What is to be seen now on a terminal of so many rows. */
  frame(rows: number): Frame {
    const { gate, tape, file, speed } = this.#options;
    const { depth, help, search } = this.#controls;
    const isPaused = !this.#ended && gate.pace === 'hold';
    const listed = listedIn(rows);
    const definition = this.#books?.dictionary.books[this.#book] ?? null;
    const most = depthFor(rows, listed);
    const { lines } = this.#told;
    const trades =
      definition === null ? [] : tape.lastOf(this.#book, listed).map((trade) => tradeLine(trade, definition));
    return {
      file,
      time: this.#time(),
      messages: this.#messages,
      messagesPerSecond: isPaused || this.#ended ? null : this.#speed,
      pace: this.#ended ? 'the end' : isPaused ? 'paused' : 'playing',
      speed,
      position: this.#position(),
      isPaused,
      book: definition === null ? null : this.#bookOf(definition, Math.min(most, depth ?? most)),
      place: this.#named().findIndex(({ book }) => book === this.#book) + 1,
      books: this.#books?.dictionary.books.length ?? 0,
      trades,
      // Paused before any step, the last trades say more.
      steps: gate.pace === 'run' || (lines.length === 0 && trades.length > 0) ? null : lines,
      help,
      notice: this.#notice,
      search: search === null ? null : { typed: search, found: foundBy(search, this.#named()) },
    };
  }

  #press(key: string): void {
    if (key === 'ctrl-c') {
      this.leave();
      return;
    }
    const { gate, pacer } = this.#options;
    const before = { ...this.#controls, pace: gate.pace };
    this.#notice = null;
    const isTyped = before.search === null;
    const step = isTyped ? STEPS[key] : undefined;
    const back = isTyped ? BACKS[key] : undefined;
    // Keys may come faster than what they ask for happens.
    const isStepping = !this.#ended && before.pace !== 'run' && before.pace !== 'hold';
    const isUnderWay = gate.isRewinding || isStepping;
    if (isUnderWay && (step !== undefined || back !== undefined)) {
      const act = (): void => (step === undefined ? this.#goBack(back!) : gate.go(step));
      if (this.#waiting.length < WAITING_MAX) this.#waiting.push(act);
      return;
    }
    if (back !== undefined) {
      this.#goBack(back);
      return;
    }
    const { rows } = this.#options.terminal;
    const after = press(before, key, {
      shown: this.#book < 0 ? null : this.#book,
      room: depthFor(rows, listedIn(rows)),
      names: () => this.#named(),
    });
    this.#controls = after;
    if (after.quit) {
      this.leave();
      return;
    }
    if (after.chosen !== before.chosen) this.#show(after.chosen!);
    if (after.depth !== before.depth) this.#steady.widths = [];
    if (after.pace === before.pace) return;
    this.#waiting.length = 0;
    if (after.pace === 'run') {
      pacer?.restart();
      this.#told.clear();
    }
    gate.go(after.pace);
  }

  /** Goes back in the book that is shown. */
  #goBack(to: BackTo): void {
    const { gate, noWayBack } = this.#options;
    this.#notice = noWayBack ?? (gate.isAtStart ? 'this is the beginning' : null);
    if (this.#notice !== null) {
      this.#waiting.length = 0;
      return;
    }
    // Which book is shown does not depend any more on what happens.
    if (this.#book >= 0) this.#controls = { ...this.#controls, chosen: this.#book };
    gate.goBack(to);
    this.onBack();
  }

  #show(book: number): void {
    if (book === this.#book) return;
    if (!this.#options.gate.isRewinding) this.#options.gate.forgetSteps();
    // The first one is shown because of what was told.
    if (this.#book >= 0) this.#told.clear();
    this.#book = book;
    this.#steady.widths = [];
  }

  /** All books by name. Some get their names late, so the list is made anew now and then. */
  #named(): readonly Named[] {
    const books = this.#books?.dictionary.books ?? [];
    const now = this.#options.now();
    if (books.length !== this.#names.list.length || now - this.#names.at > NAMES_MS_MAX) {
      const list = books.map(({ number, symbol, instrument }) => ({
        book: number,
        name: symbol ?? `#${instrument}`,
      }));
      list.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.book - b.book));
      this.#names = { at: now, list };
    }
    return this.#names.list;
  }

  /**
   * While nobody has chosen a book by key: the first one that the flags name, else the busiest, else where a run is
   * stepped from its start the one that the first step was about. What somebody looks at in steps does not change.
   */
  #choose(): void {
    const { chosen, gate } = this.#options;
    const books = this.#books?.dictionary.books ?? [];
    if (this.#controls.chosen !== null) return;
    if (chosen !== null) {
      const named = this.#book < 0 ? books.find((book) => chosen(book)) : undefined;
      if (named !== undefined) this.#show(named.number);
    } else if (gate.pace === 'run' && !this.#ended) this.#show(this.#busiest(books));
    else if (this.#book < 0) {
      const last = this.#books?.last;
      this.#show(last === undefined || last.count === 0 ? -1 : last.words[WORD_BOOK]!);
    }
  }

  /** The book with the most events; the one that is shown gives way only to one with many more. */
  #busiest(books: readonly BookDefinition[]): number {
    const { tape } = this.#options;
    let busiest = this.#book;
    let most = busiest < 0 ? 0 : tape.eventsOf(busiest) * BUSIER;
    for (const { number } of books) {
      const events = tape.eventsOf(number);
      if (events <= most) continue;
      most = events;
      busiest = number;
    }
    return busiest;
  }

  #bookOf(definition: BookDefinition, levels: number): BookOfLevels {
    const market = this.#books!.marketOf(definition.channel);
    return {
      ...instrumentReport(market, definition),
      ...depthReport(market, definition, { levels, queues: false }),
    };
  }

  /** Venue time of the last event: of the day alone where that is not known. */
  #time(): string | null {
    const last = this.#books?.last;
    if (last === undefined || last.count === 0) return null;
    const ns = BigInt(headFor(last, 0, undefined).venueTime);
    return ns < DAY_NS ? formatTimeIso(ns).slice(11, -1) : formatTimeIso(ns);
  }

  #position(): string | null {
    const last = this.#books?.last;
    if (last === undefined || last.count === 0 || last.sequenceBase === 0) return null;
    const { channel, sequence } = headFor(last, 0, undefined);
    return `#${channel}/${sequence}`;
  }

  /** Is something about this book a step? Before a book is shown, it is about any that may be. */
  #isStep(book: number): boolean {
    if (this.#book >= 0) return book === this.#book;
    const definition = this.#books?.dictionary.books[book];
    return definition !== undefined && (this.#options.chosen?.(definition) ?? true);
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
