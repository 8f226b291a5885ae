import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import type { Random } from '../../../src/core/binary/random.ts';
import { CapturedPacket } from '../../../src/core/capture/captured-packet.ts';
import { SKIP_NAMES, UDP_OK, UdpExtractor } from '../../../src/core/capture/udp.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { Broken, type Episode, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 2048;
const FRAME_BYTES = 2048;
const MARGIN = 64;
/** Every link type that is known, and one that is not. */
const LINK_TYPES = Int32Array.of(
  1,
  1,
  1,
  1,
  1,
  1,
  0,
  12,
  14,
  101,
  108,
  113,
  228,
  229,
  240,
  241,
  274,
  276,
  147,
);

/** Frames of any link type through the way down to UDP; bytes around the frame never matter. */
export function ethernetTarget(frames: readonly Uint8Array[]): Target {
  return {
    name: 'ethernet',
    title: 'frames → link layer, IP, UDP; the payload lies in the frame, bytes outside it change nothing',
    share: 116,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new EthernetEpisode(frames, random, outcomes),
  };
}

class EthernetEpisode implements Episode {
  readonly #frames: readonly Uint8Array[];
  readonly #random: Random;
  readonly #frame: Scratch = new Scratch(FRAME_BYTES);
  readonly #window: ByteWindow = new ByteWindow(FRAME_BYTES + 2 * MARGIN);
  readonly #packet: CapturedPacket = new CapturedPacket();
  readonly #extractor: UdpExtractor = new UdpExtractor();
  readonly #datagram: Datagram = new Datagram();
  readonly #outcomes: Outcomes;
  readonly #counts: Float64Array = new Float64Array(SKIP_NAMES.length);

  constructor(frames: readonly Uint8Array[], random: Random, outcomes: Outcomes) {
    this.#frames = frames;
    this.#random = random;
    this.#outcomes = outcomes;
  }

  next(): void {
    const random = this.#random;
    const frame = this.#frame;
    frame.set(this.#frames[random.below(this.#frames.length)]!);
    mutate(frame, random, this.#frames[random.below(this.#frames.length)]!);
    const packet = this.#packet;
    packet.dataOffset = MARGIN;
    packet.capturedLength = frame.length;
    packet.originalLength = frame.length + (random.below(8) === 0 ? random.below(64) : 0);
    packet.linkType = LINK_TYPES[random.below(LINK_TYPES.length)]!;
    packet.fcsLength = random.below(4) === 0 ? random.below(9) : 0;
    // The IP header where this link type expects it, half of the time.
    if (packet.linkType !== 1 && random.below(2) === 0) cutTo(frame, packet);
    const outcome = this.#extract(0);
    const { offset, length, destinationPort } = this.#datagram;
    this.#counts[outcome]! += 1;
    same('outcome with other bytes around', this.#extract(0xff), outcome);
    if (outcome !== UDP_OK) return;
    same('payload with other bytes around', this.#datagram.offset, offset);
    same('its length', this.#datagram.length, length);
    same('its port', this.#datagram.destinationPort, destinationPort);
    if (offset < MARGIN || offset + length > MARGIN + frame.length)
      throw new Broken(`a payload at ${offset - MARGIN}, ${length} bytes, of a frame of ${frame.length}`);
    itch.detectDatagram!(this.#datagram);
  }

  end(): void {
    for (const [outcome, name] of SKIP_NAMES.entries()) this.#outcomes.add(name, this.#counts[outcome]!);
  }

  #extract(around: number): number {
    const { bytes } = this.#window;
    const end = MARGIN + this.#frame.length;
    bytes.fill(around, 0, MARGIN);
    bytes.set(this.#frame.content(), MARGIN);
    bytes.fill(around, end, end + MARGIN);
    return this.#extractor.extract(this.#packet, this.#window, this.#datagram);
  }
}

/** Takes the Ethernet header off, as captures without one have it. */
function cutTo(frame: Scratch, packet: CapturedPacket): void {
  if (frame.length <= 14) return;
  frame.bytes.copyWithin(0, 14, frame.length);
  frame.length -= 14;
  packet.capturedLength = frame.length;
  packet.originalLength = Math.max(packet.originalLength - 14, frame.length);
}
