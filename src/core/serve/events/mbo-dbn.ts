import { toBigUint } from '../../binary/time.ts';
import type { DbnInstruments } from '../../convert/dbn-instruments.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { MBO_BYTES } from '../../feeds/dbn/layout.ts';
import { MboRecord, writeMbo } from '../../feeds/dbn/mbo.ts';
import { NUMBER_BYTES, putNumber } from '../../publish/events/dbn-form.ts';
import type { EventMemory } from '../../publish/events/event-log.ts';
import { EVENT_KINDS } from '../../publish/events/kinds.ts';
import type { EventDesk } from './event-maker.ts';
import { HeldRecord } from './held-record.ts';

const MBO: number = EVENT_KINDS.indexOf('mbo');
/** 2^32 − 1 is the undefined size. */
const SIZE_MAX = 0xfffffffe;

/** Records of the schema mbo as DBN has them, each behind the number of its event. */
export class MboDbn extends HeldRecord {
  readonly #memory: EventMemory;
  readonly #instruments: DbnInstruments;
  readonly #namesBooks: boolean;
  readonly #record: MboRecord = new MboRecord();

  /** @param namesBooks what a book is called stands in front of its first record. */
  constructor(memory: EventMemory, desk: EventDesk, instruments: DbnInstruments, namesBooks: boolean) {
    super(desk, SIZE_MAX);
    this.#memory = memory;
    this.#instruments = instruments;
    this.#namesBooks = namesBooks;
  }

  /** Says what a book is called, where that is not its number alone. */
  name(book: BookDefinition, topic: number): void {
    const { head } = this;
    const mapping = this.#instruments.mapping(book, toBigUint(head.venueHigh, head.venueLow));
    if (mapping === null) return;
    const memory = this.#memory;
    const bytes = NUMBER_BYTES + mapping.length;
    const at = memory.reserve(bytes);
    putNumber(memory.view, at, head.seq);
    memory.buffer.set(mapping, at + NUMBER_BYTES);
    memory.commit(bytes, head.seq, topic, MBO);
  }

  protected write(): void {
    const { head, topic } = this;
    const book = this.book!;
    const memory = this.#memory;
    const record = this.#record;
    if (this.#namesBooks && this.#instruments.needsMapping(book)) {
      this.name(book, topic);
      this.#instruments.tell(book);
    }
    record.publisher = book.publisher;
    record.instrument = this.#instruments.of(book);
    record.eventTimeHigh = head.venueHigh;
    record.eventTimeLow = head.venueLow;
    record.orderIdHigh = this.idHigh;
    record.orderIdLow = this.idLow;
    record.priceHigh = this.priceHigh;
    record.priceLow = this.priceLow;
    record.size = this.quantity;
    record.flags = this.flags;
    record.channel = this.channel;
    record.action = this.action;
    record.side = this.side;
    record.receiveTimeHigh = head.isTimed ? head.receiveHigh : head.venueHigh;
    record.receiveTimeLow = head.isTimed ? head.receiveLow : head.venueLow;
    record.sequence = this.sequence;
    const at = memory.reserve(NUMBER_BYTES + MBO_BYTES);
    putNumber(memory.view, at, head.seq);
    writeMbo(memory.view, at + NUMBER_BYTES, record);
    memory.commit(NUMBER_BYTES + MBO_BYTES, head.seq, topic, MBO);
  }
}
