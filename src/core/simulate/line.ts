import type { ImpairedWire } from './impairment.ts';
import { countsByName, type PacketShape } from './packet-shape.ts';

export type LineName = 'A' | 'B' | 'A snapshot' | 'B snapshot';

/** Where a line sends its packets, and how long they travel. */
export interface LineProfile {
  readonly name: LineName;
  readonly group: string;
  readonly port: number;
  readonly source: string;
  readonly sourcePort: number;
  /** From the sending to the arrival. */
  readonly latencyNs: number;
}

/** One series of numbered packets on its way to a file. */
export interface Line {
  readonly profile: LineProfile;
  readonly wire: ImpairedWire;
  /** Number that comes next: of a message or of a packet, whatever the feed counts. */
  readonly nextSequence: number;
  /** Messages that were sent on it, by the names of their types. */
  messagesByType(): Record<string, number>;
}

/** A line of a feed that numbers packets. */
export class PacketLine implements Line {
  readonly profile: LineProfile;
  readonly wire: ImpairedWire;
  nextSequence = 1;
  readonly #shape: PacketShape;
  readonly #byType: Float64Array;

  constructor(profile: LineProfile, shape: PacketShape, wire: ImpairedWire) {
    this.profile = profile;
    this.wire = wire;
    this.#shape = shape;
    this.#byType = new Float64Array(shape.typeCount);
  }

  messagesByType(): Record<string, number> {
    return countsByName(this.#shape, this.#byType);
  }

  /** Sends the next packet at `time`, ns since midnight. */
  send(packet: Uint8Array, messages: number, time: number): void {
    this.#shape.tally(packet, messages, this.#byType);
    this.wire.send(packet, this.nextSequence, 1, messages, time + this.profile.latencyNs);
    this.nextSequence += 1;
  }
}
