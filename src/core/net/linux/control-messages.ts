import {
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  SO_RXQ_OVFL,
  SO_TIMESTAMPING,
  SO_TIMESTAMPING_NEW,
  SO_TIMESTAMPNS,
  SO_TIMESTAMPNS_NEW,
  SOL_SOCKET,
} from './constants.ts';
import { UnixTime } from './unix-time.ts';

const HEADER_BYTES = 16;

/** Room for a time (80), the drops (24) and the destination (40). */
export const CONTROL_BYTES = 144;

/** Where the time of a packet comes from. */
export const TIME_NONE = 0;
export const TIME_SOFTWARE = 1;
export const TIME_HARDWARE = 2;

/**
 * Reads what the kernel says beside a datagram: a list of
 *
 *     length@0 u64, these 16 bytes included · level@8 · type@12 · data@16, the next one at a multiple of 8
 *
 * SOL_SOCKET TIMESTAMPNS: a timespec · TIMESTAMPING: three, software, unused, hardware · RXQ_OVFL: u32 drops so far ·
 * PKTINFO: the destination.
 */
export class ControlMessages {
  readonly time: UnixTime = new UnixTime();
  /** TIME_* */
  timeSource: number = TIME_NONE;
  /** Drops of the socket when the datagram was queued, u32 as a signed word; 0 while there are none. */
  drops = 0;
  /** Where the destination address lies in the memory (4 or 16 bytes), −1 where it was not asked for. */
  destinationAt: number = -1;

  read(view: DataView, start: number, length: number): void {
    this.timeSource = TIME_NONE;
    this.destinationAt = -1;
    const end = start + length;
    let at = start;
    while (end - at >= HEADER_BYTES) {
      const bytes = view.getInt32(at, true);
      if (bytes < HEADER_BYTES || bytes > end - at) return;
      this.#one(view, view.getInt32(at + 8, true), view.getInt32(at + 12, true), at + HEADER_BYTES, bytes);
      at += (bytes + 7) & ~7;
    }
  }

  #one(view: DataView, level: number, type: number, at: number, bytes: number): void {
    if (level === SOL_SOCKET) {
      if ((type === SO_TIMESTAMPNS || type === SO_TIMESTAMPNS_NEW) && bytes >= HEADER_BYTES + 16) {
        this.#timespec(view, at, TIME_SOFTWARE);
      } else if ((type === SO_TIMESTAMPING || type === SO_TIMESTAMPING_NEW) && bytes >= HEADER_BYTES + 48) {
        this.#timespec(view, at, TIME_SOFTWARE);
        this.#timespec(view, at + 32, TIME_HARDWARE);
      } else if (type === SO_RXQ_OVFL && bytes >= HEADER_BYTES + 4) {
        this.drops = view.getInt32(at, true);
      }
    } else if (level === IPPROTO_IP && type === IP_PKTINFO && bytes >= HEADER_BYTES + 12) {
      this.destinationAt = at + 8;
    } else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO && bytes >= HEADER_BYTES + 20) {
      this.destinationAt = at;
    }
  }

  /** A time of zero is none. */
  #timespec(view: DataView, at: number, source: number): void {
    const seconds = view.getUint32(at, true);
    if (seconds === 0) return;
    this.time.set(seconds, view.getInt32(at + 8, true));
    this.timeSource = source;
  }
}
