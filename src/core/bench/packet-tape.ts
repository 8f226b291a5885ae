import type { PacketDecoder } from '../feeds/feed.ts';
import { Datagram } from '../packet/datagram.ts';
import { inSteps } from './steps.ts';

const PACKETS_PER_STEP = 256;

/** Packets in memory, back to back in one buffer, played to a decoder as if they had just arrived. */
export class PacketTape {
  packets = 0;
  #used = 0;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #starts: Int32Array;
  readonly #datagram: Datagram = new Datagram();

  constructor(bytesMax: number, packetsMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
    this.#starts = new Int32Array(packetsMax + 1);
    this.#datagram.attach(this.#bytes);
  }

  get bytes(): number {
    return this.#used;
  }

  /** Appends a packet. Throws RangeError when the tape is full. */
  put(packet: Uint8Array): void {
    this.#bytes.set(packet, this.#used);
    this.#used += packet.length;
    this.packets += 1;
    this.#starts[this.packets] = this.#used;
  }

  clear(): void {
    this.packets = 0;
    this.#used = 0;
  }

  /** Hands the packets `from` … `to − 1` to a decoder; packet n arrives n + 1 µs after 1970. */
  play(decoder: PacketDecoder, from: number, to: number): void {
    inSteps(to - from, PACKETS_PER_STEP, (first, end) => this.#hand(decoder, from + first, from + end));
  }

  #hand(decoder: PacketDecoder, from: number, to: number): void {
    const datagram = this.#datagram;
    const starts = this.#starts;
    for (let packet = from; packet < to; packet += 1) {
      datagram.offset = starts[packet]!;
      datagram.length = starts[packet + 1]! - datagram.offset;
      datagram.packetNumber = packet + 1;
      datagram.timeLow = ((packet + 1) * 1000) | 0;
      decoder.readHeader(datagram);
      decoder.decode(datagram, decoder.first, 0, decoder.count);
    }
  }
}
