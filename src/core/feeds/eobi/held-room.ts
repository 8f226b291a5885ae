import type { Datagram } from '../../packet/datagram.ts';
import type { HeldPart } from './product.ts';

/** Most packets, and most bytes of them, that may wait for snapshots or belong to unfinished ones. */
const PACKETS_MAX = 65_536;
const BYTES_MAX: number = 64 * 1024 * 1024;

/** Counts the packets that wait, of all products together. */
export class HeldRoom {
  #packets = 0;
  #bytes = 0;

  hasRoom(bytes: number): boolean {
    return this.#packets < PACKETS_MAX && this.#bytes + bytes <= BYTES_MAX;
  }

  /** A part of a packet that is over when this turn is: a copy of it waits. */
  keep(datagram: Datagram, channel: number, from: number, to: number): HeldPart {
    return this.hold(datagram.copy(), channel, from, to);
  }

  /** A part of a packet that stays as it is until it is forgotten. */
  hold(datagram: Datagram, channel: number, from: number, to: number): HeldPart {
    this.#packets += 1;
    this.#bytes += datagram.length;
    return { datagram, channel, from, to };
  }

  forget({ datagram }: HeldPart): void {
    this.#packets -= 1;
    this.#bytes -= datagram.length;
  }
}
