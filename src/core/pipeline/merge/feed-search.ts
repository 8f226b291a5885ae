import type { Feed } from '../../feeds/feed.ts';
import { FeedDetector } from '../detect.ts';
import { sameFlow } from '../flows.ts';
import type { PacketSource, SourcePacket } from '../packet-source.ts';

export interface HeldPacket {
  readonly packet: SourcePacket;
  readonly source: PacketSource;
}

/** Holds packets until they tell of which feed they are: somebody has named it, a pipe names it, or it shows. */
export class FeedSearch {
  /** The feed that was named, null = none was. */
  readonly #named: Feed | null;
  readonly #feeds: readonly Feed[];
  readonly #detector: FeedDetector<SourcePacket>;
  /** A flow has to look like the feed, unless somebody has said where it is. */
  readonly #looks: boolean;
  /** The same as those of the detector, one by one. */
  readonly #held: HeldPacket[] = [];

  /** @param feeds to choose from. */
  constructor(named: Feed | null, feeds: readonly Feed[], looks: boolean) {
    this.#named = named;
    this.#feeds = feeds;
    this.#looks = looks;
    this.#detector = new FeedDetector(named === null ? feeds : [named]);
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Nothing that comes will tell more. */
  get isExhausted(): boolean {
    return this.#detector.exhausted;
  }

  /** Holds a copy of a packet. @returns the feed, where it tells it. */
  offer(packet: SourcePacket, source: PacketSource): Feed | null {
    const origin = source.origin();
    const said = this.#named ?? this.#feeds.find(({ name }) => name === origin?.feed) ?? null;
    const found = this.#detector.offer(packet);
    this.#held.push({ packet: this.#detector.held.at(-1)!, source });
    return said !== null && (packet.pair >= 0 || !this.#looks) ? said : found;
  }

  /**
   * The first packet of the flow that told: heartbeats and the like in front of the datagram that tells are of its channel,
   * though they look like nothing.
   */
  get first(): SourcePacket | null {
    const telling = this.#held.at(-1)?.packet;
    if (telling === undefined) return null;
    return this.#held.find(({ packet }) => sameFlow(packet, telling))!.packet;
  }

  /** The feed that was named, where nothing has told one. Throws MdxError where none was. */
  settle(sources: readonly PacketSource[], otherPackets: number): Feed {
    if (this.#named !== null) return this.#named;
    throw this.#detector.failure(sources.map(({ name }) => name).join(', '), otherPackets);
  }

  /** Hands over what was held, once. */
  take(): readonly HeldPacket[] {
    this.#detector.held.length = 0;
    return this.#held.splice(0);
  }
}
