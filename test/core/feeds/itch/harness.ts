import { toBigInt, toBigUint } from '../../../../src/core/binary/time.ts';
import { EventBatch, type EventSink } from '../../../../src/core/event/batch.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_LAST,
  KIND_EXTENSION,
  KIND_NAMES,
  RECORD_WORDS,
} from '../../../../src/core/event/record.ts';
import { EventWriter } from '../../../../src/core/event/writer.ts';
import { FeedCounts } from '../../../../src/core/feeds/counts.ts';
import type { PacketDecoder } from '../../../../src/core/feeds/feed.ts';
import { itch } from '../../../../src/core/feeds/itch/index.ts';
import { Datagram } from '../../../../src/core/packet/datagram.ts';

/** An event record, readable. */
export interface SeenEvent {
  readonly kind: string;
  readonly last: boolean;
  readonly ask: boolean;
  readonly sequence: number;
  readonly book: number;
  readonly id: bigint;
  readonly price: bigint;
  readonly quantity: bigint;
  readonly venueTime: bigint;
  readonly receiveTime: bigint;
  readonly extension: {
    readonly aggressor: number;
    readonly condition: number;
    readonly related: bigint;
    readonly price: bigint;
    readonly match: bigint;
  } | null;
}

/** Keeps events readable; checks what every batch has to be. */
export class Recorder implements EventSink {
  readonly events: SeenEvent[] = [];
  readonly batchSizes: number[] = [];

  accept(batch: EventBatch): void {
    const { words, count, capacity } = batch;
    if (count > capacity) throw new Error(`${count} records in a batch of ${capacity}`);
    this.batchSizes.push(count);
    for (let record = 0; record < count; record += 1) {
      const at = record * RECORD_WORDS;
      const head = words[at];
      const flags = (head >>> 8) & 0xff;
      const known = FLAG_LAST | FLAG_ASK | FLAG_EXTENDED;
      if ((flags & ~known) !== 0) throw new Error(`flags ${flags}`);
      const extended = (flags & FLAG_EXTENDED) !== 0;
      if (extended) record += 1;
      this.events.push({
        kind: KIND_NAMES[head & 0xff],
        last: (flags & FLAG_LAST) !== 0,
        ask: (flags & FLAG_ASK) !== 0,
        sequence: batch.sequenceBase + (head >>> 16),
        book: words[at + 1],
        id: toBigUint(words[at + 3], words[at + 2]),
        price: toBigInt(words[at + 5], words[at + 4]),
        quantity: toBigInt(words[at + 7], words[at + 6]),
        venueTime: toBigInt(batch.venueBaseHigh, batch.venueBaseLow) + BigInt(words[at + 8]),
        receiveTime: toBigInt(batch.receiveBaseHigh, batch.receiveBaseLow) + BigInt(words[at + 9] >>> 0),
        extension: extended ? readExtension(words, at + RECORD_WORDS) : null,
      });
    }
  }
}

function readExtension(words: Int32Array, at: number): SeenEvent['extension'] {
  if ((words[at] & 0xff) !== KIND_EXTENSION) throw new Error('an extended event without its second record');
  if (words[at + 1] !== 0 || words[at + 8] !== 0 || words[at + 9] !== 0)
    throw new Error('words that are zero');
  return {
    aggressor: (words[at] >>> 8) & 0xff,
    condition: words[at] >>> 16,
    related: toBigUint(words[at + 3], words[at + 2]),
    price: toBigInt(words[at + 5], words[at + 4]),
    match: toBigUint(words[at + 7], words[at + 6]),
  };
}

/** Everything that a decoder works with. */
export class Bench {
  readonly recorder: Recorder = new Recorder();
  readonly counts: FeedCounts = new FeedCounts(itch.typeCount);
  readonly dictionary: Dictionary = new Dictionary();
  readonly batch: EventBatch;
  readonly writer: EventWriter;

  constructor(capacity = 64) {
    this.batch = new EventBatch(capacity);
    // Whatever is left from before must not show.
    this.batch.words.fill(0x5a5a5a5a);
    this.writer = new EventWriter(this.batch, this.recorder);
  }

  packetDecoder(midnight: bigint | null = null, channel = 0): PacketDecoder {
    const { dictionary, writer, counts } = this;
    return itch.packetDecoders!({ dictionary, writer, counts }).open({ channel, midnight });
  }

  get events(): SeenEvent[] {
    this.writer.flush();
    return this.recorder.events;
  }

  /** Messages by type, as reports show them. */
  get byType(): Record<string, number> {
    const types: Record<string, number> = {};
    this.counts.byType.forEach((count, type) => {
      if (count > 0) types[itch.typeName(type)] = count;
    });
    return types;
  }

  get problems(): Record<string, number> {
    return Object.fromEntries([...this.counts.problems].map(([kind, { count }]) => [kind, count]));
  }
}

/** A datagram with noise around its payload. */
export function datagramOf(payload: Uint8Array, time = 0n, packetNumber = 1): Datagram {
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

/** `{ length u16 · message } …` */
export function blocksOf(messages: readonly Uint8Array[]): Uint8Array {
  return concat(
    messages.flatMap((message) => [Uint8Array.of(message.length >> 8, message.length & 0xff), message]),
  );
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** A MoldUDP64 packet, written without the encoder. */
export function moldPacket(
  messages: readonly Uint8Array[],
  { session = '000010059D', sequence = 1n, count = messages.length }: MoldPacketHeader = {},
): Uint8Array {
  const header = Buffer.alloc(20);
  header.write(session, 0, 10, 'latin1');
  header.writeBigUInt64BE(sequence, 10);
  header.writeUInt16BE(count, 18);
  return concat([header, blocksOf(messages)]);
}

export interface MoldPacketHeader {
  readonly session?: string;
  readonly sequence?: bigint;
  readonly count?: number;
}
