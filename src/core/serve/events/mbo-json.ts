import { Literal } from '../../binary/text-writer.ts';
import { EVENT_KINDS } from '../../publish/events/kinds.ts';
import type { EventDesk } from './event-maker.ts';
import { BodyStart, type EventWriter } from './event-writer.ts';
import { HeldRecord } from './held-record.ts';

const MBO: number = EVENT_KINDS.indexOf('mbo');
const BODY_BYTES = 320;
const SIZE: Literal = new Literal('","size":');
const ORDER: Literal = new Literal(',"order_id":"');
const END: Literal = new Literal('}');
/** Low bits of a letter, by which it is told from the others. */
const LETTER_BITS = 5;
const LETTER: number = (1 << LETTER_BITS) - 1;
const STARTS: number = 1 << (2 * LETTER_BITS);
const FLAGS = 256;

/** Records of the schema mbo as DBN's own JSON. */
export class MboJson extends HeldRecord {
  readonly #writer: EventWriter;
  /** From the body's begin to the digits of the price, by action and side. */
  readonly #starts: (BodyStart | undefined)[] = new Array<undefined>(STARTS).fill(undefined);
  /** From the digits of the order's id to those of the sequence, by channel and flags. */
  readonly #marks: (Literal | undefined)[][] = [];

  constructor(writer: EventWriter, desk: EventDesk) {
    super(desk, Number.MAX_SAFE_INTEGER);
    this.#writer = writer;
  }

  protected write(last: boolean): void {
    const writer = this.#writer;
    const { text } = writer;
    writer.begin(this.topic, MBO, BODY_BYTES, this.#start().of(last));
    text.signed(this.priceHigh, this.priceLow);
    text.literal(SIZE);
    text.integer(this.quantity);
    text.literal(ORDER);
    text.unsigned(this.idHigh, this.idLow);
    text.literal(this.#mark(this.flags));
    text.integer(this.sequence);
    text.literal(END);
    writer.end();
  }

  #start(): BodyStart {
    const letters = ((this.action & LETTER) << LETTER_BITS) | (this.side & LETTER);
    const known = this.#starts[letters];
    if (known !== undefined) return known;
    const [action, side] = [this.action, this.side].map((code) => String.fromCharCode(code));
    const made = new BodyStart(`{"action":"${action}","side":"${side}","price":"`);
    this.#starts[letters] = made;
    return made;
  }

  #mark(flags: number): Literal {
    const known = this.#marks[this.channel]?.[flags];
    if (known !== undefined) return known;
    const made = new Literal(`","flags":${flags},"channel_id":${this.channel},"sequence":`);
    while (this.#marks.length <= this.channel) this.#marks.push(new Array<undefined>(FLAGS).fill(undefined));
    this.#marks[this.channel]![flags] = made;
    return made;
  }
}
