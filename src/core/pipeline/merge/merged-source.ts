import type { ByteWindow } from '../../binary/byte-window.ts';
import type { RecoveryClient } from '../../net/recovery/client.ts';
import { ByteQueue } from '../byte-queue.ts';
import type { PacketSource } from '../packet-source.ts';
import { type ByteSource, Interrupted, roomOf } from '../raw-source.ts';
import type { MergeOptions, MergeResult } from './merge-options.ts';
import { merge } from './merge-run.ts';
import { PacketOutput } from './packet-output.ts';

/** Bytes that may wait for the reader before the merge waits for it. */
const WAITING_BYTES_MAX: number = 1 << 20;

/** How sources are merged that are read as one. */
export type MergedOptions = Pick<
  MergeOptions,
  'feeds' | 'feed' | 'filter' | 'arbiter' | 'recovery' | 'stopsAtLoss'
>;

/**
 * Sources of packets, with what a recovery server has of what they lost: read as the packet pipe that a merge of them
 * writes. What reads it sees one line without the holes that could be filled, and a record for every other one.
 */
export class MergedSource implements ByteSource {
  readonly path: string;
  readonly total: null = null;
  bytes = 0;
  /** What the merge did, once all was read. */
  result: MergeResult | null = null;
  readonly #sources: readonly PacketSource[];
  readonly #signal: AbortSignal | null;
  readonly #queue: ByteQueue = new ByteQueue();
  #isOver = false;
  #isClosed = false;
  #failure: unknown = null;
  /** Wakes the reader, and the merge. */
  #more: () => void = () => {};
  #room: () => void = () => {};
  #merging: Promise<void> | null = null;
  #client: RecoveryClient | null = null;

  /** Begins to merge. */
  constructor(sources: readonly PacketSource[], options: MergedOptions, signal: AbortSignal | null) {
    this.path = sources.map(({ name }) => name).join(', ');
    this.#sources = sources;
    this.#signal = signal;
    signal?.addEventListener('abort', () => this.#interrupt(), { once: true });
    this.#merging = this.#merge(options);
  }

  /** Takes no more in; what came already is merged and read to its end. */
  finish(): void {
    for (const source of this.#sources) source.stop();
  }

  async fill(window: ByteWindow): Promise<boolean> {
    const queue = this.#queue;
    while (queue.waiting === 0) {
      if (this.#failure !== null) throw this.#failure;
      if (this.#isOver) return this.#end(window);
      await new Promise<void>((resolve) => {
        this.#more = resolve;
      });
    }
    const count = queue.take(roomOf(window));
    window.commit(count);
    this.bytes += count;
    if (queue.waiting < WAITING_BYTES_MAX) this.#client?.resume();
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

  /** Somebody asked to stop: what is on its way is of no interest any more. */
  #interrupt(): void {
    void this.#client?.close();
    this.finish();
  }

  #end(window: ByteWindow): boolean {
    window.ended = true;
    if (this.#signal?.aborted === true) throw new Interrupted(`reading ${this.path}`);
    return false;
  }

  async #merge(options: MergedOptions): Promise<void> {
    try {
      this.result = await merge({
        ...options,
        recovery: this.#recoveryOf(options),
        sources: this.#sources,
        output: ({ name }) => new PacketOutput((chunk) => this.#put(chunk), 'pcapng', name),
        idleMs: Number.POSITIVE_INFINITY,
        stop: () => this.#isClosed || this.#signal?.aborted === true,
        breathe: () => this.#roomForMore(),
      });
    } catch (error) {
      this.#failure = error;
    } finally {
      for (const source of this.#sources) await source.close();
      this.#isOver = true;
      this.#more();
    }
  }

  #recoveryOf({ recovery }: MergedOptions): MergeOptions['recovery'] {
    if (recovery === null) return null;
    return (feed, callbacks) => {
      this.#client = recovery(feed, callbacks);
      return this.#client;
    };
  }

  #put(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#queue.put(chunk);
    // A whole session may come of one question: the server waits, too.
    if (this.#queue.waiting >= WAITING_BYTES_MAX) this.#client?.pause();
    this.#more();
  }

  #roomForMore(): Promise<void> | null {
    return this.#isFull ? this.#untilRoom() : null;
  }

  get #isFull(): boolean {
    return this.#queue.waiting >= WAITING_BYTES_MAX && !this.#isClosed && this.#signal?.aborted !== true;
  }

  async #untilRoom(): Promise<void> {
    while (this.#isFull) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }
}
