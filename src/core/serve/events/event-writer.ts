import { Literal, TextWriter } from '../../binary/text-writer.ts';
import type { EventBatch } from '../../event/batch.ts';
import { FLAG_LAST, WORD_RECEIVE_TIME, WORD_VENUE_TIME } from '../../event/record.ts';
import { HEAD } from '../../publish/events/event-log.ts';
import { EVENT_KINDS } from '../../publish/events/kinds.ts';
import type { Topics } from '../../publish/events/topics.ts';

const TWO_32 = 4294967296;
const BUFFER_BYTES = 4096;
/** What an event needs beside its head and its body. */
const AROUND_BYTES = 256;
const START: Literal = new Literal(HEAD);
const RECEIVED: Literal = new Literal('","ts_recv":"');
const NOT_RECEIVED: Literal = new Literal('","ts_recv":null,"last":');
const TRUE_BODY: Literal = new Literal('true,"body":');
const FALSE_BODY: Literal = new Literal('false,"body":');
const LAST: Literal = new Literal('","last":');
const END: Literal = new Literal('},');
const EMPTY = new Uint8Array(0);

/** Number and times of an event, in front of what it says. */
export class EventHead {
  seq = 0;
  last = false;
  venueHigh = 0;
  venueLow = 0;
  receiveHigh = 0;
  receiveLow = 0;

  get isTimed(): boolean {
    return (this.receiveHigh | this.receiveLow) !== 0;
  }

  read(batch: EventBatch, at: number, seq: number): void {
    const { words } = batch;
    this.seq = seq;
    this.last = (words[at]! & (FLAG_LAST << 8)) !== 0;
    const venue = (batch.venueBaseLow >>> 0) + words[at + WORD_VENUE_TIME]!;
    this.venueHigh = batch.venueBaseHigh + Math.floor(venue / TWO_32);
    this.venueLow = venue | 0;
    const receive = (batch.receiveBaseLow >>> 0) + (words[at + WORD_RECEIVE_TIME]! >>> 0);
    this.receiveHigh = batch.receiveBaseHigh + Math.floor(receive / TWO_32);
    this.receiveLow = receive | 0;
  }
}

/** Writes one event after another as an element of a batch, its comma included. */
export class EventWriter {
  readonly text: TextWriter = new TextWriter(BUFFER_BYTES);
  readonly head: EventHead = new EventHead();
  readonly #topics: Topics;
  /** By topic and kind: from the number to the first time. */
  #heads: (Literal | undefined)[] = [];

  constructor(topics: Topics) {
    this.#topics = topics;
  }

  /** Topics are no longer what they were. */
  forget(): void {
    this.#heads = [];
  }

  /** Begins an event; what comes next is its body. @param bodyBytes what that needs at most. */
  begin(topic: number, kind: number, bodyBytes: number, last: boolean): void {
    const { text, head } = this;
    const literal = this.#heads[topic * EVENT_KINDS.length + kind] ?? this.#make(topic, kind);
    const room = literal.length + bodyBytes + AROUND_BYTES;
    text.used = 0;
    if (!text.hasRoom(room)) text.grow(room);
    text.literal(START);
    text.integer(head.seq);
    text.literal(literal);
    text.time(head.venueHigh, head.venueLow);
    if (head.isTimed) {
      text.literal(RECEIVED);
      text.time(head.receiveHigh, head.receiveLow);
      text.literal(LAST);
    } else text.literal(NOT_RECEIVED);
    text.literal(last ? TRUE_BODY : FALSE_BODY);
  }

  /** Ends it and answers its bytes, which stay what they are until the next one begins. */
  end(): Uint8Array {
    const { text } = this;
    text.literal(END);
    return text.used === 0 ? EMPTY : text.bytes.subarray(0, text.used);
  }

  /** A whole event whose body is a document. */
  document(topic: number, kind: number, body: object, last: boolean): Uint8Array {
    const literal = new Literal(JSON.stringify(body));
    this.begin(topic, kind, literal.length, last);
    this.text.literal(literal);
    return this.end();
  }

  #make(topic: number, kind: number): Literal {
    const { source, instrument, symbol, book } = this.#topics.list[topic]!;
    const isSafe = instrument !== null && instrument <= BigInt(Number.MAX_SAFE_INTEGER);
    const number = isSafe ? String(instrument) : `"${instrument}"`;
    const about =
      book === null
        ? ''
        : `,"instrument":${number}${symbol === null ? '' : `,"symbol":${JSON.stringify(symbol)}`}`;
    const made = new Literal(
      `","source":${JSON.stringify(source)}${about},"kind":"${EVENT_KINDS[kind]!}","ts_event":"`,
    );
    this.#heads[topic * EVENT_KINDS.length + kind] = made;
    return made;
  }
}
