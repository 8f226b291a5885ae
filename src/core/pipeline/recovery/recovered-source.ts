import type { ByteWindow } from '../../binary/byte-window.ts';
import type { RecoveryClient } from '../../net/recovery/client.ts';
import { type ByteSource, DamagedInput, Interrupted, type Tell } from '../byte-source.ts';
import { CaptureSource } from '../merge/capture-source.ts';
import { type MergeOptions, type MergeResult, merge } from '../merge/merge-run.ts';
import { roomOf } from '../raw-source.ts';

/** Bytes that may wait for the reader before the merge waits for it. */
const WAITING_BYTES_MAX: number = 1 << 20;

/** How a capture is merged with what a server has. */
export type RecoveredOptions = Pick<MergeOptions, 'feeds' | 'feed' | 'filter' | 'arbiter' | 'stopsAtLoss'> & {
  readonly recovery: NonNullable<MergeOptions['recovery']>;
};

/**
 * A capture, or a pipe that brings one, with what its lines lost: read as the packet pipe that a merge of it with a recovery
 * server writes. What reads it sees one line without the holes that could be filled, and a record for every other one.
 */
export class RecoveredSource implements ByteSource {
  readonly path: string;
  readonly total: null = null;
  bytes = 0;
  /** What the merge did, once all was read. */
  result: MergeResult | null = null;
  readonly #source: CaptureSource;
  readonly #signal: AbortSignal | null;
  readonly #chunks: Uint8Array[] = [];
  #waiting = 0;
  #isOver = false;
  #isClosed = false;
  #failure: unknown = null;
  /** Wakes the reader, and the merge. */
  #more: () => void = () => {};
  #room: () => void = () => {};
  #merging: Promise<void> | null = null;
  #client: RecoveryClient | null = null;

  private constructor(source: CaptureSource, signal: AbortSignal | null) {
    this.path = source.name;
    this.#source = source;
    this.#signal = signal;
  }

  /** Rejects with MdxError where it cannot be read or is no capture, and with Interrupted. */
  static async open(
    path: string,
    options: RecoveredOptions,
    signal: AbortSignal | null,
    tell: Tell,
  ): Promise<RecoveredSource> {
    const source = await CaptureSource.open(path, -1, signal, tell);
    if (source === null) throw new Interrupted(`opening ${path}`);
    const recovered = new RecoveredSource(source, signal);
    signal?.addEventListener('abort', () => void recovered.#client?.close(), { once: true });
    recovered.#merging = recovered.#merge(options);
    return recovered;
  }

  async fill(window: ByteWindow): Promise<boolean> {
    while (this.#chunks.length === 0) {
      if (this.#failure !== null) throw this.#failure;
      if (this.#isOver) return this.#end(window);
      await new Promise<void>((resolve) => {
        this.#more = resolve;
      });
    }
    const room = roomOf(window);
    const chunk = this.#chunks[0]!;
    const count = Math.min(chunk.length, room.length);
    room.set(chunk.subarray(0, count));
    if (count === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(count);
    window.commit(count);
    this.bytes += count;
    this.#waiting -= count;
    if (this.#waiting < WAITING_BYTES_MAX) this.#client?.resume();
    this.#room();
    return true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#room();
    // What is still being fetched is of no interest any more.
    await this.#client?.close();
    await this.#merging;
  }

  /** What was wrong with the capture is told when everything in front of it has been read. */
  #end(window: ByteWindow): boolean {
    window.ended = true;
    const damage = this.#source.damage.shift();
    if (damage !== undefined) throw new DamagedInput(damage.path, damage.offset, damage.problem, true);
    if (this.#signal?.aborted === true) throw new Interrupted(`reading ${this.path}`);
    return false;
  }

  async #merge(options: RecoveredOptions): Promise<void> {
    try {
      this.result = await merge({
        ...options,
        recovery: (feed, callbacks) => {
          this.#client = options.recovery(feed, callbacks);
          return this.#client;
        },
        sources: [this.#source],
        output: { sink: (chunk) => this.#put(chunk), form: 'pcapng' },
        idleMs: Number.POSITIVE_INFINITY,
        stop: () => this.#isClosed || this.#signal?.aborted === true,
        breathe: () => this.#roomForMore(),
      });
    } catch (error) {
      this.#failure = error;
    } finally {
      await this.#source.close();
      this.#isOver = true;
      this.#more();
    }
  }

  #put(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#chunks.push(chunk.slice());
    this.#waiting += chunk.length;
    // A whole session may come of one question: the server waits, too.
    if (this.#waiting >= WAITING_BYTES_MAX) this.#client?.pause();
    this.#more();
  }

  async #roomForMore(): Promise<void> {
    while (this.#waiting >= WAITING_BYTES_MAX && !this.#isClosed && this.#signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }
}
