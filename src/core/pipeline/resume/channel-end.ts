import type { EventBatch, EventSink } from '../../event/batch.ts';
import {
  KIND_GAP,
  RECORD_WORDS,
  WORD_ID,
  WORD_QUANTITY,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../../event/record.ts';
import type { ChannelPlace } from '../../journal/image-payload.ts';
import { EventWindow } from './event-window.ts';
import {
  type Fingerprint,
  isOfTransport,
  receiveSince,
  recordsOf,
  sequenceOf,
  takeFingerprint,
  venueSince,
} from './fingerprint.ts';

const TWO_32 = 4294967296;
/** A message that was told as lost has no further events. */
const ALL_EVENTS = Number.POSITIVE_INFINITY;

/** Where the events of a channel end. */
export class ChannelEnd {
  readonly channel: number;
  /** Id of the session, null = none, or not told; undefined: another one has begun, and its id is not known. */
  session: string | null | undefined;
  /** Message of the last event, 0 = none, and how many events of it there were. */
  sequence: number;
  events: number;
  /** The last events that messages made. */
  readonly window: EventWindow = new EventWindow();
  /** What the transport said behind the last of them, in order: kind, first number, count. */
  trailing: (readonly [kind: number, first: number, count: number])[] = [];
  /** Transport number that comes next; 0 = not known. */
  nextTransport = 0;
  /** Latest venue and receive times, ns as halves. */
  venueHigh = 0;
  venueLow = 0;
  receiveHigh = 0;
  receiveLow = 0;

  constructor(channel: number) {
    this.channel = channel;
    this.session = null;
    this.sequence = 0;
    this.events = 0;
  }

  /** Takes what an image or a checkpoint says of the channel; what its events have said is more. */
  take({ session, lastSequence, lastEvents, nextTransport }: ChannelPlace): void {
    this.session = session;
    this.nextTransport = nextTransport;
    if (this.window.count > 0) return;
    this.sequence = lastSequence;
    this.events = lastEvents;
  }

  /** Takes the event at word `at`. @param withSequence as fingerprints are taken. */
  note(batch: EventBatch, at: number, mark: Fingerprint, withSequence: boolean): void {
    this.nextTransport = 0;
    if (isOfTransport(batch.words, at)) {
      this.#noteTransport(batch, at);
      return;
    }
    const sequence = sequenceOf(batch, at);
    this.events = sequence === this.sequence && sequence !== 0 ? this.events + 1 : 1;
    this.sequence = sequence;
    takeFingerprint(mark, batch, at, withSequence);
    this.window.push(mark);
    this.trailing.length = 0;
    const venue = venueSince(batch, at, this.venueHigh, this.venueLow);
    if (venue > 0 || this.window.count === 1) {
      const low = (batch.venueBaseLow >>> 0) + batch.words[at + WORD_VENUE_TIME]!;
      this.venueLow = low | 0;
      this.venueHigh = batch.venueBaseHigh + Math.floor(low / TWO_32);
    }
    if (receiveSince(batch, at, this.receiveHigh, this.receiveLow) > 0 || this.window.count === 1) {
      const low = (batch.receiveBaseLow >>> 0) + (batch.words[at + WORD_RECEIVE_TIME]! >>> 0);
      this.receiveLow = low | 0;
      this.receiveHigh = batch.receiveBaseHigh + Math.floor(low / TWO_32);
    }
  }

  #noteTransport({ words }: EventBatch, at: number): void {
    const kind = words[at]! & 255;
    const first = numberAt(words, at + WORD_ID);
    const count = numberAt(words, at + WORD_QUANTITY);
    this.trailing.push([kind, first, count]);
    if (kind !== KIND_GAP) {
      this.session = undefined;
      this.sequence = 0;
      this.events = 0;
    } else if (first + count - 1 > this.sequence) {
      this.sequence = first + count - 1;
      this.events = ALL_EVENTS;
    }
  }
}

/** Follows events to where each of their channels ends. */
export class ChannelEnds implements EventSink {
  /** By channel. */
  readonly ends: ChannelEnd[] = [];
  /** The channel of the last event that a message made; −1 = there was none. */
  last = -1;
  /** An event had no message number. */
  hasUnnumbered = false;
  /** As fingerprints are taken. */
  readonly withSequence: boolean;
  readonly #mark: Fingerprint = { first: 0, second: 0 };

  constructor(withSequence: boolean) {
    this.withSequence = withSequence;
  }

  of(channel: number): ChannelEnd {
    this.ends[channel] ??= new ChannelEnd(channel);
    return this.ends[channel];
  }

  accept(batch: EventBatch): void {
    const { words, count, channel } = batch;
    const end = this.of(channel);
    for (let record = 0; record < count; ) {
      const at = record * RECORD_WORDS;
      end.note(batch, at, this.#mark, this.withSequence);
      if (!isOfTransport(words, at)) {
        this.last = channel;
        if (batch.sequenceBase === 0) this.hasUnnumbered = true;
      }
      record += recordsOf(words, at);
    }
  }
}

/** The unsigned 64 bits at a word; a safe integer, or near it. */
export function numberAt(words: Int32Array, at: number): number {
  return words[at + 1]! * TWO_32 + (words[at]! >>> 0);
}
