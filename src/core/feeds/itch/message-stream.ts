import type { ByteWindow } from '../../binary/byte-window.ts';
import { toBigUint } from '../../binary/time.ts';
import type { DecoderOptions } from '../feed.ts';
import { HEAD_BYTES, TIMESTAMP_OFFSET } from './layout.ts';
import { MessageDecoder } from './messages.ts';

/** Most messages that are found before they are decoded. */
const RUN_MESSAGES_MAX = 4096;

/** What the stream framings share: finding whole messages of one kind in the window, and decoding them in runs. */
export class MessageStream {
  readonly #messages: MessageDecoder;
  readonly #prefixBytes: number;
  readonly #midnight: bigint | null;
  /** Of the first and last message that were long enough to have one: ns since 1970, or since midnight where the day is not known. */
  firstTime: bigint | null = null;
  lastTime: bigint | null = null;

  constructor(source: string, options: DecoderOptions, prefixBytes: number) {
    this.#prefixBytes = prefixBytes;
    this.#midnight = options.midnight;
    this.#messages = new MessageDecoder(source, options, {
      prefixBytes,
      receiveIsVenue: options.midnight !== null,
    });
  }

  /**
   * Decodes the whole messages that follow at the window's position, up to `take`, numbered from `sequence` (0: not
   * numbered), and moves behind them. `packetType`, if not 0, is what has to stand behind their length; a run also
   * ends in front of a length of 0.
   * @returns how many there were.
   */
  decodeRun(window: ByteWindow, packetType: number, sequence: number, take: number): number {
    const { view, position, limit } = window;
    const most = Math.min(take, RUN_MESSAGES_MAX);
    const timed = HEAD_BYTES + this.#prefixBytes - 2;
    let first = -1;
    let last = -1;
    let end = position;
    let count = 0;
    while (count < most && limit - end >= this.#prefixBytes) {
      const length = view.getUint16(end);
      if (length === 0 || limit - end - 2 < length) break;
      if (packetType !== 0 && view.getUint8(end + 2) !== packetType) break;
      if (length >= timed) {
        if (first < 0) first = end;
        last = end;
      }
      end += 2 + length;
      count += 1;
    }
    if (count === 0) return 0;
    if (last >= 0) {
      this.firstTime ??= this.#timeAt(view, first);
      this.lastTime = this.#timeAt(view, last);
    }
    this.#messages.origin = -window.base;
    this.#messages.decode(view, position, count, sequence, 0, 0);
    window.position = end;
    return count;
  }

  /** Leaves out up to `take` whole packets of a kind; otherwise as `decodeRun`. */
  skipRun(window: ByteWindow, packetType: number, take: number): number {
    let count = 0;
    while (count < take && window.available > 2) {
      const length = window.view.getUint16(window.position);
      if (length === 0 || window.available - 2 < length) break;
      if (window.view.getUint8(window.position + 2) !== packetType) break;
      window.position += 2 + length;
      count += 1;
    }
    return count;
  }

  /** Time of the message whose prefix is at `offset`. */
  #timeAt(view: DataView, offset: number): bigint {
    const at = offset + this.#prefixBytes + TIMESTAMP_OFFSET;
    const time = toBigUint(view.getUint16(at), view.getInt32(at + 2));
    return this.#midnight === null ? time : this.#midnight + time;
  }
}
