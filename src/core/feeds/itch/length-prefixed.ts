import type { ByteWindow } from '../../binary/byte-window.ts';
import { type DecoderOptions, STREAM_DAMAGED, STREAM_END, STREAM_MORE, type StreamDecoder } from '../feed.ts';
import { MessageStream } from './message-stream.ts';

const PREFIX_BYTES = 2;

/**
 * Bare ITCH messages, as Nasdaq's daily files hold them:
 *
 *     { length u16, big-endian · message } …     a length of 0 ends the stream
 *
 * There are no numbers: events are numbered by their place in the stream, from 1.
 */
export class LengthPrefixedDecoder implements StreamDecoder {
  readonly source: string;
  readonly sequence: null = null;
  problem: string | null = null;
  truncated = false;
  readonly #stream: MessageStream;
  #next = 1;
  #ended = false;

  constructor(source: string, options: DecoderOptions) {
    this.source = source;
    this.#stream = new MessageStream(source, options, PREFIX_BYTES);
  }

  get firstTime(): bigint | null {
    return this.#stream.firstTime;
  }

  get lastTime(): bigint | null {
    return this.#stream.lastTime;
  }

  decode(window: ByteWindow): number {
    if (this.problem !== null) return STREAM_DAMAGED;
    if (this.#ended) return STREAM_END;
    for (;;) {
      const count = this.#stream.decodeRun(window, 0, this.#next, Number.POSITIVE_INFINITY);
      if (count === 0) break;
      this.#next += count;
    }
    const { available } = window;
    const length = available < PREFIX_BYTES ? null : window.view.getUint16(window.position);
    if (length === 0) {
      window.position += PREFIX_BYTES;
      this.#ended = true;
      return STREAM_END;
    }
    if (!window.ended || available === 0) return STREAM_MORE;
    this.truncated = true;
    this.problem =
      length === null
        ? `length of a message cut after 1 byte at offset ${window.offset}`
        : `message of ${length} bytes cut after ${available - PREFIX_BYTES} bytes at offset ${window.offset}`;
    return STREAM_DAMAGED;
  }
}
