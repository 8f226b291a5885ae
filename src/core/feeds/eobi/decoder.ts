import { digest32 } from '../../binary/digest.ts';
import type { Datagram } from '../../packet/datagram.ts';
import {
  type ChannelOptions,
  type DecoderTargets,
  HEADER_DAMAGED,
  HEADER_DATA,
  type PacketDecoder,
  type PacketDecoders,
  type SnapshotOptions,
} from '../feed.ts';
import { PACKET_HEADER_BYTES, PACKET_HEADER_ID_MAX, PACKET_HEADER_ID_MIN, type Release } from './layout.ts';
import { APPL_SEQ_NUM_OFFSET, PARTITION_OFFSET, RESET_OFFSET, TRANSACT_TIME_OFFSET } from './packet.ts';
import type { Product } from './product.ts';
import { SnapshotJoin } from './snapshot-join.ts';

/** All channels of a T7 feed: those of changes and those of snapshots. */
export class EobiDecoders implements PacketDecoders {
  readonly #join: SnapshotJoin;

  constructor(source: string, release: Release, targets: DecoderTargets, snapshots: SnapshotOptions) {
    this.#join = new SnapshotJoin(source, release, targets, snapshots);
  }

  get products(): readonly Product[] {
    return this.#join.products;
  }

  open({ channel }: ChannelOptions): PacketDecoder {
    return new EobiDecoder(channel, this.#join);
  }

  finish(): void {
    this.#join.finish();
  }
}

/** The channels of one destination are its partitions. */
export function partitionOf({ view, offset, length }: Datagram): number {
  return length < PACKET_HEADER_BYTES ? -1 : view.getUint8(offset + PARTITION_OFFSET);
}

/** Does the payload begin with a PacketHeader of any release? */
export function hasPacketHeader({ view, offset, length }: Datagram): boolean {
  if (length < PACKET_HEADER_BYTES || view.getUint16(offset, true) !== PACKET_HEADER_BYTES) return false;
  const template = view.getUint16(offset + 2, true);
  return template >= PACKET_HEADER_ID_MIN && template <= PACKET_HEADER_ID_MAX;
}

/**
 * One partition of one destination. Its packets are numbered by ApplSeqNum; each counts as one, whatever is in it, also
 * when its messages turn out to be damaged. A packet that says that the numbers begin anew opens another session.
 */
class EobiDecoder implements PacketDecoder {
  session = 1;
  first = 0;
  count = 0;
  damageOffset = 0;
  readonly headerBytes: number = PACKET_HEADER_BYTES;
  readonly #channel: number;
  readonly #join: SnapshotJoin;
  /** The last packet that said so: the next one of several says nothing new. */
  #resetNumber = -1;
  /** The packet with the highest number of the session: only a packet that was sent behind it begins another one. */
  #highest = -1;
  #highestTimeLow = 0;
  #highestTimeHigh = 0;

  constructor(channel: number, join: SnapshotJoin) {
    this.#channel = channel;
    this.#join = join;
  }

  readHeader(datagram: Datagram): number {
    if (!hasPacketHeader(datagram)) {
      this.first = 0;
      this.count = 0;
      this.damageOffset = 0;
      return HEADER_DAMAGED;
    }
    const { view, offset } = datagram;
    this.first = view.getUint32(offset + APPL_SEQ_NUM_OFFSET, true);
    this.count = 1;
    const time = offset + TRANSACT_TIME_OFFSET;
    if (view.getUint8(offset + RESET_OFFSET) === 1) this.#noteReset(view, time);
    if (this.first > this.#highest) {
      this.#highest = this.first;
      this.#highestTimeLow = view.getInt32(time, true);
      this.#highestTimeHigh = view.getInt32(time + 4, true);
    }
    return HEADER_DATA;
  }

  decode(datagram: Datagram, _first: number, skip: number, take: number): void {
    if (skip > 0 || take === 0 || !hasPacketHeader(datagram)) return;
    this.#join.take(datagram, this.#channel, datagram.view.getUint8(datagram.offset + RESET_OFFSET) === 1);
  }

  tally(): void {
    // Only a datagram without a readable header is damaged as a whole, and in front of that there is no message.
  }

  digest({ view, offset, length }: Datagram, _count: number, into: Int32Array): void {
    into[0] = digest32(view, offset, length);
  }

  sessionText(): string | null {
    return null;
  }

  lost(): void {
    this.#join.lost(this.#channel);
  }

  /** The first packet of all opens the first session, also where it comes behind others of it. */
  #noteReset(view: DataView, time: number): void {
    const isNext = this.first === this.#resetNumber + 1;
    if (this.#highest >= 0 && !isNext && this.#isBehindHighest(view, time)) {
      this.session += 1;
      this.#highest = -1;
    }
    this.#resetNumber = this.first;
  }

  #isBehindHighest(view: DataView, time: number): boolean {
    const high = view.getInt32(time + 4, true);
    if (high !== this.#highestTimeHigh) return high > this.#highestTimeHigh;
    return view.getUint32(time, true) > this.#highestTimeLow >>> 0;
  }
}
