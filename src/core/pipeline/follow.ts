import { type FSWatcher, watch } from 'node:fs';
import type { ByteWindow } from '../binary/byte-window.ts';
import { type ByteSource, Interrupted } from './raw-source.ts';

/** Longest wait for a change that the system does not tell of: not all file systems do. */
const POLL_MS = 250;

/** Waits for a file, or what is in a directory, to change. */
export class ChangeWatch {
  readonly #path: string;
  readonly #isStopped: () => boolean;
  #watcher: FSWatcher | null = null;
  #hasChanged = false;
  #wake: () => void = () => {};

  /** @param isStopped nobody waits any more; asked at every change, and when `signal` is aborted. */
  constructor(path: string, signal: AbortSignal | null, isStopped: () => boolean) {
    this.#path = path;
    this.#isStopped = isStopped;
    const note = (): void => {
      this.#hasChanged = true;
      this.#wake();
    };
    signal?.addEventListener('abort', note, { once: true });
    try {
      this.#watcher = watch(path, { persistent: false }, note);
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // The system can watch no more: then looking from time to time has to do.
    }
  }

  /** Resolves when something may have changed since the last call. Rejects with Interrupted. */
  async next(): Promise<void> {
    if (!this.#hasChanged && !this.#isStopped()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#hasChanged = false;
    if (this.#isStopped()) throw new Interrupted(`following ${this.#path}`);
  }

  close(): void {
    this.#watcher?.close();
  }
}

/** A file that is being written: where it ends its reader waits. */
export class FollowedFile implements ByteSource {
  readonly #source: ByteSource;
  readonly #changes: ChangeWatch;

  constructor(source: ByteSource, changes: ChangeWatch) {
    this.#source = source;
    this.#changes = changes;
  }

  get path(): string {
    return this.#source.path;
  }

  get bytes(): number {
    return this.#source.bytes;
  }

  get total(): null {
    return null;
  }

  async fill(window: ByteWindow): Promise<boolean> {
    while (!(await this.#source.fill(window))) {
      window.ended = false;
      await this.#changes.next();
    }
    return true;
  }

  async close(): Promise<void> {
    this.#changes.close();
    await this.#source.close();
  }
}
