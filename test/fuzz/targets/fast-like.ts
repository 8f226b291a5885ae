import type { Random } from '../../../src/core/binary/random.ts';
import { fastLike } from '../../../src/core/feeds/fast-like/index.ts';
import { type SlowPacket, slowPacket } from '../../core/feeds/fast-like/slow.ts';
import { FLOWS, LineEpisode, Numbers, observed } from '../line.ts';
import { type Outcomes, same, type Target } from '../target.ts';

const MESSAGES_MAX = 12;
const PACKETS_PER_LEAP = 16;
const EDGE_ONE_IN = 48;
/** Few values, so that orders, instruments and prices meet. */
const IDS = 48;
const PRICE_STEPS = 24;
const TWO_32 = 4294967296;

/** FAST-like datagrams through the real way from packet to book. */
export function fastLikeTarget(packets: readonly Uint8Array[]): Target {
  return {
    name: 'fast-like',
    title:
      'FAST-like datagrams → pipeline, arbiter, decoder, books; every message as a slow decoder reads it',
    share: 60,
    casesPerEpisode: 256,
    start: (random, outcomes) => new FastLikeEpisode(packets, random, outcomes),
  };
}

/** What another decoder reads of the packets that were decoded or tallied. */
class Ledger {
  whole = 0;
  unknown = 0;
  malformed = 0;
  /** Packets with a number that were decoded. */
  numbered = 0;

  note(packet: SlowPacket, first: number): void {
    if (first !== 0) this.numbered += 1;
    for (const message of packet.messages) {
      if (message === 'unknown') this.unknown += 1;
      else if (message === 'malformed') this.malformed += 1;
      else this.whole += 1;
    }
  }
}

class FastLikeEpisode extends LineEpisode {
  readonly #numbers: Numbers;
  readonly #tell: { ledger: Ledger };
  /** Packets that could be read and have a number, packets that could not be read. */
  #numbered = 0;
  #damaged = 0;
  /** Highest number that was shown, by flow. */
  readonly #highest: Float64Array = new Float64Array(FLOWS);

  constructor(corpus: readonly Uint8Array[], random: Random, outcomes: Outcomes) {
    const tell = { ledger: new Ledger() };
    const feed = observed(fastLike, ({ bytes, offset, length }, first) => {
      tell.ledger.note(slowPacket(bytes.subarray(offset, offset + length)), first);
    });
    super({ feed, twin: fastLike }, corpus, random, outcomes);
    this.#tell = tell;
    this.#numbers = new Numbers(random, Number.MAX_SAFE_INTEGER);
    // Without sessions: flows with the same numbers are told apart by their bytes.
    for (let flow = 0; flow < FLOWS; flow += 1) this.#numbers.next[flow] = 1 + flow * 1000;
  }

  protected override note(payload: Buffer, flow: number): void {
    const { number, damage } = slowPacket(payload);
    if (damage !== null) this.#damaged += 1;
    else if (number !== 0n) this.#numbered += 1;
    if (damage === null) this.#highest[flow] = Math.max(this.#highest[flow]!, Number(number));
  }

  protected override settle(): void {
    const { counts, pipeline } = this.line;
    const { ledger } = this.#tell;
    same('messages', counts.messages, ledger.whole);
    same('unknown messages', counts.unknown, ledger.unknown);
    same('malformed messages and datagrams', counts.malformed, ledger.malformed + this.#damaged);
    same(
      'messages by type',
      counts.byType.reduce((sum, count) => sum + count),
      ledger.whole,
    );
    let others = 0;
    for (const { arbiter } of pipeline.flows.channels) {
      for (const { total } of arbiter.sessions) others += total.duplicates + total.late;
    }
    same('decoded, repeated and late packets', ledger.numbered + others, this.#numbered);
  }

  protected override renew(): void {
    this.#tell.ledger = new Ledger();
    this.#numbered = 0;
    this.#damaged = 0;
  }

  protected override write(flow: number): void {
    const { random, packet } = this;
    packet.length = 8;
    const count = random.below(24) === 0 ? 0 : 1 + random.below(MESSAGES_MAX);
    for (let message = 0; message < count; message += 1) this.#message();
    // Mutants leap far ahead, behind which everything is late: now and then the numbers go on from there.
    if (random.below(PACKETS_PER_LEAP) === 0 && this.#highest[flow]! < Number.MAX_SAFE_INTEGER - 99)
      this.#numbers.next[flow] = this.#highest[flow]! + 1;
    const first = this.#numbers.first(flow, 1);
    packet.view.setUint32(0, Math.floor(first / TWO_32));
    packet.view.setUint32(4, first % TWO_32);
  }

  #message(): void {
    const { random, packet } = this;
    const { bytes } = packet;
    const presence = random.below(this.#edge() ? 256 : 4);
    this.#byte(presence);
    while (presence >= 0x80 && random.below(2) === 0) this.#byte(0x80 + random.below(128));
    if (presence >= 0x80) this.#byte(random.below(128));
    const draw = random.below(16);
    const template = this.#edge() ? random.below(300) : draw < 7 ? 1 : draw < 10 ? 2 : draw < 14 ? 3 : 4;
    this.#varint(BigInt(template));
    const at = packet.length;
    this.#byte(0);
    const body = packet.length;
    if (template === 1) this.#add();
    else if (template === 2) {
      this.#id();
      this.#signed();
    } else if (template === 4) this.#trade(presence);
    else this.#id();
    while (this.#edge()) this.#byte(random.word());
    const length = packet.length - body;
    // A little off: a body that ends in a field, or the next message in the body of this one.
    bytes[at] = (this.#edge() ? length + random.below(3) - 1 : length) & 0x7f;
  }

  #add(): void {
    this.#id();
    this.#instrument();
    this.#byte(this.#edge() ? this.random.word() : this.random.below(2));
    this.#price();
    this.#signed();
  }

  #trade(presence: number): void {
    this.#instrument();
    this.#price();
    this.#signed();
    if ((presence & 1) !== 0) this.#id();
    if ((presence & 2) !== 0) this.#byte(this.random.below(3));
  }

  #id(): void {
    const id = BigInt(this.random.below(IDS));
    this.#varint(this.#edge() ? this.#wide() : id % 5n === 0n ? id << 57n : id);
  }

  #instrument(): void {
    this.#varint(this.#edge() ? this.#wide() : BigInt(1 + this.random.below(3)));
  }

  #price(): void {
    this.#varint(this.#edge() ? this.#wide() : 2_000_000n + BigInt(this.random.below(PRICE_STEPS)));
  }

  #signed(): void {
    this.#varint(this.#edge() ? this.#wide() : BigInt(2 * this.random.below(200)));
  }

  #wide(): bigint {
    const { random } = this;
    const bits = random.below(66);
    return (
      (BigInt(random.word() >>> 0) * 4_294_967_296n + BigInt(random.word() >>> 0) + (1n << 65n)) >>
      BigInt(bits)
    );
  }

  #varint(value: bigint): void {
    let left = value;
    while (left > 127n) {
      this.#byte(Number(left & 127n) | 0x80);
      left >>= 7n;
    }
    // Now and then with needless bytes.
    if (this.#edge()) {
      this.#byte(Number(left) | 0x80);
      left = 0n;
    }
    this.#byte(Number(left));
  }

  #byte(value: number): void {
    const { packet } = this;
    packet.bytes[packet.length] = value;
    packet.length += 1;
  }

  #edge(): boolean {
    return this.random.below(EDGE_ONE_IN) === 0;
  }
}
