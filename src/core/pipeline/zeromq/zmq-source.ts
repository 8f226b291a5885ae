import type { ByteWindow } from '../../binary/byte-window.ts';
import type { Batch } from '../../publish/zeromq/batch.ts';
import { BatchReceiver } from '../../publish/zeromq/batch-receiver.ts';
import type { ZmqEndpoint } from '../../publish/zeromq/zmq-endpoint.ts';
import { type ByteSource, Interrupted, roomOf, type Tell } from '../raw-source.ts';
import { EventJoiner } from './event-batches.ts';
import { PacketJoiner } from './packet-batches.ts';

/** Batches that come over ZeroMQ as the stream they were cut from. Ends with the batch that tells the end. */
export class ZmqSource implements ByteSource {
  readonly path: string;
  readonly total = null;
  bytes = 0;
  readonly #receiver: BatchReceiver;
  readonly #tell: Tell;
  #joiner: PacketJoiner | EventJoiner | null = null;
  #kind: Batch['kind'] = 'packets';
  #rest: Uint8Array | null = null;
  #ended = false;

  private constructor(path: string, receiver: BatchReceiver, tell: Tell) {
    this.path = path;
    this.#receiver = receiver;
    this.#tell = tell;
  }

  static async open(endpoint: ZmqEndpoint, signal: AbortSignal | null, tell: Tell): Promise<ZmqSource> {
    return new ZmqSource(endpoint.text, await BatchReceiver.open(endpoint, { signal, tell }), tell);
  }

  /** What did not come or was not taken, for the report. */
  get losses(): ReadonlyMap<string, number> {
    const { lostBatches, lost, missed, malformed, unknownVersion, unknownId, foreign, repeated } =
      this.#receiver.counts;
    const isPackets = this.#kind === 'packets';
    const all: [string, number][] = [
      ['lostBatches', lostBatches],
      // Those of events are seen where they are read, by their own numbers.
      ['lostPackets', isPackets ? lost : 0],
      ['missedPackets', isPackets ? missed : 0],
      ['malformedMessages', malformed],
      ['unknownVersion', unknownVersion],
      ['unknownId', unknownId],
      ['foreignMessages', foreign],
      ['repeatedBatches', repeated],
    ];
    return new Map(all.filter(([, count]) => count > 0));
  }

  async fill(window: ByteWindow): Promise<boolean> {
    const room = roomOf(window);
    while (this.#rest === null || this.#rest.length === 0) {
      if (this.#ended) {
        window.ended = true;
        return false;
      }
      const batch = await this.#receiver.next();
      if (batch === null) throw new Interrupted(`reading ${this.path}`);
      this.#take(batch);
    }
    const rest = this.#rest;
    const count = Math.min(room.length, rest.length);
    room.set(rest.subarray(0, count));
    this.#rest = rest.subarray(count);
    window.commit(count);
    return true;
  }

  async close(): Promise<void> {
    this.#receiver.close();
    const { losses } = this;
    if (losses.size === 0) return;
    this.#tell(`${this.path}: ${[...losses].map(([what, count]) => `${what} ${count}`).join(', ')}`);
  }

  #take(batch: Batch): void {
    this.bytes += batch.payload.length;
    this.#kind = batch.kind;
    this.#joiner ??= batch.kind === 'packets' ? new PacketJoiner() : new EventJoiner();
    this.#ended = batch.end;
    // Nothing was written before the end.
    if (batch.end && batch.payload.length === 0) return;
    const bytes = this.#joiner.join(batch.payload);
    if (bytes === null) this.#receiver.refuse(batch);
    this.#rest = bytes;
  }
}
