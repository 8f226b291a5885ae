import type { CaptureInterface } from '../capture/captured-packet.ts';
import { type PipeRecord, subchannelOfRecord } from '../capture/pipe-record.ts';
import type { Channel, FlowTable } from './flows.ts';
import type { PacketPipeline } from './packet-pipeline.ts';
import type { SourcePacket } from './packet-source.ts';

interface Loss {
  /** Interface and part, see `keyOf`. */
  readonly key: number;
  readonly session: Uint8Array;
  readonly first: number;
  readonly count: number;
}

/** Most losses that are kept for the first packet of their interface. */
const WAITING_MAX = 65_536;

/**
 * Numbers that a merged packet pipe says are lost. Its records name an interface and the part of its destination, and the
 * packets of these tell the channel: what is told before the first of them waits for it.
 */
export class ToldLosses {
  /** By interface of the running section, and part. */
  readonly #channels: Map<number, Channel> = new Map();
  #interfaces: readonly CaptureInterface[] | null = null;
  #waiting: Loss[] = [];

  /** Some losses wait for a packet. */
  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** What follows is of these interfaces; those of another section mean something else. */
  enter(interfaces: readonly CaptureInterface[]): void {
    if (interfaces === this.#interfaces) return;
    this.#interfaces = interfaces;
    this.#channels.clear();
    this.#waiting = [];
  }

  /** A record says that numbers are lost. */
  add(
    { interfaceId, channel: named, session, first, count }: PipeRecord,
    interfaces: readonly CaptureInterface[],
    pipeline: PacketPipeline | null,
  ): void {
    this.enter(interfaces);
    const key = keyOf(interfaceId, subchannelOfRecord(named));
    const channel = this.#channels.get(key);
    if (channel !== undefined) pipeline?.declareLost(channel, session, first, count);
    else if (this.#waiting.length < WAITING_MAX && interfaces[interfaceId]?.pipe != null) {
      this.#waiting.push({ key, session: session.slice(), first, count });
    }
  }

  /** A packet is about to be handled: what waits for its interface is told first. */
  tell(packet: SourcePacket, pipeline: PacketPipeline): void {
    const wanted = keyOf(packet.interfaceId, pipeline.flows.subchannelOf(packet));
    const mine = this.#waiting.filter(({ key }) => key === wanted);
    if (mine.length === 0) return;
    const flow = pipeline.flowOf(packet, packet.line, packet.pair);
    if (flow === null) return;
    for (const { session, first, count } of mine) pipeline.declareLost(flow.channel, session, first, count);
    this.#waiting = this.#waiting.filter((loss) => !mine.includes(loss));
  }

  /** A packet was handled. */
  learn(packet: SourcePacket, flows: FlowTable): void {
    const key = keyOf(packet.interfaceId, flows.subchannelOf(packet));
    if (this.#channels.has(key)) return;
    const channel = flows.find(packet, packet.line)?.channel;
    if (channel !== undefined) this.#channels.set(key, channel);
  }
}

function keyOf(interfaceId: number, subchannel: number): number {
  return interfaceId * 256 + subchannel;
}
