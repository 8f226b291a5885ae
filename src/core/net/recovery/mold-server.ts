import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { Random } from '../../binary/random.ts';
import type { Endpoint } from '../../config/endpoint.ts';
import { MOLD_COUNT_OFFSET } from '../../feeds/itch/mold-layout.ts';
import { MoldRequest } from '../../merge/recovery/mold-request.ts';
import { RequestMeter, type ServerCounts, type ServerFaults, type ServerLimits } from './limits.ts';
import { listenError } from './listen-error.ts';
import type { PacketStore } from './store.ts';
import type { RecoveryListener } from './tcp-server.ts';

/** An answer stays within what one Ethernet frame carries, unless a packet was larger when it was sent. */
const ANSWER_BYTES_MAX = 1472;
/** Answers that wait to be sent. */
const SENDING_MAX = 1024;

/** Answers MoldUDP64 requests: each with one packet that has as many of the messages wanted as fit. */
export class MoldServer implements RecoveryListener {
  readonly #store: PacketStore;
  readonly #faults: ServerFaults;
  readonly #counts: ServerCounts;
  readonly #meter: RequestMeter;
  readonly #random: Random;
  readonly #request: MoldRequest = new MoldRequest();
  readonly #answer: Uint8Array = new Uint8Array(65535);
  readonly #further: Uint8Array = new Uint8Array(65535);
  readonly #timers: Set<NodeJS.Timeout> = new Set();
  #socket: Socket | null = null;
  address = '';
  #questions = 0;
  #sending = 0;

  constructor(store: PacketStore, limits: ServerLimits, faults: ServerFaults, counts: ServerCounts) {
    this.#store = store;
    this.#faults = faults;
    this.#counts = counts;
    this.#meter = new RequestMeter(limits.requestsPerSecond);
    this.#random = new Random(faults.seed);
  }

  /** Rejects with MdxError where it cannot listen there. */
  async listen(endpoint: Endpoint): Promise<void> {
    const { host, port } = endpoint;
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    this.#socket = socket;
    try {
      const listening = once(socket, 'listening');
      socket.bind({ address: host, port });
      await listening;
    } catch (error) {
      this.#socket = null;
      socket.close();
      throw listenError(endpoint, error as NodeJS.ErrnoException);
    }
    socket.on('message', (message, from) => this.#take(message, from));
    socket.on('error', () => {
      // Of one answer; the next request is another matter.
    });
    this.address = `mold+udp://${isIPv6(host) ? `[${host}]` : host}:${socket.address().port}`;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  }

  #take(message: Uint8Array, from: RemoteInfo): void {
    const counts = this.#counts;
    const request = this.#request;
    if (!this.#meter.admits(from.address, performance.now())) {
      counts.throttled += 1;
      return;
    }
    if (request.read(message) !== null) {
      counts.refused += 1;
      return;
    }
    counts.requests += 1;
    this.#questions += 1;
    if (this.#questions <= this.#faults.failFirst) return;
    const session = this.#store.sessionOf(request.session);
    const length = session < 0 ? 0 : this.#collect(session, request.first, request.last);
    if (length === 0 || this.#sending >= SENDING_MAX) {
      counts.unanswered += 1;
      return;
    }
    if (this.#faults.drop > 0 && this.#random.unit() < this.#faults.drop) return;
    counts.ranges += 1;
    counts.packets += 1;
    counts.bytes += length;
    // A copy: the next request may come before this answer has left.
    const answer = this.#answer.slice(0, this.#faults.cut ? length - 1 : length);
    if (this.#faults.delayMs === 0) this.#send(answer, from);
    else {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#send(answer, from);
      }, this.#faults.delayMs);
      this.#timers.add(timer);
    }
  }

  /** Puts as many of the messages as fit into one packet, from the first one on. @returns its length, 0 = has none. */
  #collect(session: number, first: number, last: number): number {
    const store = this.#store;
    const answer = this.#answer;
    const further = this.#further;
    let piece = store.find(session, first);
    if (piece < 0) return 0;
    let length = store.read(piece, first, last, answer);
    if (length === 0) {
      if (store.first <= last) this.#counts.unreadable += 1;
      return 0;
    }
    let { count } = store;
    let next = store.first + count;
    for (piece = store.next(piece); piece >= 0 && next <= last; piece = store.next(piece)) {
      const more = store.read(piece, next, last, further);
      const blocks = more - store.headerBytes;
      if (more === 0 || store.first !== next || length + blocks > ANSWER_BYTES_MAX) break;
      answer.set(further.subarray(store.headerBytes, more), length);
      length += blocks;
      count += store.count;
      next += store.count;
    }
    answer[MOLD_COUNT_OFFSET] = count >>> 8;
    answer[MOLD_COUNT_OFFSET + 1] = count;
    this.#counts.messages += count;
    return length;
  }

  #send(answer: Uint8Array, from: RemoteInfo): void {
    this.#sending += 1;
    this.#socket?.send(answer, from.port, from.address, () => {
      this.#sending -= 1;
    });
  }
}
