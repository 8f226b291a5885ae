import { MdxError } from '../../errors.ts';
import { EventBatch, type EventSink } from '../../event/batch.ts';
import {
  GAP_LOST,
  KIND_GAP,
  type KIND_RESET,
  type KIND_SESSION,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../../event/record.ts';
import { type ChannelEnd, type ChannelEnds, numberAt } from './channel-end.ts';
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

/** How an input goes on from a journal. */
export interface ResumeRules {
  /** Messages are numbered one by one in a channel and session, so that numbers tell what is known and what is missing. */
  readonly isNumbered: boolean;
  /** A message makes several events, so that a journal may end in the middle of one. */
  readonly hasParts: boolean;
  /** A new session empties books, or only numbers anew. */
  readonly sessionKind: typeof KIND_SESSION | typeof KIND_RESET;
  /** Id of the session that a channel of the input is in, null = none; undefined: the input does not say. */
  readonly sessionOf: (channel: number) => string | null | undefined;
}

/** How the events of a channel went on. */
export interface ChannelResumed {
  readonly channel: number;
  /**
   * `ahead`: the input ended in front of the journal's end. `same`: the input reached it. `hole`: messages between them did
   * not come. `session`: the input begins in a later session than the journal ends in.
   */
  readonly state: 'ahead' | 'same' | 'hole' | 'session';
  /** Events that were left out: the journal had them, or their session was over. */
  readonly skipped: number;
  /** Those whose session was over. */
  readonly old: number;
  /** Ahead and hole: messages between the ends; null where numbers do not tell. */
  readonly messages: number | null;
}

/** What a channel of the input is found to be while its events are left out. */
class Seeker {
  state: ChannelResumed['state'] = 'ahead';
  skipped = 0;
  old = 0;
  /** Of a hole. */
  missing: number | null = null;
  /** Message of the last event, and how many events of it came. */
  sequence = 0;
  events = 0;
  /** Events of messages that came. */
  readonly seen: EventWindow = new EventWindow();
  /** The journal's last event has come: what the transport said behind it may still have to be left out. */
  isFound = false;
  /** Everything passes. */
  passes = false;
  readonly end: ChannelEnd;

  constructor(end: ChannelEnd) {
    this.end = end;
  }

  /** Is the last event behind the journal's last one, by its number? */
  get order(): number {
    return this.sequence - this.end.sequence || this.events - this.end.events;
  }
}

/**
 * Lets through what a journal does not have. Per channel everything up to the journal's last event is left out:
 *
 * - Where both name the same session and number their messages, the number of a message and the place of the event in
 *   it tell.
 * - Else the events do, by what the venue sent: the journal's last event is found when it comes behind the same events
 *   as in the journal. An end that is not found so is passed with the first event of a later time.
 *
 * What is missing between the two is told as a gap, by its numbers where they are known.
 */
export class ResumeFilter implements EventSink {
  readonly #ends: ChannelEnds;
  readonly #rules: ResumeRules;
  readonly #sink: EventSink;
  readonly #seekers: Seeker[] = [];
  readonly #mark: Fingerprint = { first: 0, second: 0 };
  /** The channel with the journal's very last event went on so. */
  #wholeState: Seeker['state'];
  /** A hole of an unknown number of messages was found; and by channel that the journal does not have, was it told so? */
  #hasHole = false;
  readonly #newChannels: boolean[] = [];
  #out: EventBatch = new EventBatch();
  readonly #word: EventBatch = new EventBatch(1);

  constructor(ends: ChannelEnds, rules: ResumeRules, sink: EventSink) {
    this.#ends = ends;
    this.#rules = rules;
    this.#sink = sink;
    this.#wholeState = ends.last < 0 ? 'same' : 'ahead';
  }

  /** How each channel of the input went on that the journal has. */
  get channels(): readonly ChannelResumed[] {
    return this.#seekers.flatMap(({ state, skipped, old, missing, sequence, end }, channel) => {
      const ahead = this.#rules.isNumbered && sequence > 0 ? Math.max(0, end.sequence - sequence) : null;
      return { channel, state, skipped, old, messages: state === 'ahead' ? ahead : missing };
    });
  }

  /** Has the channel events that the journal does not have? */
  hasPassed(channel: number): boolean {
    return this.#seekers[channel]?.passes === true;
  }

  accept(batch: EventBatch): void {
    const { channel, count, words } = batch;
    const end = this.#ends.ends[channel];
    const seeker = this.#seekers[channel] ?? (end === undefined ? null : new Seeker(end));
    if (seeker === null) this.#passNew(batch);
    if (seeker === null || seeker.passes) {
      this.#sink.accept(batch);
      return;
    }
    this.#seekers[channel] = seeker;
    let record = 0;
    while (record < count && !this.#passes(seeker, batch, record * RECORD_WORDS)) {
      seeker.skipped += 1;
      record += recordsOf(words, record * RECORD_WORDS);
    }
    if (record === 0) this.#sink.accept(batch);
    else if (record < count) this.#sink.accept(this.#rest(batch, record));
  }

  /**
   * Channels that the journal does not have pass. A part of an input may number them otherwise than all of it does: where
   * numbers do not tell what is missing, it is missing on them as well.
   */
  #passNew(batch: EventBatch): void {
    this.#newChannels[batch.channel] ??= false;
    if (this.#hasHole && this.#newChannels[batch.channel] === false) this.#tellNew(batch, batch.channel);
  }

  #tellNew(batch: EventBatch, channel: number): void {
    this.#newChannels[channel] = true;
    this.#tell(batch, 0, channel, KIND_GAP, 0, 0);
  }

  /** Is the event at word `at` one that the journal does not have? From then on all of its channel are. */
  #passes(seeker: Seeker, batch: EventBatch, at: number): boolean {
    if (isOfTransport(batch.words, at)) {
      // Behind nothing of its own the journal's end is where the others find it.
      const isSilent = !this.#rules.isNumbered && seeker.end.window.count === 0;
      const isFound = isSilent ? this.#wholeState !== 'ahead' : seeker.isFound;
      if (!isFound || isKnownWord(seeker.end, batch.words, at)) return false;
    } else if (!seeker.isFound && !this.#isBehind(seeker, batch, at)) return false;
    seeker.passes = true;
    return true;
  }

  /** Is the event behind the journal's last one? Then what is missing in front of it has been told. */
  #isBehind(seeker: Seeker, batch: EventBatch, at: number): boolean {
    const { end } = seeker;
    const { isNumbered, sessionOf } = this.#rules;
    const sequence = sequenceOf(batch, at);
    if (isNumbered && sequence === 0) throw unnumbered(batch.channel);
    seeker.events = sequence === seeker.sequence ? seeker.events + 1 : 1;
    seeker.sequence = sequence;
    takeFingerprint(this.#mark, batch, at, this.#ends.withSequence);
    const session = sessionOf(batch.channel);
    if (isNumbered && session !== undefined && session === end.session) {
      return this.#isBehindNumber(seeker, batch, at);
    }
    seeker.seen.push(this.#mark);
    if (seeker.seen.endsLike(end.window)) {
      this.#settle(seeker, 'same');
      seeker.isFound = true;
      return false;
    }
    const isOther = typeof session === 'string' && typeof end.session === 'string';
    return isNumbered
      ? this.#isBehindSession(seeker, batch, at, isOther)
      : this.#isBehindTime(seeker, batch, at);
  }

  /** In the session that the journal ends in. */
  #isBehindNumber(seeker: Seeker, batch: EventBatch, at: number): boolean {
    const { end, order } = seeker;
    if (order > 0) {
      this.#goOn(seeker, batch, at);
      return true;
    }
    if (order === 0) {
      if (end.window.count > 0 && !end.window.is(this.#mark))
        throw otherMessage(batch.channel, seeker.sequence);
      this.#settle(seeker, 'same');
      seeker.isFound = true;
    }
    return false;
  }

  /** In a session that is another one, or may be. */
  #isBehindSession(seeker: Seeker, batch: EventBatch, at: number, isOther: boolean): boolean {
    const { end, order } = seeker;
    const later = venueSince(batch, at, end.venueHigh, end.venueLow);
    if (!isOther && order > 0 && (later > 0 || (later === 0 && !end.window.has(this.#mark)))) {
      this.#goOn(seeker, batch, at);
      return true;
    }
    if (later > 0 && (isOther || order <= 0)) {
      this.#settle(seeker, 'session');
      this.#tell(batch, at, batch.channel, this.#rules.sessionKind, seeker.sequence, 0);
      return true;
    }
    if (isOther || order > 0) seeker.old += 1;
    return false;
  }

  /** Where numbers say nothing of what is between. */
  #isBehindTime(seeker: Seeker, batch: EventBatch, at: number): boolean {
    const { end } = seeker;
    if (end.window.count === 0) {
      // Long silent in the journal: it goes on where the others do.
      if (this.#wholeState === 'ahead') return false;
      if (this.#wholeState === 'same') seeker.state = 'same';
      else this.#tellHole(seeker, batch, at, null);
      return true;
    }
    const isLater =
      venueSince(batch, at, end.venueHigh, end.venueLow) > 0 &&
      receiveSince(batch, at, end.receiveHigh, end.receiveLow) > 0;
    if (isLater) this.#tellHole(seeker, batch, at, null);
    return isLater;
  }

  /** The event is the first one behind the journal's: its number tells what is missing. */
  #goOn(seeker: Seeker, batch: EventBatch, at: number): void {
    const { end, sequence } = seeker;
    // A message that does not come again may be there in part only.
    const isPart = this.#rules.hasParts && sequence !== end.sequence && Number.isFinite(end.events);
    const missing = sequence - end.sequence - (isPart ? 0 : 1);
    // Of a session of which the journal has no message it does not know where it began either, unless it saw it begin.
    const isOpen = end.sequence === 0 && end.trailing.length === 0;
    if (missing > 0 && !isOpen) this.#tellHole(seeker, batch, at, missing);
    else this.#settle(seeker, 'same');
  }

  /** @param missing messages; null = not known. */
  #tellHole(seeker: Seeker, batch: EventBatch, at: number, missing: number | null): void {
    this.#settle(seeker, 'hole');
    seeker.missing = missing;
    const first = missing === null ? 0 : seeker.sequence - missing;
    this.#tell(batch, at, batch.channel, KIND_GAP, first, missing ?? 0);
    if (missing !== null) return;
    this.#hasHole = true;
    for (const [channel, isTold] of this.#newChannels.entries()) {
      if (isTold === false) this.#tellNew(batch, channel);
    }
  }

  #settle(seeker: Seeker, state: Seeker['state']): void {
    seeker.state = state;
    if (seeker.end.channel === this.#ends.last) this.#wholeState = state;
  }

  /** Writes an event about the transport in front of the one at word `at`, with its times. */
  #tell(batch: EventBatch, at: number, channel: number, kind: number, first: number, count: number): void {
    const word = this.#word;
    takeBases(word, batch);
    word.channel = channel;
    word.sequenceBase = first;
    word.count = 1;
    word.words.fill(0, 0, RECORD_WORDS);
    word.words[0] = kind;
    word.words[WORD_BOOK] = NO_BOOK;
    put(word.words, WORD_ID, first);
    put(word.words, WORD_QUANTITY, count);
    if (kind === KIND_GAP) word.words[WORD_PRICE] = GAP_LOST;
    word.words[WORD_VENUE_TIME] = batch.words[at + WORD_VENUE_TIME]!;
    word.words[WORD_RECEIVE_TIME] = batch.words[at + WORD_RECEIVE_TIME]!;
    this.#sink.accept(word);
  }

  /** The records of a batch from `record` on, in a batch of their own. */
  #rest(batch: EventBatch, record: number): EventBatch {
    if (this.#out.capacity < batch.capacity) this.#out = new EventBatch(batch.capacity);
    const out = this.#out;
    takeBases(out, batch);
    out.words.set(batch.words.subarray(record * RECORD_WORDS, batch.count * RECORD_WORDS));
    out.count = batch.count - record;
    return out;
  }
}

/** The transport says something behind the journal's last event: does the journal have that, too? */
function isKnownWord(end: ChannelEnd, words: Int32Array, at: number): boolean {
  const told = end.trailing.shift();
  if (told === undefined || told[0] !== (words[at]! & 255)) return false;
  if (told[0] !== KIND_GAP) return true;
  return told[1] === numberAt(words, at + WORD_ID) && told[2] === numberAt(words, at + WORD_QUANTITY);
}

function takeBases(into: EventBatch, batch: EventBatch): void {
  into.channel = batch.channel;
  into.sequenceBase = batch.sequenceBase;
  into.venueBaseHigh = batch.venueBaseHigh;
  into.venueBaseLow = batch.venueBaseLow;
  into.receiveBaseHigh = batch.receiveBaseHigh;
  into.receiveBaseLow = batch.receiveBaseLow;
}

function put(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = Math.floor(value / TWO_32);
}

function unnumbered(channel: number): MdxError {
  return new MdxError(
    'journal-history',
    `going on with a journal: messages of channel ${channel} have no numbers, so nothing tells which of them it has`,
    { hint: 'Write them to a new journal.' },
  );
}

function otherMessage(channel: number, sequence: number): MdxError {
  return new MdxError(
    'journal-history',
    `going on with a journal: message ${sequence} of channel ${channel} is another one in the input than in the journal`,
    { hint: 'The input is of another feed, line or day: write it to a new journal.' },
  );
}
