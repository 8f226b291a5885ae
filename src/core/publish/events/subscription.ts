import { type EventFilter, maskOf } from './filter.ts';
import { kindOf, topicOf } from './kinds.ts';
import type { Topics } from './topics.ts';

export interface SubscriptionOptions {
  /** Name that the client gave it, null = it has none. */
  readonly sub: string | null;
  readonly filter: EventFilter;
  /** Wants the books in front of what changes them, at the start and after a loss. */
  readonly snapshot: boolean;
  /** Sends only the latest of each instrument, every so often; 0 = everything. */
  readonly conflateMs: number;
}

const TOPICS_AT_START = 64;
const UNKNOWN = -1;

/** What a client has asked for, as a table by topic. */
export class Subscription {
  readonly options: SubscriptionOptions;
  /** Cursor from which on it counts. */
  from: number;
  skipped = 0;
  /** Conflated events that wait, by topic and kind, the latest of each; the oldest first. */
  readonly latest: Map<number, Buffer> = new Map();
  readonly #topics: Topics;
  #masks: Int32Array = new Int32Array(TOPICS_AT_START).fill(UNKNOWN);
  #version: number;

  constructor(options: SubscriptionOptions, topics: Topics, from: number) {
    this.options = options;
    this.from = from;
    this.#topics = topics;
    this.#version = topics.version;
  }

  wants(tag: number): boolean {
    return ((this.mask(topicOf(tag)) >> kindOf(tag)) & 1) !== 0;
  }

  /** Bits of the kinds that it takes of a topic. */
  mask(topic: number): number {
    if (topic < this.#masks.length && this.#version === this.#topics.version) {
      const known = this.#masks[topic]!;
      if (known !== UNKNOWN) return known;
    }
    return this.#decide(topic);
  }

  #decide(topic: number): number {
    if (this.#version !== this.#topics.version) {
      this.#version = this.#topics.version;
      this.#masks.fill(UNKNOWN);
    }
    if (topic >= this.#masks.length) {
      const grown = new Int32Array(Math.max(topic + 1, this.#masks.length * 2)).fill(UNKNOWN);
      grown.set(this.#masks);
      this.#masks = grown;
    }
    const mask = maskOf(this.options.filter, this.#topics.list[topic]!);
    this.#masks[topic] = mask;
    return mask;
  }

  /** Keeps an event as the latest of its kind. @param text the element with its comma. */
  keep(tag: number, text: Buffer): void {
    const key = topicOf(tag) * 16 + kindOf(tag);
    this.latest.delete(key);
    this.latest.set(key, Buffer.from(text));
  }
}
