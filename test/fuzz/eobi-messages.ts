import type { Random } from '../../src/core/binary/random.ts';
import {
  type Field,
  ID_FULL_ORDER_EXECUTION,
  ID_INSTRUMENT_SUMMARY,
  ID_ORDER_ADD,
  ID_ORDER_DELETE,
  ID_ORDER_MODIFY,
  ID_ORDER_MODIFY_SAME_PRIO,
  ID_PARTIAL_ORDER_EXECUTION,
  ID_PRODUCT_SUMMARY,
  ID_SNAPSHOT_ORDER,
  type MessageLayout,
  type Release,
} from '../../src/core/feeds/eobi/layout.ts';

/** What changes books comes most often. */
const COMMON: readonly number[] = [
  ID_ORDER_ADD,
  ID_ORDER_ADD,
  ID_ORDER_ADD,
  ID_ORDER_MODIFY,
  ID_ORDER_DELETE,
  ID_FULL_ORDER_EXECUTION,
  ID_PARTIAL_ORDER_EXECUTION,
  ID_ORDER_MODIFY_SAME_PRIO,
];
const SNAPSHOT: readonly number[] = [ID_PRODUCT_SUMMARY, ID_INSTRUMENT_SUMMARY, ID_SNAPSHOT_ORDER];
/** Few values, so that orders, instruments and prices meet. */
const KEYS = 40;
const PRICE_STEPS = 24;
const EDGE_ONE_IN = 96;
const TIME_HIGH = 411_000_000;

/** Writes EOBI messages of a release with fields that make sense together more often than not. */
export class EobiWriter {
  readonly #random: Random;
  readonly #common: readonly MessageLayout[];
  readonly #others: readonly MessageLayout[];
  readonly #byId: ReadonlyMap<number, MessageLayout>;

  constructor(random: Random, { messages, packetHeader }: Release) {
    this.#random = random;
    this.#byId = messages;
    this.#common = COMMON.map((id) => messages.get(id)).filter((layout) => layout !== undefined);
    this.#others = [...messages.values()].filter(
      ({ templateId }) => templateId !== packetHeader.templateId && !SNAPSHOT.includes(templateId),
    );
  }

  /** Writes a message about orders, or now and then any other one but those of snapshots. @returns its length. */
  change(view: DataView, at: number, sequence: number): number {
    const random = this.#random;
    const layouts = random.below(8) > 0 ? this.#common : this.#others;
    return this.#write(view, at, layouts[random.below(layouts.length)]!, sequence);
  }

  /** Writes a message of a snapshot. @returns its length; 0 where the release has none of that id. */
  snapshot(view: DataView, at: number, templateId: number, sequence: number): number {
    const layout = this.#byId.get(templateId);
    return layout === undefined ? 0 : this.#write(view, at, layout, sequence);
  }

  #write(view: DataView, at: number, layout: MessageLayout, sequence: number): number {
    const { bodyLength, templateId, fields, group } = layout;
    for (const field of fields) this.#field(view, at + field.offset, field);
    view.setUint16(at, bodyLength, true);
    view.setUint16(at + 2, templateId, true);
    view.setUint32(at + 4, sequence, true);
    if (group === null) return bodyLength;
    const used = this.#random.below(Math.min(group.max, 3) + 1);
    view.setUint8(at + group.counter.offset, this.#edge() ? this.#random.word() : used);
    for (let entry = 0; entry < group.max; entry += 1) {
      // What is not used is filler.
      if (entry >= used && entry > 1) break;
      for (const field of group.fields) {
        this.#field(view, at + group.start + entry * group.entryBytes + field.offset, field);
      }
    }
    return bodyLength;
  }

  #field(view: DataView, at: number, { name, type, bytes }: Field): void {
    const random = this.#random;
    if (this.#edge()) {
      this.#fill(view, at, bytes);
      return;
    }
    switch (type) {
      case 'u8':
      case 'i8':
        view.setUint8(at, this.#small(name));
        break;
      case 'u16':
        view.setUint16(at, random.below(4), true);
        break;
      case 'u32':
        view.setUint32(at, random.below(100), true);
        break;
      case 'i32':
        view.setInt32(at, 1 + random.below(50), true);
        break;
      case 'px':
        this.#put(view, at, (random.below(8) === 0 ? -1000 : 1_000_000) + 100 * random.below(PRICE_STEPS));
        break;
      case 'qty':
        this.#put(view, at, 10_000 * (1 + random.below(50)));
        break;
      case 'ns':
        // The time priority is an order's key.
        if (name.endsWith('TimePriority')) this.#put(view, at, 1 + random.below(KEYS));
        else {
          view.setInt32(at, random.word(), true);
          view.setInt32(at + 4, TIME_HIGH, true);
        }
        break;
      case 'char':
        for (let index = 0; index < bytes; index += 1) {
          view.setUint8(at + index, index < 4 ? 65 + random.below(3) : 0);
        }
        break;
      case 'pad':
        for (let index = 0; index < bytes; index += 1) view.setUint8(at + index, random.word());
        break;
      default:
        this.#put(view, at, 4_128_839 + random.below(3));
    }
  }

  #small(name: string): number {
    const random = this.#random;
    if (name.endsWith('Side')) return 1 + random.below(2);
    if (name === 'OrdType') return random.below(6) === 0 ? 1 : 0xff;
    return random.below(4);
  }

  /** Null, the ends of the range, noise. */
  #fill(view: DataView, at: number, bytes: number): void {
    const random = this.#random;
    const choice = random.below(4);
    for (let index = 0; index < bytes; index += 1) {
      const isTop = index === bytes - 1;
      const value =
        choice === 0 ? 0xff : choice === 1 ? (isTop ? 0x80 : 0) : choice === 2 ? 0 : random.word();
      view.setUint8(at + index, value);
    }
  }

  #put(view: DataView, at: number, value: number): void {
    view.setInt32(at, value, true);
    view.setInt32(at + 4, value < 0 ? -1 : 0, true);
  }

  #edge(): boolean {
    return this.#random.below(EDGE_ONE_IN) === 0;
  }
}
