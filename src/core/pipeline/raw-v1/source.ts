import type { ByteWindow } from '../../binary/byte-window.ts';
import { type ByteSource, Interrupted, roomOf, type Tell } from '../raw-source.ts';
import { parseRawV1Endpoints } from './endpoint.ts';
import { RawV1Lines } from './lines.ts';

/** The frames of a raw-v1 server, or of its two lines, as a recording of them. */
export class RawV1Source implements ByteSource {
  readonly path: string;
  readonly total = null;
  bytes = 0;
  readonly #lines: RawV1Lines;
  readonly #signal: AbortSignal | null;
  readonly #tell: Tell;
  #wake: () => void = () => {};
  readonly #onAbort = (): void => this.#wake();

  /** @param path one address or two, with a blank between them. Throws MdxError `usage`. */
  constructor(path: string, token: string | null, signal: AbortSignal | null, tell: Tell) {
    this.path = path;
    this.#signal = signal;
    this.#tell = tell;
    this.#lines = new RawV1Lines(parseRawV1Endpoints(path), token);
    this.#lines.onChange = (): void => this.#wake();
    signal?.addEventListener('abort', this.#onAbort);
    this.#lines.start();
  }

  get losses(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.#lines.counts).filter(([, count]) => count > 0));
  }

  async fill(window: ByteWindow): Promise<boolean> {
    const lines = this.#lines;
    while (lines.queue.size === 0) {
      if (lines.error !== null) throw lines.error;
      if (lines.ended !== null) {
        window.ended = true;
        return false;
      }
      if (this.#signal?.aborted) throw new Interrupted(`reading ${this.path}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const count = lines.queue.take(roomOf(window));
    this.bytes += count;
    window.commit(count);
    lines.wasRead();
    return true;
  }

  async close(): Promise<void> {
    const { ended, counts } = this.#lines;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#lines.close();
    const { duplicates, lostFrames, reconnects, snapshots } = counts;
    const facts = `snapshots ${snapshots}, reconnects ${reconnects}, duplicates ${duplicates}, lost frames ${lostFrames}`;
    this.#tell(`${this.path}: ${ended ?? 'left'}; ${facts}`);
  }
}
