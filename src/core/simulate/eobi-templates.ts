import { bigHigh, bigLow } from '../binary/time.ts';
import { RELEASES, type Release } from '../feeds/eobi/layout.ts';
import { OutgoingMessage } from '../feeds/eobi/outgoing-message.ts';
import type { EobiBooks } from './eobi-books.ts';
import { UnixTime } from './unix-time.ts';

/** What is simulated. */
export const RELEASE: Release = RELEASES['14.1'];
/** SecurityTradingStatus: continuous. */
export const CONTINUOUS = 203;

/** A message, and where its fields of a 64-bit integer are. */
export class Template {
  readonly message: OutgoingMessage;
  readonly #offsets: Map<string, number> = new Map();

  constructor(templateId: number) {
    this.message = new OutgoingMessage(RELEASE, templateId);
  }

  integer(name: string, value: bigint): void {
    this.message.put64(this.#at(name), bigHigh(value), bigLow(value));
  }

  halves(name: string, high: number, low: number): void {
    this.message.put64(this.#at(name), high, low);
  }

  byte(name: string, value: number): void {
    this.message.put8(this.#at(name), value);
  }

  word(name: string, value: number): void {
    this.message.put32(this.#at(name), value);
  }

  short(name: string, value: number): void {
    this.message.put16(this.#at(name), value);
  }

  #at(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.message.at(name);
    this.#offsets.set(name, offset);
    return offset;
  }
}

/** Messages to be filled in, one per type, and the time of what they are about. */
export class EobiTemplates {
  readonly #templates: Map<number, Template> = new Map();
  readonly #books: EobiBooks;
  readonly #time: UnixTime;

  /** @param midnight ns since 1970 of the midnight that times count from. */
  constructor(books: EobiBooks, midnight: bigint) {
    this.#books = books;
    this.#time = new UnixTime(midnight);
  }

  /** The message of a type, about an instrument (−1 = none) at a time, ns since midnight. */
  begin(templateId: number, instrument: number, time: number): Template {
    let template = this.#templates.get(templateId);
    if (template === undefined) {
      template = new Template(templateId);
      this.#templates.set(templateId, template);
    }
    this.#time.set(time);
    if (instrument >= 0) template.integer('SecurityID', this.#books.instrument(instrument));
    return template;
  }

  /** Puts the time that the message began with into one of its fields. */
  stamp(template: Template, name: string): void {
    template.halves(name, this.#time.high, this.#time.low);
  }
}
