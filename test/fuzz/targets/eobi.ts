import type { Random } from '../../../src/core/binary/random.ts';
import { eobiReleases } from '../../../src/core/feeds/eobi/index.ts';
import {
  ID_INSTRUMENT_SUMMARY,
  ID_PRODUCT_SUMMARY,
  ID_SNAPSHOT_ORDER,
  RELEASES,
  type Release,
  type ReleaseName,
} from '../../../src/core/feeds/eobi/layout.ts';
import type { Feed } from '../../../src/core/feeds/feed.ts';
import { EobiWriter } from '../eobi-messages.ts';
import { FLOWS, LineEpisode, Numbers, observed } from '../line.ts';
import { type Outcomes, same, type Target } from '../target.ts';

const RELEASE_NAMES: readonly ReleaseName[] = ['14.1', '6.0', '6.0-2014', '3.0'];
const HEADER_BYTES = 32;
const PACKET_BYTES_MAX = 3000;
const MESSAGES_MAX = 8;
/** Products; the first flow carries changes of both, the second of the second, the last their snapshots. */
const SEGMENTS: readonly number[] = [688, 689];
const SNAPSHOT_FLOW: number = FLOWS - 1;
const PACKETS_PER_LEAP = 16;
const PACKETS_PER_RESET = 96;
const ORDERS_MAX = 6;
const NULL_U32 = 0xffffffff;

/** T7 packets of every release through the real way from packet to book, with snapshots and losses. */
export function eobiTarget(packets: readonly Uint8Array[]): Target {
  return {
    name: 'eobi',
    title:
      'T7 packets of four releases → pipeline, snapshot join, decoder, books; every message counted once',
    share: 120,
    casesPerEpisode: 384,
    start: (random, outcomes) => {
      const index = random.below(RELEASE_NAMES.length);
      return new EobiEpisode(
        RELEASES[RELEASE_NAMES[index]!],
        eobiReleases[index]!,
        packets,
        random,
        outcomes,
      );
    },
  };
}

/** What another reading finds in the packets that were decoded. */
class Ledger {
  /** Packets that were decoded. */
  packets = 0;
  /** Messages in them, and one for each whose messages stop making sense. */
  messages = 0;

  note(packet: Buffer): void {
    this.packets += 1;
    for (let at = HEADER_BYTES; at < packet.length; ) {
      const length = at + 8 > packet.length ? 0 : packet.readUInt16LE(at);
      this.messages += 1;
      if (length < 8 || at + length > packet.length) break;
      at += length;
    }
  }
}

class EobiEpisode extends LineEpisode {
  readonly #writer: EobiWriter;
  readonly #release: Release;
  readonly #numbers: Numbers;
  readonly #tell: { ledger: Ledger };
  /** Packets that can be read, and those that cannot. */
  #readable = 0;
  #damaged = 0;
  /** Highest packet number that was shown, by flow. */
  readonly #highest: Float64Array = new Float64Array(FLOWS);
  /** Next MsgSeqNum of the changes, and of the snapshots, of each product. */
  readonly #next: Float64Array = new Float64Array(SEGMENTS.length).fill(1);
  readonly #nextOfSnapshot: Float64Array = new Float64Array(SEGMENTS.length).fill(1);
  /** What is left of a running snapshot of each product: template ids. */
  readonly #cycle: number[][] = SEGMENTS.map(() => []);

  constructor(
    release: Release,
    eobi: Feed,
    corpus: readonly Uint8Array[],
    random: Random,
    outcomes: Outcomes,
  ) {
    const tell = { ledger: new Ledger() };
    const feed = observed(eobi, ({ bytes, offset, length }) => {
      tell.ledger.note(Buffer.from(bytes.buffer, bytes.byteOffset + offset, length));
    });
    const expected = random.below(2) === 0;
    const snapshots = { expected, required: expected && random.below(4) === 0 };
    super({ feed, twin: eobi, snapshots }, corpus, random, outcomes);
    this.#tell = tell;
    this.#release = release;
    this.#writer = new EobiWriter(random, release);
    this.#numbers = new Numbers(random, NULL_U32);
    for (let flow = 0; flow < FLOWS; flow += 1) this.#numbers.next[flow] = 1 + flow * 1000;
    // Half of the products begin in the middle of their numbers.
    for (let product = 0; product < SEGMENTS.length; product += 1) {
      if (random.below(2) === 0) this.#next[product] = 1 + random.below(1000);
    }
  }

  protected override note(payload: Buffer, flow: number): void {
    const template = payload.length < HEADER_BYTES ? 0 : payload.readUInt16LE(2);
    if (template < 13000 || template > 13005 || payload.readUInt16LE(0) !== HEADER_BYTES) {
      this.#damaged += 1;
      return;
    }
    const number = payload.readUInt32LE(8);
    this.#readable += 1;
    this.#highest[flow] = Math.max(this.#highest[flow]!, number);
  }

  protected override settle(): void {
    const { counts, pipeline } = this.line;
    const { ledger } = this.#tell;
    same(
      'messages, unknown and malformed ones',
      counts.messages + counts.unknown + counts.malformed,
      ledger.messages + this.#damaged,
    );
    same(
      'messages by type',
      counts.byType.reduce((sum, count) => sum + count),
      counts.messages,
    );
    let others = 0;
    for (const { arbiter } of pipeline.flows.channels) {
      for (const { total } of arbiter.sessions) others += total.duplicates + total.late;
    }
    same('decoded, repeated and late packets', ledger.packets + others, this.#readable);
    for (const { snapshots } of pipeline.products) this.outcomes.add('snapshots loaded', snapshots);
    for (const [kind, { count }] of counts.remarks) this.outcomes.add(kind, count);
  }

  protected override renew(): void {
    this.#tell.ledger = new Ledger();
    this.#readable = 0;
    this.#damaged = 0;
  }

  protected override chooseFlow(): number {
    const draw = this.random.below(8);
    return draw < 5 ? 0 : draw < 7 ? SNAPSHOT_FLOW : 1;
  }

  protected override write(flow: number): void {
    const { random, packet } = this;
    const { view } = packet;
    const product = flow === 1 ? 1 : random.below(SEGMENTS.length);
    const resets = random.below(PACKETS_PER_RESET) === 0;
    if (resets) {
      this.#numbers.next[flow] = 1;
      if (random.below(2) === 0) this.#next[product] = 1 + random.below(3);
    } else if (random.below(PACKETS_PER_LEAP) === 0 && this.#highest[flow]! < NULL_U32 - 99) {
      // Mutants leap far ahead, behind which everything is late: now and then the numbers go on from there.
      this.#numbers.next[flow] = this.#highest[flow]! + 1;
    }
    packet.length = HEADER_BYTES;
    packet.bytes.fill(0xff, 0, HEADER_BYTES);
    if (flow === SNAPSHOT_FLOW) this.#snapshot(product);
    else this.#changes(product);
    view.setUint16(0, HEADER_BYTES, true);
    view.setUint16(2, this.#release.packetHeader.templateId, true);
    view.setUint32(8, this.#numbers.first(flow, 1), true);
    view.setInt32(12, SEGMENTS[product]!, true);
    view.setUint8(16, random.below(64) === 0 ? random.below(4) : 1);
    view.setUint8(17, random.below(4) === 0 ? 0 : 1);
    view.setUint8(18, resets ? 1 : 0);
    view.setInt32(24, random.word(), true);
    if (random.below(32) > 0) view.setInt32(28, 411_000_000, true);
  }

  #changes(product: number): void {
    const { random, packet } = this;
    if (random.below(24) === 0) {
      this.#heartbeat(this.#next[product]! - 1 + (random.below(16) === 0 ? 2 : 0));
      return;
    }
    const count = 1 + random.below(MESSAGES_MAX);
    for (let message = 0; message < count && packet.length < PACKET_BYTES_MAX; message += 1) {
      const jump = random.below(128);
      if (jump === 0) this.#next[product]! += random.below(3);
      else if (jump === 1) this.#next[product] = Math.max(0, this.#next[product]! - random.below(4));
      const sequence = random.below(256) === 0 ? NULL_U32 : this.#next[product]!;
      packet.length += this.#writer.change(packet.view, packet.length, sequence);
      if (sequence !== NULL_U32) this.#next[product]! += 1;
    }
  }

  #heartbeat(last: number): void {
    const { packet } = this;
    const at = packet.length;
    packet.view.setUint16(at, 16, true);
    packet.view.setUint16(at + 2, 13001, true);
    packet.view.setUint32(at + 4, NULL_U32, true);
    packet.view.setUint32(at + 8, last, true);
    packet.view.setUint32(at + 12, 0, true);
    packet.length += 16;
  }

  /** The next messages of the product's snapshot; behind its last order another one begins, mostly. */
  #snapshot(product: number): void {
    const { random, packet } = this;
    const cycle = this.#cycle[product]!;
    const count = 1 + random.below(MESSAGES_MAX);
    for (let message = 0; message < count && packet.length < PACKET_BYTES_MAX; message += 1) {
      if (cycle.length === 0) {
        if (message > 0 && random.below(4) > 0) break;
        this.#plan(cycle);
      }
      // A message of the cycle gets lost now and then, and its number with it.
      const templateId = cycle.shift()!;
      const sequence = this.#nextOfSnapshot[product]!;
      this.#nextOfSnapshot[product]! += 1;
      if (random.below(200) === 0) continue;
      const at = packet.length;
      packet.length += this.#writer.snapshot(packet.view, at, templateId & 0xffff, sequence);
      if (packet.length === at) continue;
      if (templateId === ID_PRODUCT_SUMMARY) {
        const last = this.#next[product]! - 1 - (random.below(2) === 0 ? 0 : random.below(12));
        packet.view.setUint32(at + 8, Math.max(0, last), true);
      } else if ((templateId & 0xffff) === ID_INSTRUMENT_SUMMARY) {
        packet.view.setUint16(at + 32, templateId >>> 16, true);
      }
    }
    if (packet.length === HEADER_BYTES && random.below(2) === 0) this.#heartbeat(this.#next[product]! - 1);
  }

  /** An instrument summary has the number of its orders in its upper half. */
  #plan(cycle: number[]): void {
    const { random } = this;
    cycle.push(ID_PRODUCT_SUMMARY);
    for (let instruments = random.below(4); instruments > 0; instruments -= 1) {
      const orders = random.below(ORDERS_MAX);
      const said = random.below(32) === 0 ? random.below(ORDERS_MAX) : orders;
      cycle.push(ID_INSTRUMENT_SUMMARY | (said << 16));
      for (let order = 0; order < orders; order += 1) cycle.push(ID_SNAPSHOT_ORDER);
    }
  }
}
