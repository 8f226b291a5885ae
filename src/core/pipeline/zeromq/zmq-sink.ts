import { randomFillSync } from 'node:crypto';
import { MdxError } from '../../errors.ts';
import { isFrame } from '../../journal/frame.ts';
import type { Batch } from '../../publish/zeromq/batch.ts';
import { BatchSender, type Last, type Opening } from '../../publish/zeromq/batch-sender.ts';
import type { ZmqEndpoint } from '../../publish/zeromq/zmq-endpoint.ts';
import { EventBatcher } from './event-batches.ts';
import { type Batcher, type BatchPart, PacketBatcher } from './packet-batches.ts';
import { readySegments } from './ready-segments.ts';

const PCAPNG_MAGIC = 0x0a0d0d0a;

/** Sends what writers of pcapng and of event streams write, in batches that each can be read alone. */
export class ZmqSink {
  readonly #sender: BatchSender;
  readonly #endpoint: ZmqEndpoint;
  readonly #stream: Int32Array = randomFillSync(new Int32Array(2));
  #batcher: Batcher | null = null;
  /** What ends each topic, where every instrument has one. */
  readonly #last: Last[] = [];
  #sequence = 0;
  #next = 1;

  private constructor(sender: BatchSender, endpoint: ZmqEndpoint) {
    this.#sender = sender;
    this.#endpoint = endpoint;
  }

  static async open(endpoint: ZmqEndpoint, opening: Opening): Promise<ZmqSink> {
    return new ZmqSink(await BatchSender.open(endpoint, opening), endpoint);
  }

  /**
   * Sends a piece of the stream; waits for slow peers where the socket does.
   * @returns false where nobody takes it any more.
   */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.#endpoint.byInstrument) return this.#writeReady(bytes);
    this.#batcher ??= this.#batcherOf(bytes);
    for (const part of this.#batcher.add(bytes)) {
      if (!(await this.#sender.send(this.#batchOf(this.#batcher.kind, part, false)))) return false;
    }
    return true;
  }

  /** Tells the end of the stream. */
  async finish(): Promise<void> {
    const batcher = this.#batcher ?? new PacketBatcher();
    const last = { batch: this.#batchOf(batcher.kind, batcher.end(), true), topic: null };
    await this.#sender.finish(this.#endpoint.byInstrument ? this.#last : [last]);
  }

  async #writeReady(bytes: Uint8Array): Promise<boolean> {
    for (const ready of readySegments(bytes)) {
      if (ready.batch.end) this.#last.push(ready);
      else if (!(await this.#sender.send(ready.batch, ready.topic))) return false;
    }
    return true;
  }

  close(): void {
    this.#sender.close();
  }

  #batchOf(kind: Batch['kind'], { payload, count }: BatchPart, end: boolean): Batch {
    const [streamHigh, streamLow] = this.#stream as unknown as [number, number];
    const first = this.#next;
    this.#sequence += 1;
    this.#next += count;
    return { kind, streamHigh, streamLow, sequence: this.#sequence, first, count, end, payload };
  }

  #batcherOf(bytes: Uint8Array): Batcher {
    const [high, low] = this.#stream as unknown as [number, number];
    if (isFrame(bytes)) return new EventBatcher({ high, low });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length >= 4 && view.getInt32(0, true) === PCAPNG_MAGIC) return new PacketBatcher();
    throw new MdxError('usage', `${this.#endpoint.text}: packets (pcapng) and events are sent, nothing else`);
  }
}
