import type { FieldValue } from '../feeds/itch/fields.ts';
import type { OutgoingMessage } from '../feeds/itch/message-writer.ts';
import { MoldPacketEncoder } from '../feeds/itch/mold-encoder.ts';
import type { ImpairedWire } from './impairment.ts';

/** How a line cuts its packets and where it sends them. */
export interface LineProfile {
  readonly name: 'A' | 'B';
  readonly group: string;
  readonly port: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly packetBytesMax: number;
  readonly messagesMax: number;
  /** A message waits at most so long for others of its packet. */
  readonly holdNs: number;
  /** From the end of the wait to the arrival. */
  readonly latencyNs: number;
}

/** Both carry the same messages; they differ in what the receivers of a real pair of lines must not rely on. */
export const LINES: Readonly<Record<'A' | 'B', LineProfile>> = {
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

const HEARTBEAT_NS = 1e9;
/** The end of the session is said so often, as one may be lost. */
const ENDS = 3;

/** Cuts one line's messages into MoldUDP64 packets, with heartbeats while nothing happens. */
export class Line {
  readonly profile: LineProfile;
  readonly wire: ImpairedWire;
  readonly #packets: MoldPacketEncoder;
  /** Times in ns since midnight: the first message of the open packet, and the last packet. */
  #opened = 0;
  #sent = 0;

  constructor(profile: LineProfile, session: string, wire: ImpairedWire) {
    this.profile = profile;
    this.wire = wire;
    this.#packets = new MoldPacketEncoder({ session, sequence: 1, packetBytesMax: profile.packetBytesMax });
  }

  /** Number of the next message. */
  get nextSequence(): number {
    return this.#packets.nextSequence;
  }

  append(message: OutgoingMessage, time: number): void {
    this.#pass(time);
    if (!this.#packets.append(message)) {
      this.#send(time);
      this.#packets.append(message);
    }
    this.#appended(time);
  }

  appendFields(type: string, fields: Readonly<Record<string, FieldValue>>, time: number): void {
    this.#pass(time);
    if (!this.#packets.appendFields(type, fields)) {
      this.#send(time);
      this.#packets.appendFields(type, fields);
    }
    this.#appended(time);
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

  #appended(time: number): void {
    const { count } = this.#packets;
    if (count === 1) this.#opened = time;
    if (count === this.profile.messagesMax) this.#send(time);
  }

  #send(time: number): void {
    const { count } = this.#packets;
    const first = this.#packets.nextSequence - count;
    this.#sent = time;
    this.wire.send(this.#packets.finish(), first, count, time + this.profile.latencyNs);
  }

  #bare(packet: Uint8Array, time: number): void {
    this.#sent = time;
    this.wire.ledger.heartbeats += 1;
    this.wire.send(packet, this.#packets.nextSequence, 0, time + this.profile.latencyNs);
  }
}
