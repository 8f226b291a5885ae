export type LogLevel = 'info' | 'warn';

export interface RepeatOptions {
  /** Texts of one kind in a window that are told one by one. */
  readonly most: number;
  readonly windowMs: number;
  /** ms of a running clock. */
  now(): number;
  /** @param repeated texts of the kind that this one stands for, where it stands for those left out. */
  write(level: LogLevel, text: string, repeated: number | null): void;
}

/** Kinds that are remembered at a time. */
const KINDS_MAX = 256;

/** Texts of one kind in the window that is open. */
interface Kind {
  readonly level: LogLevel;
  readonly since: number;
  told: number;
  leftOut: number;
  last: string;
}

/**
 * Keeps one trouble from filling the log: texts that differ in their numbers only are one kind, and of a kind so many are
 * told in each window. What was left out is told as one text when the window is over: nothing goes without a word.
 */
export class RepeatLimit {
  readonly #options: RepeatOptions;
  readonly #kinds: Map<string, Kind> = new Map();

  constructor(options: RepeatOptions) {
    this.#options = options;
  }

  tell(level: LogLevel, text: string): void {
    const { now, most, windowMs, write } = this.#options;
    const name = `${level} ${text.replaceAll(/\d+/g, '0')}`;
    const at = now();
    let kind = this.#kinds.get(name);
    if (kind !== undefined && at - kind.since >= windowMs) {
      this.#end(name, kind);
      kind = undefined;
    }
    if (kind === undefined) {
      kind = { level, since: at, told: 0, leftOut: 0, last: text };
      this.#makeRoom();
      this.#kinds.set(name, kind);
    }
    if (kind.told < most) {
      kind.told += 1;
      write(level, text, null);
    } else {
      kind.leftOut += 1;
      kind.last = text;
    }
  }

  /** Tells what was left out in windows that are over. To be called now and then. */
  sweep(): void {
    const at = this.#options.now();
    for (const [name, kind] of this.#kinds) {
      if (at - kind.since >= this.#options.windowMs) this.#end(name, kind);
    }
  }

  /** Tells everything that was left out: the end. */
  close(): void {
    for (const [name, kind] of this.#kinds) this.#end(name, kind);
  }

  #makeRoom(): void {
    if (this.#kinds.size < KINDS_MAX) return;
    // The oldest window is the first one.
    for (const [name, kind] of this.#kinds) {
      this.#end(name, kind);
      return;
    }
  }

  #end(name: string, { level, leftOut, last }: Kind): void {
    this.#kinds.delete(name);
    if (leftOut > 0) this.#options.write(level, last, leftOut);
  }
}
