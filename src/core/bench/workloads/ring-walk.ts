import { parseAddress } from '../../capture/address.ts';
import { frameBytes, synthesizeEthernet } from '../../capture/ethernet.ts';
import type { Subscription } from '../../net/backend.ts';
import { FrameTaker } from '../../net/linux/frame-taker.ts';
import { BlockReader, STATUS_CSUM_VALID, STATUS_USER } from '../../net/linux/ring-reader.ts';
import { UnixTime } from '../../net/linux/unix-time.ts';
import { LINE_DEFAULTS } from '../../net/subscription.ts';
import { PacketPool } from '../../packet/packet-pool.ts';
import { inSteps } from '../steps.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { PAYLOAD_BYTES, SLOT_BYTES, SLOTS } from './receive.ts';

/** A block's header, a packet's header with what the kernel leaves free behind it, and how packets are aligned. */
const BLOCK_HEAD = 48;
const PACKET_HEAD = 82;
const ALIGN = 16;
const SECONDS = 1_758_720_600;
const SOURCE_PORT = 1234;

/** The packets of a ring of version 3, as the kernel would have written them, found, checked and copied into the pool. */
export function walkRing(options: WorkloadOptions): Workload {
  const image = new RingImage();
  const units = Math.floor(options.events / image.packets) * image.packets || image.packets;
  return {
    units,
    bytes: units * PAYLOAD_BYTES,
    note: null,
    reset() {},
    run() {
      for (let done = 0; done < units; done += image.packets) {
        image.handOver();
        inSteps(image.packets, image.perBlock, (from, to) => image.walk(to - from));
      }
    },
    checksum: () => null,
  };
}

class RingImage {
  readonly perBlock: number;
  readonly packets: number;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #reader: BlockReader;
  readonly #taker: FrameTaker;
  readonly #time: UnixTime = new UnixTime();
  readonly #pool: PacketPool = new PacketPool(SLOTS, SLOT_BYTES);
  #slot = 0;

  constructor() {
    const { blockBytes, blocks } = LINE_DEFAULTS.ring;
    const destination = parseAddress('239.255.77.64')!;
    const subscription: Subscription = { group: destination, port: 31_064, iface: null, source: null };
    this.#words = new Int32Array((blockBytes * blocks) / 4);
    const bytes = new Uint8Array(this.#words.buffer);
    this.#view = new DataView(this.#words.buffer);
    const length = frameBytes(4, PAYLOAD_BYTES);
    const step = Math.ceil((PACKET_HEAD + length) / ALIGN) * ALIGN;
    this.perBlock = Math.floor((blockBytes - BLOCK_HEAD) / step);
    this.packets = this.perBlock * blocks;
    const header = {
      timeHigh: 0,
      timeLow: 0,
      ipVersion: 4,
      source: parseAddress('10.77.64.1')!.words,
      sourcePort: SOURCE_PORT,
      destination: destination.words,
      destinationPort: subscription.port,
    };
    const payload = new Uint8Array(PAYLOAD_BYTES);
    for (let block = 0; block < blocks; block += 1) {
      const start = block * blockBytes;
      this.#view.setUint32(start + 12, this.perBlock, true);
      this.#view.setUint32(start + 16, BLOCK_HEAD, true);
      for (let index = 0; index < this.perBlock; index += 1) {
        const at = start + BLOCK_HEAD + index * step;
        this.#describe(at, index + 1 === this.perBlock ? 0 : step, index, length);
        synthesizeEthernet(
          bytes,
          this.#view,
          at + PACKET_HEAD,
          header,
          65,
          payload,
          0,
          PAYLOAD_BYTES,
          PAYLOAD_BYTES,
        );
      }
    }
    this.#reader = new BlockReader(this.#words, blockBytes, blocks);
    this.#taker = new FrameTaker({ bytes, view: this.#view }, [subscription]);
  }

  /** As if the kernel had filled all blocks. */
  handOver(): void {
    const { blockBytes, blocks } = LINE_DEFAULTS.ring;
    for (let block = 0; block < blocks; block += 1) {
      this.#view.setUint32(block * blockBytes + 8, STATUS_USER, true);
    }
  }

  walk(packets: number): void {
    const reader = this.#reader;
    const taker = this.#taker;
    const time = this.#time;
    for (let packet = 0; packet < packets; packet += 1) {
      if (!reader.next() || !taker.look(reader.at, reader.captured, reader.wire, false)) {
        throw new RangeError('a packet of the image was not taken');
      }
      time.set(reader.seconds, reader.nanoseconds);
      taker.fill(this.#pool, this.#slot, time.high, time.low, 0, 0);
      this.#slot = (this.#slot + 1) % SLOTS;
    }
    reader.release();
  }

  #describe(at: number, next: number, nanoseconds: number, length: number): void {
    const view = this.#view;
    view.setUint32(at, next, true);
    view.setUint32(at + 4, SECONDS, true);
    view.setUint32(at + 8, nanoseconds, true);
    view.setUint32(at + 12, length, true);
    view.setUint32(at + 16, length, true);
    view.setUint32(at + 20, STATUS_CSUM_VALID, true);
    view.setUint16(at + 24, PACKET_HEAD, true);
  }
}
