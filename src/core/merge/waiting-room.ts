import type { Datagram } from '../packet/datagram.ts';
import { PacketStore } from './packet-store.ts';
import { SkewHistogram } from './skew.ts';

/** Most packets that may wait for holes to fill, unless the options say otherwise, and most bytes of them. */
export const WAITING_PACKETS_MAX = 32768;
export const WAITING_BYTES_MAX: number = 64 * 1024 * 1024;

/** What the channels of one pipeline share: the clock, the packets that wait, and what is known of both lines. */
export class WaitingRoom {
  /** Time, ns since a zero of the owner's; never runs backwards. An array, so that setting it allocates nothing. */
  readonly clock: Float64Array = new Float64Array(1);
  /** Time of B minus time of A, of the numbers that both showed. */
  readonly skew: SkewHistogram = new SkewHistogram();
  readonly store: PacketStore = new PacketStore();
  /** Digests of the packet in hand. */
  readonly digests: Int32Array = new Int32Array(65536);
  readonly #due: Float64Array = new Float64Array(1).fill(Number.POSITIVE_INFINITY);

  /** Packets that wait now. */
  get packets(): number {
    return this.store.packets;
  }

  /** When time by itself changes something, unless packets do before: the arbiters then want `expire`. */
  get due(): number {
    return this.#due[0]!;
  }

  /** Time has come to call `expire` of every arbiter, after `rearm`. */
  get isDue(): boolean {
    return this.clock[0]! >= this.#due[0]!;
  }

  /** Forgets what was announced: the arbiters announce what is still to come when they expire. */
  rearm(): void {
    this.#due[0] = Number.POSITIVE_INFINITY;
  }

  announce(time: number): void {
    if (time < this.#due[0]!) this.#due[0] = time;
  }

  /** Has it no room for one packet more? */
  isFull(datagram: Datagram, packetsMax: number): boolean {
    const { store } = this;
    return store.packets >= packetsMax || store.bytes + datagram.length > WAITING_BYTES_MAX;
  }
}
