import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Endpoint } from '../../config/endpoint.ts';
import { MdxError } from '../../errors.ts';
import { openStreamSocket, type Waiting } from '../stream-socket.ts';
import {
  encodeGap,
  encodeHello,
  encodeMessage,
  HEARTBEAT_MS,
  type TellsGap,
  TYPE_GOODBYE,
  TYPE_HEARTBEAT,
  TYPE_METADATA,
  TYPE_RECORDS,
} from './layout.ts';

/** What was sent last is kept to be sent again: more than what may be on its way when a connection breaks. */
const KEPT_BYTES_MAX = 16 << 20;
/** Metadata go in pieces of this. */
const PIECE_BYTES = 65_536;
/** A connection that breaks so often without taking anything is given up. */
const FRUITLESS_MAX = 5;
const RETRY_MS = 50;

/** A message that was sent, or several with metadata, and the number of the record that is in it or behind it. */
interface Kept {
  readonly first: number;
  readonly message: Uint8Array;
  readonly isMetadata: boolean;
}

/**
 * The sending end of a source: says who it is, numbers its records on, says what it lost, and that it is there while it has
 * nothing to say. A connection that breaks is made again and goes on with what the other side may not have got.
 */
export class IngestSender {
  /** Records and bytes that were written, and connections that it took. */
  records = 0;
  bytes = 0;
  connections = 0;
  readonly #endpoint: Endpoint;
  readonly #source: string;
  readonly #note: string;
  readonly #waiting: Waiting;
  /** Metadata of what is kept first, as messages. */
  #metadata: Uint8Array | null = null;
  /** Number of the next record. */
  #next = 1;
  #kept: Kept[] = [];
  #keptBytes = 0;
  #socket: Socket | null = null;
  #isBroken = false;
  #fruitless = 0;
  readonly #heartbeat: NodeJS.Timeout;
  #isQuiet = false;

  constructor(endpoint: Endpoint, source: string, note: string, waiting: Waiting) {
    this.#endpoint = endpoint;
    this.#source = source;
    this.#note = note;
    this.#waiting = waiting;
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS / 2).unref();
  }

  /** Records with these metadata follow. @returns false: somebody asked to stop. */
  async begin(metadata: Uint8Array): Promise<boolean> {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < metadata.length; at += PIECE_BYTES) {
      pieces.push(encodeMessage(TYPE_METADATA, metadata.subarray(at, at + PIECE_BYTES)));
    }
    return this.#put({ first: this.#next, message: Buffer.concat(pieces), isMetadata: true });
  }

  /** Sends whole records, as many as a message holds. @returns false: somebody asked to stop. */
  async send(records: Uint8Array, count: number): Promise<boolean> {
    const message = encodeMessage(TYPE_RECORDS, records);
    this.#next += count;
    const isSent = await this.#put({ first: this.#next - count, message, isMetadata: false });
    if (isSent) this.records += count;
    return isSent;
  }

  /** Says that the next `count` records will not come. */
  async lose(count: number, { timeHigh, timeLow }: Pick<TellsGap, 'timeHigh' | 'timeLow'>): Promise<boolean> {
    const first = this.#next;
    this.#next += count;
    const message = encodeGap({ first, last: this.#next - 1, timeHigh, timeLow });
    return this.#put({ first, message, isMetadata: false });
  }

  /** Says goodbye, and waits until the other side has taken everything. */
  async finish(): Promise<void> {
    await this.#partWhole();
    clearInterval(this.#heartbeat);
  }

  /** Leaves without a word. */
  close(): void {
    clearInterval(this.#heartbeat);
    this.#socket?.destroy();
    this.#socket = null;
  }

  async #put(kept: Kept): Promise<boolean> {
    this.#kept.push(kept);
    this.#keptBytes += kept.message.length;
    while (this.#keptBytes > KEPT_BYTES_MAX && this.#kept.length > 1) {
      const { message, isMetadata } = this.#kept.shift()!;
      this.#keptBytes -= message.length;
      if (isMetadata) this.#metadata = message;
    }
    if (this.#isBroken || this.#socket === null) return this.#connect();
    await this.#write(kept.message);
    return this.#waiting.signal?.aborted !== true;
  }

  /** Connects and says again what the other side may not have. @returns false: somebody asked to stop. */
  async #connect(): Promise<boolean> {
    for (;;) {
      if (this.#fruitless > FRUITLESS_MAX) {
        throw new MdxError(
          'socket-unreachable',
          `sending to ${this.#endpoint.text}: the other side ends every connection`,
          { hint: 'What it found wrong stands on its side, in what it says and counts.' },
        );
      }
      if (this.#fruitless > 0) await pause(RETRY_MS * this.#fruitless);
      const socket = await openStreamSocket(this.#endpoint, this.#waiting, ['source']);
      if (socket === null) return false;
      this.#attach(socket);
      this.#fruitless += 1;
      this.connections += 1;
      const start = this.#kept[0]?.first ?? this.#next;
      const continues = this.connections > 1;
      await this.#write(encodeHello({ source: this.#source, start, continues, kinds: 0, note: this.#note }));
      if (this.#metadata !== null) await this.#write(this.#metadata);
      for (const { message } of this.#kept) await this.#write(message);
      if (!this.#isBroken) return true;
    }
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    this.#isBroken = false;
    socket.setNoDelay(true);
    const broken = (): void => {
      if (this.#socket === socket) this.#isBroken = true;
    };
    socket.on('error', broken);
    socket.on('end', broken);
    socket.on('close', broken);
    // Nobody says anything, but the end must be heard.
    socket.resume();
  }

  /** Writes, and waits while the other side is slow. A connection that breaks is seen by whoever writes next. */
  async #write(message: Uint8Array): Promise<void> {
    const socket = this.#socket!;
    if (this.#isBroken) return;
    this.#isQuiet = false;
    this.bytes += message.length;
    if (socket.write(message)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        socket.off('drain', go);
        socket.off('close', go);
        resolve();
      };
      socket.on('drain', go);
      socket.on('close', go);
    });
    // It took what was written.
    if (!this.#isBroken) this.#fruitless = 0;
  }

  #beat(): void {
    if (this.#isBroken || this.#socket === null) return;
    if (this.#isQuiet) this.#socket.write(encodeMessage(TYPE_HEARTBEAT));
    this.#isQuiet = true;
    // It lives: what breaks later is another trouble.
    this.#fruitless = 0;
  }

  /** Parts; where the connection breaks before that, what was on its way is sent again. @returns false: asked to stop. */
  async #partWhole(): Promise<boolean> {
    while (!(await this.#part())) if (!(await this.#connect())) return false;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#fruitless = 0;
    return true;
  }

  /** @returns false: the connection broke before the other side had taken everything. */
  async #part(): Promise<boolean> {
    const socket = this.#socket;
    if (socket === null) return true;
    if (this.#isBroken) return false;
    this.#socket = null;
    let isFailed = false;
    socket.once('error', () => {
      isFailed = true;
    });
    // The other side reads the goodbye, and ends the connection.
    const parted = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.once('end', () => socket.destroy());
    socket.end(encodeMessage(TYPE_GOODBYE));
    await parted;
    return !isFailed;
  }
}
