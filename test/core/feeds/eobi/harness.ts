import { toBigInt, toBigUint } from '../../../../src/core/binary/time.ts';
import { EventBatch, type EventSink } from '../../../../src/core/event/batch.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_FULL,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_SNAPSHOT,
  KIND_NAMES,
  RECORD_WORDS,
} from '../../../../src/core/event/record.ts';
import { EventWriter } from '../../../../src/core/event/writer.ts';
import { FeedCounts } from '../../../../src/core/feeds/counts.ts';
import { eobiReleases } from '../../../../src/core/feeds/eobi/index.ts';
import type {
  Feed,
  PacketDecoder,
  PacketDecoders,
  SnapshotOptions,
} from '../../../../src/core/feeds/feed.ts';
import { Datagram } from '../../../../src/core/packet/datagram.ts';
import { Books } from '../../../../src/core/pipeline/books.ts';

/*
 * Packets are built here from the offsets of the specification's tables, typed by hand: not from the tables of the
 * source.
 */

type Width = 'u8' | 'u16' | 'u32' | 'i32' | 'i64' | 'u64';
type Put = readonly [offset: number, width: Width, value: number | bigint];

export const NULL_64: bigint = 0x8000000000000000n;

export const TIME = 1767225600000000500n;

/** A message of `length` bytes; what is not put is filler that nobody may read. */
export function message(template: number, sequence: number, length: number, ...puts: Put[]): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x5b);
  const view = new DataView(bytes.buffer);
  put(view, [0, 'u16', length]);
  put(view, [2, 'u16', template]);
  put(view, [4, 'u32', sequence]);
  for (const each of puts) put(view, each);
  return bytes;
}

function put(view: DataView, [offset, width, value]: Put): void {
  switch (width) {
    case 'u8':
      view.setUint8(offset, Number(value));
      break;
    case 'u16':
      view.setUint16(offset, Number(value), true);
      break;
    case 'u32':
      view.setUint32(offset, Number(value), true);
      break;
    case 'i32':
      view.setInt32(offset, Number(value), true);
      break;
    default:
      view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
  }
}

export interface PacketHead {
  readonly number: number;
  readonly segment?: number;
  readonly partition?: number;
  readonly complete?: number;
  readonly reset?: number;
  readonly time?: bigint;
  readonly template?: number;
}

export function packet(head: PacketHead, ...messages: Uint8Array[]): Uint8Array {
  const header = message(
    head.template ?? 13002,
    0xffffffff,
    32,
    [8, 'u32', head.number],
    [12, 'i32', head.segment ?? 688],
    [16, 'u8', head.partition ?? 2],
    [17, 'u8', head.complete ?? 1],
    [18, 'u8', head.reset ?? 0],
    [24, 'u64', head.time ?? TIME],
  );
  return Buffer.concat([header, ...messages]);
}

export interface Order {
  readonly security?: bigint;
  readonly key: bigint;
  readonly quantity?: bigint;
  readonly side?: number;
  readonly market?: boolean;
  readonly price?: bigint;
}

/** OrderDetails of 14.1, 32 bytes. */
function details(
  at: number,
  { key, quantity = 10000n, side = 1, market = false, price = 100n }: Order,
): Put[] {
  return [
    [at, 'u64', key],
    [at + 8, 'i64', quantity],
    [at + 16, 'u8', side],
    [at + 17, 'u8', market ? 1 : 0xff],
    [at + 24, 'i64', market ? NULL_64 : price],
  ];
}

const SECURITY = 4128839n;

export function add(sequence: number, order: Order): Uint8Array {
  return message(13100, sequence, 56, [16, 'i64', order.security ?? SECURITY], ...details(24, order));
}

export function modify(sequence: number, previous: bigint, order: Order): Uint8Array {
  return message(
    13101,
    sequence,
    88,
    [16, 'u64', previous],
    [40, 'i64', order.security ?? SECURITY],
    ...details(48, order),
  );
}

export function remove(sequence: number, order: Order): Uint8Array {
  return message(13102, sequence, 64, [24, 'i64', order.security ?? SECURITY], ...details(32, order));
}

export function massDelete(sequence: number, security: bigint = SECURITY): Uint8Array {
  return message(13103, sequence, 24, [8, 'i64', security], [16, 'u64', TIME]);
}

export function samePriority(sequence: number, order: Order): Uint8Array {
  return message(13106, sequence, 72, [32, 'i64', order.security ?? SECURITY], ...details(40, order));
}

export function execution(
  sequence: number,
  full: boolean,
  { security = SECURITY, key, quantity = 10000n, side = 1, price = 100n }: Order,
): Uint8Array {
  return message(
    full ? 13104 : 13105,
    sequence,
    56,
    [8, 'u8', side],
    [12, 'u32', 77],
    [24, 'u64', key],
    [32, 'i64', security],
    [40, 'i64', quantity],
    [48, 'i64', price],
  );
}

export function heartbeat(last: number): Uint8Array {
  return message(13001, 0xffffffff, 16, [8, 'u32', last]);
}

export function productSummary(sequence: number, last: number): Uint8Array {
  return message(13600, sequence, 24, [8, 'u32', last]);
}

export function instrumentSummary(sequence: number, orders: number, security: bigint = SECURITY): Uint8Array {
  return message(13601, sequence, 544, [8, 'i64', security], [32, 'u16', orders], [57, 'u8', 0]);
}

export function snapshotOrder(sequence: number, order: Order): Uint8Array {
  return message(13602, sequence, 40, ...details(8, order));
}

/** Feed, books and decoders of a run, fed by hand. */
export class EobiRun implements EventSink {
  readonly feed: Feed;
  readonly counts: FeedCounts;
  readonly dictionary: Dictionary = new Dictionary();
  readonly books: Books;
  /** Events so far, as text. */
  readonly lines: string[] = [];
  readonly #writer: EventWriter;
  readonly #decoders: PacketDecoders;
  readonly #channels: PacketDecoder[] = [];
  #packets = 0;

  constructor(release = '14.1', snapshots?: SnapshotOptions, capacity = 64) {
    this.feed = eobiReleases.find(({ name }) => name === `eobi-${release}`)!;
    this.counts = new FeedCounts(this.feed.typeCount);
    this.books = new Books(this.feed.rules, this.dictionary, null, []);
    const batch = new EventBatch(capacity);
    batch.words.fill(0x5a5a5a5a);
    this.#writer = new EventWriter(batch, this);
    this.#decoders = this.feed.packetDecoders!(
      { dictionary: this.dictionary, writer: this.#writer, counts: this.counts },
      snapshots,
    );
  }

  /** Reads and decodes a packet that is next on its channel. @returns what readHeader said. */
  take(payload: Uint8Array, channel = 0): number {
    const decoder = this.channel(channel);
    this.#packets += 1;
    const datagram = datagramOf(payload, TIME + 1000n * BigInt(this.#packets), this.#packets);
    const kind = decoder.readHeader(datagram);
    if (kind === 0) decoder.decode(datagram, decoder.first, 0, decoder.count);
    return kind;
  }

  channel(number: number): PacketDecoder {
    while (this.#channels.length <= number) {
      this.#channels.push(this.#decoders.open({ channel: this.#channels.length, midnight: null }));
    }
    return this.#channels[number]!;
  }

  finish(): void {
    this.#decoders.finish!();
    this.#writer.flush();
  }

  /** Events since the last call, as text. */
  events(): string[] {
    this.#writer.flush();
    return this.lines.splice(0);
  }

  accept(batch: EventBatch): void {
    for (let record = 0; record < batch.count; record += 1) {
      const { words } = batch;
      const at = record * RECORD_WORDS;
      this.lines.push(eventText(batch, at));
      if (((words[at]! >> 8) & FLAG_EXTENDED) !== 0) record += 1;
    }
    this.books.accept(batch);
  }

  /** The book of an instrument as `price × quantity` per order in queue order, bids and asks. */
  get byType(): Record<string, number> {
    const types: Record<string, number> = {};
    for (const [type, count] of this.counts.byType.entries()) {
      if (count > 0) types[this.feed.typeName(type)] = count;
    }
    return types;
  }

  notes(which: 'problems' | 'remarks'): Record<string, number> {
    return Object.fromEntries([...this.counts[which]].map(([kind, { count }]) => [kind, count]));
  }
}

/** `13100 add bid b0 #10 @100 ×10000 seq 7 last` */
function eventText(batch: EventBatch, at: number): string {
  const { words } = batch;
  const head = words[at]!;
  const bits = (head >> 8) & 255;
  const parts = [
    KIND_NAMES[head & 255]!,
    (bits & FLAG_ASK) !== 0 ? 'ask' : 'bid',
    `b${words[at + 1]}`,
    `#${toBigUint(words[at + 3]!, words[at + 2]!)}`,
    `@${toBigInt(words[at + 5]!, words[at + 4]!)}`,
    `x${toBigInt(words[at + 7]!, words[at + 6]!)}`,
    `seq ${batch.sequenceBase + (head >>> 16)}`,
  ];
  if ((bits & FLAG_EXTENDED) !== 0) {
    const more = at + RECORD_WORDS;
    parts.push(
      `of #${toBigUint(words[more + 3]!, words[more + 2]!)}`,
      `done @${toBigInt(words[more + 5]!, words[more + 4]!)}`,
      `match ${toBigUint(words[more + 7]!, words[more + 6]!)}`,
      `aggressor ${(words[more]! >> 8) & 255}`,
      `condition ${words[more]! >>> 16}`,
    );
  }
  if ((bits & FLAG_SNAPSHOT) !== 0) parts.push('snapshot');
  if ((bits & FLAG_KEEP_PRIORITY) !== 0) parts.push('keep');
  if ((bits & FLAG_FULL) !== 0) parts.push('by-kind');
  if ((bits & FLAG_LAST) !== 0) parts.push('last');
  return parts.join(' ');
}

/** A datagram with noise around its payload. */
export function datagramOf(payload: Uint8Array, time: bigint, packetNumber: number): Datagram {
  const datagram = new Datagram();
  const bytes = new Uint8Array(payload.length + 14).fill(0xee);
  bytes.set(payload, 7);
  datagram.attach(bytes);
  datagram.offset = 7;
  datagram.length = payload.length;
  datagram.timeHigh = Number(BigInt.asIntN(32, time >> 32n));
  datagram.timeLow = Number(BigInt.asIntN(32, time));
  datagram.packetNumber = packetNumber;
  return datagram;
}
