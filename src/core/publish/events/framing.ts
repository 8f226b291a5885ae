import type { ClientView } from '../client-view.ts';
import { headerBytes, OPCODE_TEXT, textMessage, writeHeader } from '../websocket/framing.ts';

/** How events and other messages are put into the bytes that a client gets. */
export interface EventFraming {
  /** Those of one name write the same. Absent: it is the only one. */
  readonly name?: string;
  readonly protocol: ClientView['protocol'];
  /** Most events of a frame. */
  readonly eventsMax: number;
  /** Are neighbours sent as they stand? Else each event is a piece of its own. */
  readonly joins: boolean;
  /** Bytes that so many events of so many bytes need at most. */
  room(bytes: number, events: number): number;
  /** Writes events and answers where they end. */
  write(out: Buffer, at: number, pieces: Pieces): number;
  /** Any other message. */
  control(type: string, data: object): Buffer;
}

/** Events that were chosen: stretches of bytes, each event with a comma at its end. */
export class Pieces {
  readonly sources: Uint8Array[] = [];
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  count = 0;
  events = 0;
  bytes = 0;
  /** With the last one, the client has all events with its number that it wants. */
  isWhole = true;
  /** What there was when the number at hand began. */
  #count = 0;
  #events = 0;
  #bytes = 0;
  #end = 0;

  constructor(eventsMax: number) {
    this.starts = new Int32Array(eventsMax);
    this.ends = new Int32Array(eventsMax);
  }

  begin(): void {
    this.count = 0;
    this.events = 0;
    this.bytes = 0;
    this.isWhole = true;
    this.mark();
  }

  /** Holds no bytes any more. */
  clear(): void {
    this.begin();
    this.sources.length = 0;
  }

  add(source: Uint8Array, start: number, end: number, joins: boolean): void {
    const last = this.count - 1;
    if (joins && last >= 0 && this.ends[last] === start && this.sources[last] === source)
      this.ends[last] = end;
    else {
      this.sources[this.count] = source;
      this.starts[this.count] = start;
      this.ends[this.count] = end;
      this.count += 1;
    }
    this.events += 1;
    this.bytes += end - start;
  }

  /** Events with another number follow. */
  mark(): void {
    this.#count = this.count;
    this.#events = this.events;
    this.#bytes = this.bytes;
    if (this.count > 0) this.#end = this.ends[this.count - 1]!;
  }

  /** Takes back what has been added since `mark`. */
  takeBack(): void {
    this.count = this.#count;
    this.events = this.#events;
    this.bytes = this.#bytes;
    if (this.count > 0) this.ends[this.count - 1] = this.#end;
  }
}

/** `,"timestamp":"…"}` of a moment, made once in a millisecond. */
export class TimeText {
  #ms = 0;
  #bytes: Buffer = Buffer.alloc(0);

  now(): Buffer {
    const ms = Date.now();
    if (ms !== this.#ms) {
      this.#ms = ms;
      this.#bytes = Buffer.from(`,"timestamp":"${new Date(ms).toISOString()}"}`);
    }
    return this.#bytes;
  }
}

const EVENT: Buffer = Buffer.from('{"type":"event","data":');
const BATCH: Buffer = Buffer.from('{"type":"batch","data":[');
const BRACKET = 93;
const AROUND_BYTES_MAX = 96;

/** Text messages of a WebSocket: one event as `event`, more as `batch`. */
export class WebSocketFraming implements EventFraming {
  readonly name = 'ws';
  readonly protocol = 'events';
  readonly eventsMax: number;
  readonly joins = true;
  readonly control: EventFraming['control'] = controlText;
  readonly #time: TimeText = new TimeText();

  constructor(eventsMax: number) {
    this.eventsMax = eventsMax;
  }

  room(bytes: number): number {
    return bytes + AROUND_BYTES_MAX;
  }

  write(out: Buffer, at: number, pieces: Pieces): number {
    const isOne = pieces.events === 1;
    const head = isOne ? EVENT : BATCH;
    const time = this.#time.now();
    // Without the last comma.
    const length = head.length + pieces.bytes - 1 + (isOne ? 0 : 1) + time.length;
    let to = writeHeader(out, at, OPCODE_TEXT, length);
    out.set(head, to);
    to = copyPieces(out, to + head.length, pieces) - 1;
    if (!isOne) {
      out[to] = BRACKET;
      to += 1;
    }
    out.set(time, to);
    return at + headerBytes(length) + length;
  }
}

/** What is no event, as a text message. */
export function controlText(type: string, data: object): Buffer {
  return textMessage(JSON.stringify({ type, data, timestamp: new Date().toISOString() }));
}

function copyPieces(out: Buffer, at: number, { sources, starts, ends, count }: Pieces): number {
  let to = at;
  for (let piece = 0; piece < count; piece += 1) {
    const part = sources[piece]!.subarray(starts[piece]!, ends[piece]!);
    out.set(part, to);
    to += part.length;
  }
  return to;
}
