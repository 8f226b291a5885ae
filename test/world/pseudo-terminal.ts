import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { Terminal } from '@xterm/headless';
import { environment, MDX } from './real-process.ts';

const FRAME_BEGIN = '\u001b[?2026h';
const FRAME_END = '\u001b[?2026l';

/** The real program on a real terminal, whose screen is kept by an emulator. */
export class PseudoTerminal {
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #terminal: Terminal;
  #onChange: () => void = () => {};
  #hasEnded = false;
  /** A part of a frame has come. */
  #isDrawing = false;

  /** @param input a file that is piped into the program. */
  constructor(args: readonly string[], columns: number, rows: number, input: string | null = null) {
    this.#terminal = new Terminal({ cols: columns, rows, allowProposedApi: true });
    const program = [process.execPath, MDX, ...args].map(quoted).join(' ');
    const line = [
      `tty; stty cols ${columns} rows ${rows}`,
      `sh -c ${quoted(`echo $$; ${input === null ? 'exec' : `cat ${quoted(input)} |`} ${program}`)}`,
      'code=$?; stty -a | grep -oE -e "-?(icanon|echo)\\b"; exit $code',
    ].join('; ');
    this.#child = spawn('script', ['-qec', line, '/dev/null'], {
      env: { ...environment(), TERM: 'xterm-256color' },
    });
    let frame = '';
    this.#child.stdout!.on('data', (data: Buffer) => {
      // A mark may be cut in two.
      frame = `${frame.slice(-FRAME_END.length)}${data.toString('latin1')}`;
      const isOpen = frame.lastIndexOf(FRAME_BEGIN) > frame.lastIndexOf(FRAME_END);
      const isSaid = frame.includes(FRAME_BEGIN) || frame.includes(FRAME_END);
      this.#terminal.write(data, () => {
        if (isSaid) this.#isDrawing = isOpen;
        this.#onChange();
      });
    });
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#hasEnded = true;
        // What was written before is on the screen by then.
        this.#terminal.write('', () => {
          this.#onChange();
          resolve(code);
        });
      });
    });
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  /** Makes the terminal another size, as a window does. */
  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
    execFileSync('stty', ['-F', this.#said(0), 'cols', String(columns), 'rows', String(rows)]);
  }

  /** Sends the program a signal; the shell tells its process id before it starts. */
  kill(signal: NodeJS.Signals): void {
    process.kill(Number(this.#said(1)), signal);
  }

  /** What the shell said after the program: the modes of the terminal that programs with keys of their own change. */
  get modes(): string[] {
    return ['echo', 'icanon', '-echo', '-icanon'].filter((mode) =>
      Array.from({ length: this.#terminal.rows }, (_, row) => this.#said(row)).includes(mode),
    );
  }

  /** A line of the screen with the prompt. */
  #said(row: number): string {
    return this.#terminal.buffer.normal.getLine(row)?.translateToString(true) ?? '';
  }

  /** The lines of the screen without the blanks at their ends. */
  get lines(): string[] {
    const { active } = this.#terminal.buffer;
    return Array.from(
      { length: this.#terminal.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '',
    );
  }

  /** Is it the other screen, not the one with the prompt? */
  get isOther(): boolean {
    return this.#terminal.buffer.active.type === 'alternate';
  }

  /** Waits until the screen shows what is asked for. Throws when the program ends before. */
  async until(isShown: (lines: readonly string[]) => boolean): Promise<string[]> {
    while (this.#isDrawing || !isShown(this.lines)) {
      if (this.#hasEnded) throw new Error(`it ended, and the screen shows\n${this.lines.join('\n')}`);
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    return this.lines;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
