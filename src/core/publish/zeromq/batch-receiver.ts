import { Pull, Subscriber } from 'zeromq';
import { MdxError } from '../../errors.ts';
import { type Batch, decodeBatch, MESSAGE_BYTES_MAX, type Refusal } from './batch.ts';
import { attach, type Opening } from './batch-sender.ts';
import type { ZmqEndpoint } from './zmq-endpoint.ts';

/** Streams that were left for another one; what still comes of them is not taken. */
const STREAMS_LEFT_MAX = 64;

/** Messages that were not taken, by reason, and what is missing. */
export interface ReceiveCounts extends Record<Refusal, number> {
  batches: number;
  /** Of another topic, another kind, or a stream that another one has followed. */
  foreign: number;
  /** Sent again: its number was seen already. */
  repeated: number;
  /** By their numbers: batches that were sent and did not come, and the packets or events in them. */
  lostBatches: number;
  lost: number;
  /** Packets or events in front of the first batch that came. */
  missed: number;
}

/**
 * Receives batches of one stream, in order: the first one decides kind and topic. What is missing is seen by the numbers and
 * counted; whatever cannot be read is counted and left out. Another stream of the same kind follows when its sender has
 * been started anew.
 */
export class BatchReceiver {
  readonly counts: ReceiveCounts = {
    batches: 0,
    unknownVersion: 0,
    unknownId: 0,
    malformed: 0,
    foreign: 0,
    repeated: 0,
    lostBatches: 0,
    lost: 0,
    missed: 0,
  };
  readonly #endpoint: ZmqEndpoint;
  readonly #socket: Pull | Subscriber;
  #topic: string | null;
  #last: Batch | null = null;
  readonly #left: Set<string> = new Set();
  #closed = false;

  private constructor(endpoint: ZmqEndpoint, socket: Pull | Subscriber, signal: AbortSignal | null) {
    this.#endpoint = endpoint;
    this.#socket = socket;
    this.#topic = endpoint.topic;
    signal?.addEventListener('abort', () => this.close(), { once: true });
  }

  /** Rejects with MdxError `socket-busy` or `socket-refused`. */
  static async open(endpoint: ZmqEndpoint, { signal, tell }: Opening): Promise<BatchReceiver> {
    const options = {
      receiveHighWaterMark: endpoint.highWater,
      maxMessageSize: MESSAGE_BYTES_MAX,
      receiveTimeout: endpoint.timeoutMs ?? -1,
      linger: 0,
    };
    const socket = endpoint.pattern === 'pull' ? new Pull(options) : new Subscriber(options);
    // ZeroMQ compares beginnings only, so what it lets through is compared again.
    if (socket instanceof Subscriber) socket.subscribe(endpoint.topic ?? '');
    await attach(socket, endpoint, tell);
    return new BatchReceiver(endpoint, socket, signal);
  }

  /** @returns the next batch; null where somebody asked to stop. Rejects with MdxError `socket-unreachable`. */
  async next(): Promise<Batch | null> {
    for (;;) {
      let frames: Uint8Array[];
      try {
        frames = await this.#socket.receive();
      } catch (error) {
        if (this.#closed) return null;
        const { text, timeoutMs } = this.#endpoint;
        throw new MdxError('socket-unreachable', `reading ${text}: nothing came for ${timeoutMs} ms`, {
          cause: error,
        });
      }
      // Only the first one is waited for with a limit.
      if (this.#last === null) this.#socket.receiveTimeout = -1;
      const batch = this.#take(frames);
      if (batch !== null) return batch;
    }
  }

  /** The payload of a batch cannot be read: what it held is missing. */
  refuse(batch: Batch): void {
    this.counts.malformed += 1;
    this.counts.lostBatches += 1;
    this.counts.lost += batch.count;
  }

  /** Also ends a `next` that waits: nothing may be pending when a thread ends. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #take(frames: readonly Uint8Array[]): Batch | null {
    const { counts } = this;
    const isTopical = this.#endpoint.pattern === 'sub';
    const topic = isTopical && frames.length > 0 ? new TextDecoder().decode(frames[0]!) : null;
    if (topic !== null && this.#topic !== null && topic !== this.#topic) {
      counts.foreign += 1;
      return null;
    }
    const batch = decodeBatch(isTopical ? frames.slice(1) : frames);
    if (typeof batch === 'string') {
      counts[batch] += 1;
      return null;
    }
    if (!this.#follows(batch)) return null;
    this.#topic = topic;
    this.#last = batch;
    counts.batches += 1;
    return batch;
  }

  /** Does the batch go on with what came before? Counts what is missing in front of it. */
  #follows(batch: Batch): boolean {
    const { counts } = this;
    const last = this.#last;
    if (last === null) {
      counts.missed = batch.first - 1;
      return true;
    }
    const isSame = last.streamHigh === batch.streamHigh && last.streamLow === batch.streamLow;
    if (batch.kind !== last.kind || this.#left.has(nameOf(batch))) {
      counts.foreign += 1;
      return false;
    }
    if (!isSame) {
      if (this.#left.size < STREAMS_LEFT_MAX) this.#left.add(nameOf(last));
      counts.lostBatches += batch.sequence - 1;
      counts.lost += batch.first - 1;
      return true;
    }
    if (batch.sequence <= last.sequence) {
      counts.repeated += 1;
      return false;
    }
    counts.lostBatches += batch.sequence - last.sequence - 1;
    counts.lost += Math.max(0, batch.first - last.first - last.count);
    return true;
  }
}

function nameOf({ streamHigh, streamLow }: Batch): string {
  return `${streamHigh}/${streamLow}`;
}
