import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { textMessage } from './framing.ts';

/** Close codes that this side sends (RFC 6455 §7.4; from 4000 on they are ours). */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_POLICY = 1008;
export const CLOSE_TRY_LATER = 1013;
/** What the client wanted next is no longer kept. */
export const CLOSE_GAP = 4001;
/** The client takes nothing. */
export const CLOSE_SLOW = 4002;
/** The image was so long under way that the frames behind it are no longer kept. */
export const CLOSE_IMAGE_GONE = 4003;

export interface PeerLimits {
  /** Longest message of a client. */
  readonly messageBytes: number;
  /** Messages, pings and pongs of a client in a second. */
  readonly messagesPerSecond: number;
  /** A client that takes no byte for so long while something waits for it is slow. */
  readonly writeMs: number;
  /** How long a close may take: what waits goes out, the client answers; then the connection is cut. */
  readonly closeMs: number;
}

/** What the owner of a peer does when something happens to it. */
export interface PeerHandler {
  /** A message of the client; the bytes are its own. */
  message(bytes: Buffer, isBinary: boolean): void;
  /** What was written has all been taken: the place to write more. */
  drained(): void;
  /** The connection is gone; called once, the last of all. */
  closed(code: number, reason: string): void;
}

const SECOND_MS = 1000;

/** Bytes that libuv holds for a socket: falls with every byte that the system takes, so a crawling client is told from a stopped one. */
interface QueueOwner {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/**
 * A WebSocket whose messages are bytes that were framed beforehand, shared by all clients, and go straight to the socket.
 * Pings are answered and closes seen by `ws`, which only reads here.
 *
 * Nothing here buffers on purpose: look at `pendingBytes` before writing, go on in `drained`. `check`, called a few times in
 * `writeMs`, closes clients that take nothing.
 */
export class WebSocketPeer {
  /** HOST:PORT of the client. */
  readonly address: string;
  /** The sub-protocol that was agreed on, '' = none. */
  readonly protocol: string;
  /** Bytes written to it so far, and messages of it. */
  bytes = 0;
  received = 0;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #limits: PeerLimits;
  #handler: PeerHandler | null = null;
  #pending = 0;
  #closing = false;
  #closed = false;
  /** Code and reason that this side closed with. */
  #said: { readonly code: number; readonly reason: string } | null = null;
  /** Since when nothing has been taken, ms of `check`, and what waited then. */
  #stalledSince = 0;
  #stalledBytes = 0;
  #stalledWrites = 0;
  /** Writes that have been taken. */
  #writes = 0;
  /** Since when its messages are counted, ms, and how many had come before. */
  #countedSince = 0;
  #receivedBefore = 0;

  constructor(webSocket: WebSocket, socket: Duplex, address: string, limits: PeerLimits) {
    this.address = address;
    this.protocol = webSocket.protocol;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#limits = limits;
    // Before the first byte is read nobody listens yet, and `ws` reports what it cannot read.
    webSocket.on('error', () => {});
    webSocket.on('message', (data, isBinary) => {
      this.#heard();
      if (this.isOpen) this.#handler?.message(data as Buffer, isBinary);
    });
    webSocket.on('ping', () => this.#heard());
    webSocket.on('pong', () => this.#heard());
    webSocket.on('close', (code, reason) => this.#ended(code, reason.toString()));
  }

  /** To be called once, with what the peer does from now on. */
  handle(handler: PeerHandler): void {
    this.#handler = handler;
  }

  /** May something be written? Not any more once a side has begun to close. */
  get isOpen(): boolean {
    return !this.#closing && this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** Bytes that were written and that the system has not taken yet. */
  get pendingBytes(): number {
    return this.#pending;
  }

  /**
   * Writes whole messages as they are. The bytes must stay what they are until `taken` is called, once, also where the
   * connection breaks.
   */
  write(messages: Uint8Array, taken?: () => void): void {
    if (!this.isOpen) {
      taken?.();
      return;
    }
    const { length } = messages;
    this.#pending += length;
    this.bytes += length;
    this.#socket.write(messages, () => {
      this.#pending -= length;
      this.#writes += 1;
      taken?.();
      if (this.#pending === 0 && this.isOpen) this.#handler?.drained();
    });
  }

  sendText(text: string): void {
    this.write(textMessage(text));
  }

  /** Closes in order: what waits goes out first, for at most `closeMs`. */
  close(code: number, reason: string): void {
    if (this.#closing || this.#closed) return;
    this.#closing = true;
    this.#said = { code, reason };
    this.#webSocket.close(code, reason);
    // `ws` only waits for an answer once its close frame is out, which a client that takes nothing never lets it.
    setTimeout(() => this.terminate(), this.#limits.closeMs).unref();
  }

  /** Cuts the connection. */
  terminate(): void {
    this.#closing = true;
    if (!this.#closed) this.#webSocket.terminate();
  }

  /**
   * Closes a client that takes nothing. Call it several times in `writeMs`.
   * @param now ms of any clock that only goes forwards.
   */
  check(now: number): void {
    if (this.isOpen) this.#checkWriting(now);
  }

  #checkWriting(now: number): void {
    if (this.#pending === 0) {
      this.#stalledBytes = 0;
      return;
    }
    const queued = (this.#socket as QueueOwner)._handle?.writeQueueSize;
    const waiting = queued === undefined || queued === 0 ? this.#pending : queued;
    if (waiting !== this.#stalledBytes || this.#writes !== this.#stalledWrites) {
      this.#stalledBytes = waiting;
      this.#stalledWrites = this.#writes;
      this.#stalledSince = now;
      return;
    }
    const { writeMs } = this.#limits;
    if (now - this.#stalledSince >= writeMs) {
      this.close(CLOSE_SLOW, `slow client: nothing was taken for ${writeMs} ms`);
    }
  }

  /** Counts what the client says, and closes one that says too much in a second. */
  #heard(): void {
    const now = performance.now();
    if (now - this.#countedSince >= SECOND_MS) {
      this.#countedSince = now;
      this.#receivedBefore = this.received;
    }
    this.received += 1;
    const { messagesPerSecond } = this.#limits;
    if (this.received - this.#receivedBefore <= messagesPerSecond) return;
    this.close(CLOSE_POLICY, `more than ${messagesPerSecond} messages in a second`);
  }

  #ended(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing = true;
    this.#handler?.closed(this.#said?.code ?? code, this.#said?.reason ?? reason);
  }
}
