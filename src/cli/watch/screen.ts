/** What a screen is drawn on. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** The terminal shows what is between these at once, if it knows them. */
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';
const CLEAR = '\u001b[2J';

/** The other screen of a terminal, on which lines are drawn from the top; only those that changed are sent. */
export class Screen {
  readonly #terminal: Terminal;
  #shown: readonly string[] = [];
  #isOpen = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  open(): void {
    this.#isOpen = true;
    this.#terminal.write(ENTER);
  }

  /** Everything is drawn again next time: the terminal has another size. */
  reset(): void {
    if (!this.#isOpen) return;
    this.#shown = [];
    this.#terminal.write(CLEAR);
  }

  /** @param lines no wider than the terminal; more than it has rows are left out. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const kept = lines.slice(0, this.#terminal.rows);
    let text = '';
    for (let row = 0; row < Math.max(kept.length, this.#shown.length); row += 1) {
      const line = kept[row] ?? '';
      if (line !== this.#shown[row]) text += `\u001b[${row + 1};1H${line}\u001b[K`;
    }
    this.#shown = kept;
    if (text !== '') this.#terminal.write(`${BEGIN}${text}${END}`);
  }

  /** Gives the terminal back as it was; may be called again. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#terminal.write(LEAVE);
  }
}
