import { Literal, SLACK_BYTES, TextWriter } from '../../binary/text-writer.ts';
import type { EventBatch } from '../../event/batch.ts';
import { FLAG_LAST, WORD_RECEIVE_TIME, WORD_VENUE_TIME } from '../../event/record.ts';
import { HEAD } from '../../publish/events/event-form.ts';
import type { EventMemory } from '../../publish/events/event-log.ts';
import { EVENT_KINDS } from '../../publish/events/kinds.ts';
import type { Topics } from '../../publish/events/topics.ts';

const TWO_32 = 4294967296;
/** What an event needs beside its head and its body. */
const AROUND_BYTES = 256;
export const START: Literal = new Literal(HEAD);
export const RECEIVED: Literal = new Literal('","ts_recv":"');
const NOT_RECEIVED: Literal = new Literal('","ts_recv":null,"last":');
const LAST: Literal = new Literal('","last":');
const END: Literal = new Literal('},');

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
    this.venueHigh = batch.venueBaseHigh + (venue >= TWO_32 ? 1 : venue < 0 ? -1 : 0);
    this.venueLow = venue | 0;
    const receive = (batch.receiveBaseLow >>> 0) + (words[at + WORD_RECEIVE_TIME]! >>> 0);
    this.receiveHigh = batch.receiveBaseHigh + (receive >= TWO_32 ? 1 : 0);
    this.receiveLow = receive | 0;
  }
}

/** How a body begins, behind an event that ends a group and behind one that does not. */
export class BodyStart {
  readonly #last: Literal;
  readonly #other: Literal;

  constructor(text: string) {
    this.#last = new Literal(`true,"body":${text}`);
    this.#other = new Literal(`false,"body":${text}`);
  }

  of(last: boolean): Literal {
    return last ? this.#last : this.#other;
  }
}

const BODY: BodyStart = new BodyStart('');

/** Writes one event after another as an element of a batch, its comma included, to where it stays. */
export class EventWriter {
  readonly text: TextWriter = new TextWriter(0);
  readonly head: EventHead;
  readonly memory: EventMemory;
  /** Moves when heads are no longer what they were. */
  version = 0;
  readonly #topics: Topics;
  /** By topic and kind: from the number to the first time. */
  #heads: (Literal | undefined)[] = [];
  #topic = 0;
  #kind = 0;
  #start = 0;

  constructor(memory: EventMemory, topics: Topics, head: EventHead) {
    this.head = head;
    this.memory = memory;
    this.#topics = topics;
  }

  /** Topics are no longer what they were. */
  forget(): void {
    this.version += 1;
    this.#heads = [];
  }

  /** What stands between the number and the first time of events of a topic and kind. */
  headOf(topic: number, kind: number): Literal {
    return this.#heads[topic * EVENT_KINDS.length + kind] ?? this.#make(topic, kind);
  }

  /** Begins an event; what comes next is the rest of its body. @param bodyBytes what that needs at most. */
  begin(topic: number, kind: number, bodyBytes: number, body: Literal): void {
    const { text, head } = this;
    const memory = this.memory;
    const literal = this.headOf(topic, kind);
    this.#start = memory.reserve(literal.length + body.length + bodyBytes + AROUND_BYTES + SLACK_BYTES);
    this.#topic = topic;
    this.#kind = kind;
    text.aim(memory.buffer, memory.view, this.#start);
    text.literal(START);
    text.integer(head.seq);
    text.literal(literal);
    text.time(head.venueHigh, head.venueLow);
    if (head.isTimed) {
      text.literal(RECEIVED);
      text.time(head.receiveHigh, head.receiveLow);
      text.literal(LAST);
    } else text.literal(NOT_RECEIVED);
    text.literal(body);
  }

  /** Ends an event whose body is complete. */
  end(): void {
    const { text } = this;
    text.literal(END);
    this.memory.commit(text.used - this.#start, this.head.seq, this.#topic, this.#kind);
  }

  /** A whole event whose body is a document: for what comes seldom. */
  document(topic: number, kind: number, body: object): void {
    const literal = new Literal(JSON.stringify(body));
    this.begin(topic, kind, literal.length, BODY.of(this.head.last));
    this.text.literal(literal);
    this.end();
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
