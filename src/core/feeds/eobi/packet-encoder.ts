import {
  fieldOf,
  ID_HEARTBEAT,
  MESSAGE_HEAD_BYTES,
  NULL_U32,
  PACKET_HEADER_BYTES,
  type Release,
} from './layout.ts';
import { OutgoingMessage } from './outgoing-message.ts';

/** One product of a channel and the number of its latest message. */
export interface MarketSegment {
  readonly id: number;
  /** MsgSeqNum of the last message, 0 = none yet. */
  msgSeqNum: number;
}

export interface T7PacketOptions {
  readonly release: Release;
  readonly partition: number;
  /** Most bytes of a packet. */
  readonly packetBytesMax: number;
}

const MSG_SEQ_NUM_OFFSET = 4;
/** Of the PacketHeader; padding in older releases. */
const DSCP_OFFSET = 19;

/**
 * Writes the packets of one partition on one multicast address: a PacketHeader, and the messages of one product behind
 * it. `append` until it answers false, `finish`, and on. ApplSeqNum counts packets from 1, MsgSeqNum the messages of
 * each product; the first packet says that ApplSeqNum starts anew.
 *
 * What `finish` and `heartbeat` return is the encoder's own buffer: valid until the next call.
 */
export class T7PacketEncoder {
  /** ApplSeqNum of the next packet. */
  nextNumber = 1;
  /** Messages in the packet so far. */
  count = 0;
  /** The product whose messages it has; null = it is empty. */
  segment: MarketSegment | null = null;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;
  readonly #bytesMax: number;
  readonly #heartbeat: OutgoingMessage;
  readonly #lastProcessed: number;
  readonly #applSeqNum: number;
  readonly #marketSegment: number;
  readonly #completion: number;
  readonly #reset: number;
  readonly #transactTime: number;
  #used = PACKET_HEADER_BYTES;

  constructor({ release, partition, packetBytesMax }: T7PacketOptions) {
    this.#bytesMax = packetBytesMax;
    this.#bytes = new Uint8Array(packetBytesMax);
    this.#view = new DataView(this.#bytes.buffer);
    const { packetHeader } = release;
    const header = new OutgoingMessage(release, packetHeader.templateId);
    header.put32(MSG_SEQ_NUM_OFFSET, NULL_U32);
    header.put8(header.at('PartitionID'), partition);
    header.put8(DSCP_OFFSET, 0);
    this.#bytes.set(header.bytes);
    this.#applSeqNum = fieldOf(packetHeader, 'ApplSeqNum').offset;
    this.#marketSegment = fieldOf(packetHeader, 'MarketSegmentID').offset;
    this.#completion = fieldOf(packetHeader, 'CompletionIndicator').offset;
    this.#reset = fieldOf(packetHeader, 'ApplSeqResetIndicator').offset;
    this.#transactTime = fieldOf(packetHeader, 'TransactTime').offset;
    this.#heartbeat = new OutgoingMessage(release, ID_HEARTBEAT);
    this.#heartbeat.put32(MSG_SEQ_NUM_OFFSET, NULL_U32);
    this.#lastProcessed = this.#heartbeat.at('LastMsgSeqNumProcessed');
  }

  /** Can the packet take so many more bytes of messages of this product? */
  fits(segment: MarketSegment, bytes: number): boolean {
    const isOf = this.segment === null || this.segment === segment;
    return isOf && this.#used + bytes <= this.#bytesMax;
  }

  /**
   * Appends a message and numbers it. @returns false when the packet is of another product or has no room: finish it
   * and append again. Throws RangeError for what no packet can hold.
   */
  append(segment: MarketSegment, message: OutgoingMessage): boolean {
    const { bytes } = message;
    if (!this.fits(segment, bytes.length)) {
      if (this.count > 0) return false;
      throw new RangeError(
        `a message of ${bytes.length} bytes does not fit a T7 packet of ${this.#bytesMax}`,
      );
    }
    this.segment = segment;
    segment.msgSeqNum += 1;
    this.#bytes.set(bytes, this.#used);
    this.#view.setInt32(this.#used + MSG_SEQ_NUM_OFFSET, segment.msgSeqNum, true);
    this.#used += bytes.length;
    this.count += 1;
    return true;
  }

  /**
   * The packet with what was appended; the next one begins. Throws RangeError when nothing was.
   * @param complete false where more packets of the same transaction follow.
   */
  finish(complete: boolean, timeHigh: number, timeLow: number): Uint8Array<ArrayBuffer> {
    const { segment } = this;
    if (segment === null) throw new RangeError('a T7 packet without messages');
    const packet = this.#packet(segment, this.#used, complete, timeHigh, timeLow);
    this.#used = PACKET_HEADER_BYTES;
    this.count = 0;
    this.segment = null;
    return packet;
  }

  /** A heartbeat of a product. Throws RangeError when messages wait to be finished. */
  heartbeat(segment: MarketSegment, timeHigh: number, timeLow: number): Uint8Array<ArrayBuffer> {
    if (this.count > 0) throw new RangeError(`${this.count} messages wait: finish the packet first`);
    this.#heartbeat.put32(this.#lastProcessed, segment.msgSeqNum);
    this.#bytes.set(this.#heartbeat.bytes, PACKET_HEADER_BYTES);
    const bytes = PACKET_HEADER_BYTES + this.#heartbeat.bytes.length;
    return this.#packet(segment, bytes, true, timeHigh, timeLow);
  }

  #packet(
    segment: MarketSegment,
    bytes: number,
    complete: boolean,
    timeHigh: number,
    timeLow: number,
  ): Uint8Array<ArrayBuffer> {
    const view = this.#view;
    view.setInt32(this.#applSeqNum, this.nextNumber, true);
    view.setInt32(this.#marketSegment, segment.id, true);
    view.setUint8(this.#completion, complete ? 1 : 0);
    view.setUint8(this.#reset, this.nextNumber === 1 ? 1 : 0);
    view.setInt32(this.#transactTime, timeLow, true);
    view.setInt32(this.#transactTime + 4, timeHigh, true);
    this.nextNumber += 1;
    return this.#bytes.subarray(0, bytes);
  }
}

/** Messages of a T7 packet behind its header. */
export function messagesIn(packet: Uint8Array): number {
  let count = 0;
  for (let at = PACKET_HEADER_BYTES; at + MESSAGE_HEAD_BYTES <= packet.length; count += 1) {
    at += Math.max(MESSAGE_HEAD_BYTES, packet[at] | (packet[at + 1] << 8));
  }
  return count;
}
