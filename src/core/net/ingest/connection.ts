import type { Socket } from 'node:net';
import { MessageCutter, type TakeMessage } from './cutter.ts';
import {
  decodeGap,
  decodeHello,
  TYPE_GAP,
  TYPE_GOODBYE,
  TYPE_HEARTBEAT,
  TYPE_HELLO,
  TYPE_METADATA,
  TYPE_RECORDS,
} from './layout.ts';
import type { Ending, IngestCounts, IngestLimits, IngestSink } from './sink.ts';

/** One connection of a sender: the bytes that were read of it, and what it may say next. */
export class Connection {
  readonly number: number;
  readonly socket: Socket;
  /** Bytes that were read and not taken yet. */
  held = 0;
  /** Nothing more is read until what is held was taken. */
  isPaused = false;
  /** Who it is is known. */
  isKnown = false;
  /** How it ended; null while it goes on. What it had sent before is still taken, unless it was cut. */
  ending: Ending | null = null;
  /** The sink knows that it ended. */
  isOver = false;
  /** Looks that it has been a stranger for, and those since it said anything. */
  looks = 0;
  quietLooks = 0;
  readonly #counts: IngestCounts;
  readonly #limits: IngestLimits;
  readonly #cutter: MessageCutter;
  readonly #take: TakeMessage;
  #metadataBytes = 0;
  #sink: IngestSink | null = null;

  constructor(number: number, socket: Socket, limits: IngestLimits, counts: IngestCounts) {
    this.number = number;
    this.socket = socket;
    this.#limits = limits;
    this.#counts = counts;
    this.#cutter = new MessageCutter(limits.messageBytes);
    this.#take = (type, bytes, from, to) => this.#message(type, bytes, from, to);
  }

  /** What it sent behind is not looked at. */
  get isCut(): boolean {
    return this.ending !== null && this.ending !== 'broken';
  }

  /** Bytes of it were read, and wait. */
  note(bytes: number): void {
    this.quietLooks = 0;
    this.held += bytes;
    this.#counts.held += bytes;
  }

  /** Hands over what was read next. */
  handOver(bytes: Uint8Array, from: number, to: number, sink: IngestSink): void {
    this.held -= to - from;
    this.#counts.held -= to - from;
    this.#counts.taken += to - from;
    this.#sink = sink;
    this.#cutter.push(bytes, from, to, this.#take);
    if (this.#cutter.problem !== null) this.cut(this.#cutter.problem);
  }

  /** Ends it here: what it sent behind is not looked at. */
  cut(ending: Ending): void {
    if (this.isCut) return;
    this.ending = ending;
    this.#counts.held -= this.held;
    this.held = 0;
    this.socket.destroy();
  }

  #message(type: number, bytes: Uint8Array, from: number, to: number): boolean {
    this.#counts.messages += 1;
    const sink = this.#sink!;
    if (!this.isKnown || type === TYPE_HELLO) this.#hello(sink, type, bytes, from, to);
    else if (type === TYPE_RECORDS) {
      this.#metadataBytes = 0;
      sink.records(this.number, bytes, from, to);
    } else if (type === TYPE_HEARTBEAT) this.#counts.heartbeats += 1;
    else if (type === TYPE_GAP) {
      const gap = decodeGap(bytes.subarray(from, to));
      if (gap === null) this.cut('gap');
      else sink.gap(this.number, gap);
    } else if (type === TYPE_METADATA) {
      this.#metadataBytes += to - from;
      if (this.#metadataBytes > this.#limits.bufferedBytes) this.cut('metadata');
      else sink.metadata(this.number, bytes, from, to);
    } else this.cut(type === TYPE_GOODBYE ? 'goodbye' : 'type');
    return !this.isCut;
  }

  #hello(sink: IngestSink, type: number, bytes: Uint8Array, from: number, to: number): void {
    if (this.isKnown || type !== TYPE_HELLO) {
      this.cut('identity');
      return;
    }
    const hello = decodeHello(bytes.subarray(from, to));
    if (typeof hello === 'string') {
      this.cut('hello');
      return;
    }
    this.isKnown = true;
    sink.hello(this.number, hello);
  }
}
