import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../binary/random.ts';
import type { Endpoint } from '../../config/endpoint.ts';
import {
  FRAME_HEADER_BYTES,
  PAYLOAD_BYTES_MAX,
  QUESTION_MORE,
  QUESTION_READ,
  QuestionReader,
  writeFrameHeader,
} from '../../merge/recovery/len-seq-payload.ts';
import type { ServerCounts, ServerFaults, ServerLimits } from './limits.ts';
import { listenError } from './listen-error.ts';
import type { PacketStore } from './store.ts';

/** Frames are sent in pieces of about this many bytes. */
const CHUNK_BYTES: number = 1 << 17;

/** A server of one protocol. */
export interface RecoveryListener {
  /** Where it listens: `tcp://127.0.0.1:9001`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Answers `len_seq_payload` questions: one per connection, from a store. */
export class ReplayServer implements RecoveryListener {
  readonly #store: PacketStore;
  readonly #limits: ServerLimits;
  readonly #faults: ServerFaults;
  readonly #counts: ServerCounts;
  readonly #random: Random;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  readonly #session: number;
  address = '';
  #questions = 0;

  /** @param session the one of the store that is served: a question names none. −1 = there is nothing to serve. */
  constructor(
    store: PacketStore,
    session: number,
    limits: ServerLimits,
    faults: ServerFaults,
    counts: ServerCounts,
  ) {
    this.#store = store;
    this.#session = session;
    this.#limits = limits;
    this.#faults = faults;
    this.#counts = counts;
    this.#random = new Random(faults.seed);
    this.#server = createServer({ noDelay: true }, (socket) => this.#take(socket));
    this.#server.maxConnections = limits.clients;
    this.#server.on('drop', () => {
      counts.refused += 1;
    });
  }

  /** Rejects with MdxError where it cannot listen there. */
  async listen(endpoint: Endpoint): Promise<void> {
    const { host, port } = endpoint;
    try {
      const listening = once(this.#server, 'listening');
      this.#server.listen({ host, port });
      await listening;
    } catch (error) {
      throw listenError(endpoint, error as NodeJS.ErrnoException);
    }
    const bound = this.#server.address();
    const boundPort = bound !== null && typeof bound === 'object' ? bound.port : port;
    this.address = `tcp://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #take(socket: Socket): void {
    const counts = this.#counts;
    counts.connections += 1;
    this.#sockets.add(socket);
    const reader = new QuestionReader();
    let isAsked = false;
    let isOver = false;
    socket.setTimeout(this.#limits.clientTimeoutMs, () => {
      // While an answer is under way only a full socket counts as slow; a fault may take its time.
      if (isOver || (isAsked && socket.writableLength === 0)) return;
      counts.slowClients += 1;
      isOver = true;
      socket.destroy();
    });
    socket.on('error', () => {
      // `close` follows.
    });
    socket.on('close', () => {
      this.#sockets.delete(socket);
    });
    socket.on('data', (chunk) => {
      // Whatever is behind the question is not looked at.
      if (isAsked) return;
      const answer = reader.push(chunk);
      if (answer === QUESTION_MORE) return;
      isAsked = true;
      if (answer !== QUESTION_READ) {
        counts.refused += 1;
        socket.destroy();
        return;
      }
      counts.requests += 1;
      void this.#answer(socket, reader.first, reader.last).then((isSent) => {
        if (isSent) socket.end();
        else if (!isOver) counts.leftClients += 1;
        isOver = true;
      });
    });
  }

  /** @returns false where the client has left. */
  async #answer(socket: Socket, first: number, last: number): Promise<boolean> {
    const store = this.#store;
    const counts = this.#counts;
    const { drop, delayMs, cut } = this.#faults;
    if (delayMs > 0) await pause(delayMs);
    this.#questions += 1;
    if (this.#questions <= this.#faults.failFirst) {
      socket.destroy();
      return true;
    }
    const middle = first + Math.floor((last - first + 1) / 2);
    let sent = 0;
    let piece = this.#session < 0 ? -1 : store.find(this.#session, first);
    let chunk = new FrameChunk();
    while (piece >= 0) {
      const length = store.read(piece, first, last, chunk.payload());
      if (length === 0 && store.first > last) break;
      if (length === 0) counts.unreadable += 1;
      else if (drop === 0 || this.#random.unit() >= drop) {
        chunk.add(store.first, length);
        sent += 1;
        counts.packets += 1;
        counts.messages += store.count;
        counts.bytes += length;
        if (cut && store.first + store.count > middle) {
          socket.end(chunk.bytes().subarray(0, -1));
          counts.ranges += 1;
          return true;
        }
      }
      piece = store.next(piece);
      if (!chunk.isFull) continue;
      const bytes = chunk.bytes();
      chunk = new FrameChunk();
      if (!(await written(socket, bytes))) return false;
    }
    if (sent > 0) counts.ranges += 1;
    else counts.unanswered += 1;
    chunk.add(0, 0);
    return written(socket, chunk.bytes());
  }
}

/** Frames in one buffer, until it goes to the socket. */
class FrameChunk {
  readonly #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(
    CHUNK_BYTES + FRAME_HEADER_BYTES + PAYLOAD_BYTES_MAX,
  );
  readonly #view: DataView<ArrayBuffer> = new DataView(this.#bytes.buffer);
  #length = 0;

  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES;
  }

  /** Room for the next payload. */
  payload(): Uint8Array {
    return this.#bytes.subarray(this.#length + FRAME_HEADER_BYTES);
  }

  /** Makes a frame of the payload that was written into the room. */
  add(number: number, length: number): void {
    writeFrameHeader(this.#view, this.#length, length, number);
    this.#length += FRAME_HEADER_BYTES + length;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Writes, and waits until there is room for more. @returns false when the client has left. */
async function written(socket: Socket, bytes: Uint8Array): Promise<boolean> {
  if (socket.destroyed) return false;
  if (socket.write(bytes)) return true;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
  return !socket.destroyed;
}
