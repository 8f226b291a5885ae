import type { EventBatch } from '../event/batch.ts';
import { KIND_EXTENSION, RECORD_WORDS } from '../event/record.ts';
import type { ChannelPlace } from './image-payload.ts';

const U16_MAX = 0xffff;

/**
 * Which event of its message an event is: known for the last one of every channel, and counted from there where somebody
 * asks. Events of messages without numbers are always the first.
 */
export class MessagePlaces {
  /** The last message of every channel, and how many events it had so far. */
  readonly #sequence: number[] = [];
  readonly #events: number[] = [];

  /** Goes on where the events of a channel stand; what came here is known better. */
  goOn({ channel, lastSequence, lastEvents }: ChannelPlace): void {
    if (this.#sequence[channel] !== undefined || lastSequence === 0) return;
    this.#sequence[channel] = lastSequence;
    this.#events[channel] = lastEvents;
  }

  /** The same place with the last message of its events. */
  standing(place: ChannelPlace): ChannelPlace {
    const { channel } = place;
    const lastSequence = this.#sequence[channel];
    return lastSequence === undefined
      ? place
      : { ...place, lastSequence, lastEvents: Math.min(this.#events[channel]!, U16_MAX) };
  }

  /** Place of the event at word `at`, from 0. @param first word of those that are not noted yet. */
  placeOf({ words, channel, sequenceBase }: EventBatch, at: number, first: number): number {
    if (sequenceBase === 0) return 0;
    const message = words[at]! >>> 16;
    const before = this.#sequence[channel] === sequenceBase + message ? this.#events[channel]! : 0;
    return Math.min(eventsBefore(words, at, first, message, before), U16_MAX);
  }

  /** Takes note of the events from word `first` to word `end`, of which there is at least one. */
  note(batch: EventBatch, first: number, end: number): void {
    const { words, channel, sequenceBase } = batch;
    let last = end - RECORD_WORDS;
    if ((words[last]! & 255) === KIND_EXTENSION) last -= RECORD_WORDS;
    this.#events[channel] = sequenceBase === 0 ? 0 : this.placeOf(batch, last, first) + 1;
    this.#sequence[channel] = sequenceBase === 0 ? 0 : sequenceBase + (words[last]! >>> 16);
  }
}

/** Events of one message in front of word `at`, with those `before` the word `first` if all are of it. */
function eventsBefore(words: Int32Array, at: number, first: number, message: number, before: number): number {
  let events = 0;
  for (let word = at - RECORD_WORDS; word >= first; word -= RECORD_WORDS) {
    if ((words[word]! & 255) === KIND_EXTENSION) continue;
    if (words[word]! >>> 16 !== message) return events;
    events += 1;
  }
  return events + before;
}
