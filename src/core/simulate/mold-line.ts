import type { FieldValue } from '../feeds/itch/fields.ts';
import { HEAD_BYTES, TYPE_COUNT, typeName } from '../feeds/itch/layout.ts';
import type { OutgoingMessage } from '../feeds/itch/message-writer.ts';
import { MoldPacketEncoder } from '../feeds/itch/mold-encoder.ts';
import { BLOCK_PREFIX_BYTES, MOLD_COUNT_OFFSET, MOLD_HEADER_BYTES } from '../feeds/itch/mold-layout.ts';
import type { ImpairedWire } from './impairment.ts';
import type { Line, LineProfile } from './line.ts';
import { countsByName, type PacketShape } from './packet-shape.ts';

/** How a line cuts its packets. */
export interface MoldLineProfile extends LineProfile {
  readonly packetBytesMax: number;
  readonly messagesMax: number;
  /** A message waits at most so long for others of its packet. */
  readonly holdNs: number;
}

/** Both carry the same messages; they differ in what the receivers of a real pair of lines must not rely on. */
export const MOLD_LINES: Readonly<Record<'A' | 'B', MoldLineProfile>> = {
  A: {
    name: 'A',
    group: '233.54.12.111',
    port: 26477,
    source: '206.200.43.66',
    sourcePort: 18000,
    packetBytesMax: 1400,
    messagesMax: 40,
    holdNs: 20_000,
    latencyNs: 4_000,
  },
  B: {
    name: 'B',
    group: '233.49.196.111',
    port: 26477,
    source: '206.200.131.66',
    sourcePort: 18001,
    packetBytesMax: 900,
    messagesMax: 17,
    holdNs: 33_000,
    latencyNs: 6_500,
  },
};

/** MoldUDP64 packets of ITCH messages. */
export const MOLD_SHAPE: PacketShape = {
  typeCount: TYPE_COUNT,
  typeName,
  tally(payload, messages, byType) {
    let at = MOLD_HEADER_BYTES;
    for (let left = messages; left > 0; left -= 1) {
      byType[payload[at + BLOCK_PREFIX_BYTES]] += 1;
      at += BLOCK_PREFIX_BYTES + blockBytes(payload, at);
    }
  },
  /** Turned, the first block runs past the end; without blocks, the packet announces some. */
  framingByte(messages) {
    return messages === 0 ? MOLD_COUNT_OFFSET : MOLD_HEADER_BYTES;
  },
  byteInside(payload, messages, random) {
    let at = MOLD_HEADER_BYTES;
    for (let skip = random.below(messages); skip > 0; skip -= 1) {
      at += BLOCK_PREFIX_BYTES + blockBytes(payload, at);
    }
    return at + BLOCK_PREFIX_BYTES + HEAD_BYTES + random.below(blockBytes(payload, at) - HEAD_BYTES);
  },
};

function blockBytes(payload: Uint8Array, at: number): number {
  return (payload[at] << 8) | payload[at + 1];
}

const HEARTBEAT_NS = 1e9;
/** The end of the session is said so often, as one may be lost. */
const ENDS = 3;

/** Cuts one line's messages into MoldUDP64 packets, with heartbeats while nothing happens. */
export class MoldLine implements Line {
  readonly profile: MoldLineProfile;
  readonly wire: ImpairedWire;
  readonly #packets: MoldPacketEncoder;
  readonly #byType: Float64Array = new Float64Array(TYPE_COUNT);
  /** Times in ns since midnight: the first message of the open packet, and the last packet. */
  #opened = 0;
  #sent = 0;

  constructor(profile: MoldLineProfile, session: string, wire: ImpairedWire) {
    this.profile = profile;
    this.wire = wire;
    this.#packets = new MoldPacketEncoder({ session, sequence: 1, packetBytesMax: profile.packetBytesMax });
  }

  /** Number of the next message. */
  get nextSequence(): number {
    return this.#packets.nextSequence;
  }

  messagesByType(): Record<string, number> {
    return countsByName(MOLD_SHAPE, this.#byType);
  }

  append(message: OutgoingMessage, time: number): void {
    this.#pass(time);
    if (!this.#packets.append(message)) {
      this.#send(time);
      this.#packets.append(message);
    }
    this.#appended(message.type, time);
  }

  appendFields(type: string, fields: Readonly<Record<string, FieldValue>>, time: number): void {
    this.#pass(time);
    if (!this.#packets.appendFields(type, fields)) {
      this.#send(time);
      this.#packets.appendFields(type, fields);
    }
    this.#appended(type.charCodeAt(0), time);
  }

  /** The session ends at `time`. */
  finish(time: number): void {
    if (this.#packets.count > 0) this.#send(time);
    for (let end = 1; end <= ENDS; end += 1) {
      this.#bare(this.#packets.endOfSession(), time + end * HEARTBEAT_NS);
    }
    this.wire.finish();
  }

  /** Time goes on to `time`: what has waited long enough goes out. */
  #pass(time: number): void {
    const due = this.#opened + this.profile.holdNs;
    if (this.#packets.count > 0 && time > due) this.#send(due);
    if (this.#sent === 0) this.#sent = time;
    while (this.#packets.count === 0 && time - this.#sent > HEARTBEAT_NS) {
      this.#bare(this.#packets.heartbeat(), this.#sent + HEARTBEAT_NS);
    }
  }

  #appended(type: number, time: number): void {
    this.#byType[type] += 1;
    const { count } = this.#packets;
    if (count === 1) this.#opened = time;
    if (count === this.profile.messagesMax) this.#send(time);
  }

  #send(time: number): void {
    const { count } = this.#packets;
    const first = this.#packets.nextSequence - count;
    this.#sent = time;
    this.wire.send(this.#packets.finish(), first, count, count, time + this.profile.latencyNs);
  }

  #bare(packet: Uint8Array, time: number): void {
    this.#sent = time;
    this.wire.ledger.heartbeats += 1;
    this.wire.send(packet, this.#packets.nextSequence, 0, 0, time + this.profile.latencyNs);
  }
}
