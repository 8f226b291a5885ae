import { nsBetween } from '../binary/time.ts';

/** How fast datagrams go out. */
export type WireRate =
  /** As they were captured, so many times as fast. */
  | { readonly kind: 'recorded'; readonly factor: number }
  | { readonly kind: 'packets'; readonly perSecond: number }
  /** Bits of UDP payload. */
  | { readonly kind: 'bits'; readonly perSecond: number }
  | { readonly kind: 'top' };

const NS = 1e9;
const BITS_NS = 8e9;

/**
 * When each datagram is due, in ns after the first one. Every time is computed from the beginning (from a capture time,
 * a count, a sum of bytes), never from the one before, so nothing adds up. Due times never fall. The capture can
 * be played several times: the next pass begins one average distance behind the last datagram of the one before.
 */
export class WireSchedule {
  readonly #rate: WireRate;
  #packets = 0;
  #bytes = 0;
  /** Of this pass: when it began, how many were sent in it, and the capture time of its first datagram. */
  #passDue = 0;
  #passPackets = 0;
  #anchorHigh = 0;
  #anchorLow = 0;
  #last = 0;

  constructor(rate: WireRate) {
    this.#rate = rate;
  }

  /** When a datagram that was captured at this time is due. Time 0 = unknown: with the one before it. */
  due(timeHigh: number, timeLow: number): number {
    const rate = this.#rate;
    if (rate.kind === 'recorded') return this.#recorded(timeHigh, timeLow, rate.factor);
    if (rate.kind === 'packets') return (this.#packets * NS) / rate.perSecond;
    if (rate.kind === 'bits') return (this.#bytes * BITS_NS) / rate.perSecond;
    return 0;
  }

  /** A datagram with this many bytes, which was due then, has gone out. */
  sent(due: number, bytes: number): void {
    this.#packets += 1;
    this.#passPackets += 1;
    this.#bytes += bytes;
    this.#last = due;
  }

  /** What comes next is the beginning of the capture again. */
  rewind(): void {
    const steps = this.#passPackets - 1;
    const distance = steps > 0 ? (this.#last - this.#passDue) / steps : 0;
    this.#passDue = this.#last + distance;
    this.#passPackets = 0;
    this.#anchorHigh = 0;
    this.#anchorLow = 0;
  }

  #recorded(timeHigh: number, timeLow: number, factor: number): number {
    if ((timeHigh | timeLow) === 0) return Math.max(this.#last, this.#passDue);
    if ((this.#anchorHigh | this.#anchorLow) === 0) {
      this.#anchorHigh = timeHigh;
      this.#anchorLow = timeLow;
    }
    const since = nsBetween(timeHigh, timeLow, this.#anchorHigh, this.#anchorLow);
    return Math.max(this.#last, this.#passDue + since / factor);
  }
}
