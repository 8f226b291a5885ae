import type { ByteWindow } from '../../binary/byte-window.ts';
import type { FeedCounts } from '../counts.ts';
import { type DecoderOptions, STREAM_DAMAGED, STREAM_END, STREAM_MORE, type StreamDecoder } from '../feed.ts';
import { typeName } from './layout.ts';
import { MessageStream } from './message-stream.ts';
import { SessionTable } from './sessions.ts';
import {
  LOGIN_SESSION_OFFSET,
  loginNumber,
  SOUP_END,
  SOUP_LOGIN_ACCEPTED,
  SOUP_PREFIX_BYTES,
  SOUP_SEQUENCED,
  SOUP_UNSEQUENCED,
  soupLength,
} from './soup-layout.ts';

/**
 * ITCH in a recorded SoupBinTCP stream (soup-layout.ts draws its packets). The login tells the session and the number
 * of the next sequenced message; a stream without one has no numbers, its events are numbered by their place, from 1.
 *
 * A stream holds one session without holes. A further login may repeat messages, which are then left out; one that
 * would leave a hole, change the session or come behind messages without number is an error: the book behind it
 * would be wrong.
 */
export class SoupDecoder implements StreamDecoder {
  readonly source: string;
  problem: string | null = null;
  truncated = false;
  readonly #stream: MessageStream;
  readonly #counts: FeedCounts;
  readonly #sessions: SessionTable = new SessionTable();
  /** Number of the session, −1 before the login. */
  #session = -1;
  #first = 1;
  #next = 1;
  /** Sequenced messages to come that are known already. */
  #repeated = 0;
  #duplicates = 0;
  #unsequenced = 0;
  #ended = false;

  constructor(source: string, options: DecoderOptions) {
    this.source = source;
    this.#counts = options.counts;
    this.#stream = new MessageStream(source, options, SOUP_PREFIX_BYTES);
  }

  get firstTime(): bigint | null {
    return this.#stream.firstTime;
  }

  get lastTime(): bigint | null {
    return this.#stream.lastTime;
  }

  get sequence(): StreamDecoder['sequence'] {
    if (this.#session < 0) return null;
    const isEmpty = this.#next === this.#first;
    return {
      session: this.#sessions.text(this.#session),
      first: isEmpty ? null : this.#first,
      last: isEmpty ? null : this.#next - 1,
      duplicates: this.#duplicates,
      unsequenced: this.#unsequenced,
    };
  }

  decode(window: ByteWindow): number {
    while (this.problem === null && !this.#ended) {
      if (this.#sequenced(window) > 0) continue;
      const { available, view, position } = window;
      const length = available < 2 ? 0 : view.getUint16(position);
      if (available >= 2 && length === 0) {
        this.problem = `SoupBinTCP packet of length 0 at offset ${window.offset}: expected at least its type`;
      } else if (available < 2 || available - 2 < length) {
        if (!window.ended || available === 0) return STREAM_MORE;
        this.truncated = true;
        this.problem =
          available < 2
            ? `length of a SoupBinTCP packet cut after 1 byte at offset ${window.offset}`
            : `SoupBinTCP packet of ${length} bytes cut after ${available - 2} bytes at offset ${window.offset}`;
      } else this.#packet(window, view.getUint8(position + 2), length);
    }
    return this.#ended ? STREAM_END : STREAM_DAMAGED;
  }

  /** Decodes the sequenced messages that follow. @returns how many packets that were. */
  #sequenced(window: ByteWindow): number {
    if (this.#repeated > 0) {
      const count = this.#stream.skipRun(window, SOUP_SEQUENCED, this.#repeated);
      this.#repeated -= count;
      this.#duplicates += count;
      return count;
    }
    const most = Number.MAX_SAFE_INTEGER - this.#next;
    const count = this.#stream.decodeRun(window, SOUP_SEQUENCED, this.#next, most);
    this.#next += count;
    return count;
  }

  /** Takes a whole packet that is no sequenced message. */
  #packet(window: ByteWindow, type: number, length: number): void {
    const expected = soupLength(type);
    if (expected < 0) {
      this.#counts.noteUnknown(`SoupBinTCP packet ${typeName(type)}`, 0, window.offset);
    } else if (length < expected) {
      this.problem = `SoupBinTCP packet ${typeName(type)} of ${length} bytes at offset ${window.offset}: expected ${expected}`;
      return;
    } else if (type === SOUP_UNSEQUENCED) {
      this.#unsequenced += this.#stream.decodeRun(window, SOUP_UNSEQUENCED, 0, 1);
      return;
    } else if (type === SOUP_LOGIN_ACCEPTED) {
      this.problem = this.#login(window);
      if (this.problem !== null) return;
    } else if (type === SOUP_END) this.#ended = true;
    else if (type === SOUP_SEQUENCED) {
      this.problem = `SoupBinTCP message at offset ${window.offset} has a number above 2^53 - 1`;
      return;
    }
    window.position += 2 + length;
  }

  /** @returns what is wrong with the login at the window's position, or null. */
  #login(window: ByteWindow): string | null {
    const where = `SoupBinTCP login at offset ${window.offset}`;
    const number = loginNumber(window.bytes, window.position);
    if (number === null) return `${where}: expected the number of the next message in 20 digits`;
    const session = this.#sessions.find(window.view, window.position + LOGIN_SESSION_OFFSET);
    if (this.#session < 0) {
      if (this.#next > 1) return `${where}: ${this.#next - 1} messages without a login stand in front of it`;
      this.#session = session;
      this.#first = number;
      this.#next = number;
      return null;
    }
    if (session !== this.#session) return `${where} changes the session`;
    if (number > this.#next) return `${where} goes on at message ${number}, expected at most ${this.#next}`;
    this.#repeated = this.#next - number;
    return null;
  }
}
