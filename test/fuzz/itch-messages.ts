import type { Random } from '../../src/core/binary/random.ts';
import { MESSAGES, type MessageLayout } from '../../src/core/feeds/itch/layout.ts';

const LAYOUT_BY_CODE: ReadonlyMap<string, MessageLayout> = new Map(
  MESSAGES.map((layout) => [String.fromCharCode(layout.type), layout]),
);
/** What changes books comes most often. */
const COMMON: readonly MessageLayout[] = [...'AAAAAAFFDDDXXEECUUUU'].map((code) => LAYOUT_BY_CODE.get(code)!);

/** Few values, so that orders, stocks and prices meet. */
const LOCATES = Uint16Array.of(1, 1, 1, 2, 2, 3, 0, 0xffff);
const SHARES = Int32Array.of(1, 1, 5, 100, 100, 300, 0, 0x7fffffff, -0x80000000, -1);
const PRICES_EDGE = Int32Array.of(0, 1, 0x7fffffff, -0x80000000, -1);
const SYMBOLS: readonly string[] = [
  'AAPL    ',
  'MSFT    ',
  '        ',
  '\0\0\0\0\0\0\0\0',
  'ZVZZT   ',
  '\xff\x01 "\\,\n ',
];
const IDS = 48;
const PRICE_BASE = 1_000_000;
const PRICE_STEPS = 24;
const EDGE_ONE_IN = 64;

/** Writes ITCH messages with fields that make sense together more often than not. */
export class ItchWriter {
  readonly #random: Random;
  /** Time of day, ns, as its two halves. */
  #timeHigh = 7_000;
  #timeLow = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Writes one message. @returns its length. */
  write(view: DataView, at: number): number {
    const random = this.#random;
    const layout =
      random.below(8) > 0 ? COMMON[random.below(COMMON.length)]! : MESSAGES[random.below(MESSAGES.length)]!;
    view.setUint8(at, layout.type);
    for (const field of layout.fields) {
      const to = at + field.offset;
      switch (field.type) {
        case 'char':
          view.setUint8(to, this.#char(field.name));
          break;
        case 'text':
          this.#text(view, to, field.bytes);
          break;
        case 'u16':
          view.setUint16(
            to,
            field.name === 'stockLocate' ? LOCATES[random.below(LOCATES.length)]! : random.word(),
          );
          break;
        case 'u32':
          view.setInt32(to, SHARES[random.below(this.#edge() ? SHARES.length : 6)]!);
          break;
        case 'price4':
          view.setInt32(to, this.#price());
          break;
        case 'u48':
          this.#time(view, to);
          break;
        default:
          this.#id(view, to);
      }
    }
    return layout.length;
  }

  #edge(): boolean {
    return this.#random.below(EDGE_ONE_IN) === 0;
  }

  #char(name: string): number {
    const random = this.#random;
    if (this.#edge()) return random.word();
    if (name === 'buySellIndicator') return random.below(2) === 0 ? 0x42 : 0x53;
    return name === 'printable' && random.below(2) === 0 ? 0x4e : 0x41 + random.below(26);
  }

  #text(view: DataView, at: number, bytes: number): void {
    const symbol = SYMBOLS[this.#edge() ? this.#random.below(SYMBOLS.length) : this.#random.below(2)]!;
    for (let index = 0; index < bytes; index += 1) view.setUint8(at + index, symbol.charCodeAt(index % 8));
  }

  #price(): number {
    const random = this.#random;
    if (this.#edge()) return PRICES_EDGE[random.below(PRICES_EDGE.length)]!;
    // Two clusters, far apart.
    return PRICE_BASE * (random.below(16) === 0 ? 50 : 1) + random.below(PRICE_STEPS) * 100;
  }

  #id(view: DataView, at: number): void {
    const random = this.#random;
    const id = random.below(IDS);
    view.setInt32(at, id % 7 === 0 ? -id : 0);
    view.setInt32(at + 4, this.#edge() ? random.word() : 1 + id);
  }

  #time(view: DataView, at: number): void {
    const random = this.#random;
    if (this.#edge()) {
      this.#timeHigh = random.below(16) === 0 ? random.word() & 0xffff : 7_000 + random.below(13_000);
      this.#timeLow = random.word();
    } else {
      const next = (this.#timeLow >>> 0) + random.below(1 << 24);
      this.#timeLow = next | 0;
      if (next > 0xffffffff) this.#timeHigh = (this.#timeHigh + 1) & 0xffff;
    }
    view.setUint16(at, this.#timeHigh);
    view.setInt32(at + 2, this.#timeLow);
  }
}
