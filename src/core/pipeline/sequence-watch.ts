import { nsBetween } from '../binary/time.ts';
import { type Feed, HEADER_DATA, type TransportReader } from '../feeds/feed.ts';
import type { SourcePacket } from './packet-source.ts';

/** Numbers remembered per pair, to see when the other line shows them. */
const REMEMBERED = 1024;
/** Share of a new sample in the moving skew. */
const WEIGHT = 1 / 16;
const LINES = 2;

/**
 * Where the lines stand in the numbering of their feed, and by how much B comes later than A: for people who look on,
 * nothing depends on it.
 */
export class SequenceWatch {
  /** Last transport number by line, 0 = none yet; of the group that was seen last. */
  readonly last: Float64Array = new Float64Array(LINES);
  /** Time of B minus time of A, ns, a moving mean; NaN = no number seen on both yet. */
  skewNs: number = Number.NaN;
  readonly #readers: readonly TransportReader[];
  readonly #numbers: Float64Array;
  readonly #times: Int32Array;
  readonly #comparable: boolean;

  private constructor(readers: readonly TransportReader[], comparable: boolean) {
    this.#readers = readers;
    this.#comparable = comparable;
    this.#numbers = new Float64Array(readers.length * LINES * REMEMBERED);
    this.#times = new Int32Array(this.#numbers.length * 2);
  }

  /** @param comparable both lines have the same clock. @returns null where the feed has no numbers. */
  static of(feed: Feed, pairs: number, comparable: boolean): SequenceWatch | null {
    if (feed.transport === undefined) return null;
    const readers = Array.from({ length: pairs }, () => feed.transport!());
    return new SequenceWatch(readers, comparable);
  }

  see(packet: SourcePacket): void {
    const reader = this.#readers[packet.pair];
    if (reader === undefined || packet.line >= LINES || reader.readHeader(packet) !== HEADER_DATA) return;
    const { first, count } = reader;
    if (first === 0) return;
    this.last[packet.line] = first + Math.max(count, 1) - 1;
    if (this.#comparable) this.#compare(packet, first);
  }

  #compare({ line, pair, timeHigh, timeLow }: SourcePacket, first: number): void {
    const place = (pair * REMEMBERED + (first % REMEMBERED)) * LINES;
    const mine = place + line;
    const other = place + (line === 0 ? 1 : 0);
    const isNew = this.#numbers[mine] !== first;
    this.#numbers[mine] = first;
    this.#times[mine * 2] = timeHigh;
    this.#times[mine * 2 + 1] = timeLow;
    if (!isNew || this.#numbers[other] !== first) return;
    const later = nsBetween(timeHigh, timeLow, this.#times[other * 2]!, this.#times[other * 2 + 1]!);
    const skew = line === 1 ? later : -later;
    this.skewNs = Number.isNaN(this.skewNs) ? skew : this.skewNs + (skew - this.skewNs) * WEIGHT;
  }
}
