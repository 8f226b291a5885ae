import type { Datagram } from '../../packet/datagram.ts';
import type {
  ChannelOptions,
  DecoderTargets,
  PacketDecoder,
  PacketDecoders,
  SnapshotOptions,
} from '../feed.ts';
import type { Release } from './layout.ts';
import { RESET_OFFSET } from './packet.ts';
import type { Product } from './product.ts';
import { SnapshotJoin } from './snapshot-join.ts';
import { EobiTransport, hasPacketHeader } from './transport.ts';

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

/** One partition of one destination. */
class EobiDecoder extends EobiTransport implements PacketDecoder {
  readonly #channel: number;
  readonly #join: SnapshotJoin;

  constructor(channel: number, join: SnapshotJoin) {
    super();
    this.#channel = channel;
    this.#join = join;
  }

  decode(datagram: Datagram, _first: number, skip: number, take: number): void {
    if (skip > 0 || take === 0 || !hasPacketHeader(datagram)) return;
    this.#join.take(datagram, this.#channel, datagram.view.getUint8(datagram.offset + RESET_OFFSET) === 1);
  }

  tally(): void {
    // Only a datagram without a readable header is damaged as a whole, and in front of that there is no message.
  }

  lost(): void {
    this.#join.lost(this.#channel);
  }
}
