import { digest32 } from '../../binary/digest.ts';
import type { Datagram } from '../../packet/datagram.ts';
import {
  HEADER_DAMAGED,
  HEADER_DATA,
  HEADER_END_OF_SESSION,
  HEADER_HEARTBEAT,
  type TransportReader,
} from '../feed.ts';
import {
  BLOCK_PREFIX_BYTES,
  MOLD_COUNT_END,
  MOLD_COUNT_OFFSET,
  MOLD_HEADER_BYTES,
  MOLD_SEQUENCE_OFFSET,
} from './mold-layout.ts';
import { SESSION_REFUSED, SessionTable } from './sessions.ts';

const TWO_32 = 4294967296;
/** Up to here a loop is faster than `set`, which wants an object for the part of the array. */
const SMALL_BYTES = 256;

/**
 * Framing of MoldUDP64 (mold-layout.ts draws the packet). What stands behind the last block is not looked at.
 *
 * A packet is damaged when it is shorter than its header, when its blocks run past its end, when its numbers pass
 * 2^53 − 1, and when it names one session more than SESSIONS_MAX.
 */
export class MoldTransport implements TransportReader {
  session = 0;
  first = 0;
  count = 0;
  damageOffset = 0;
  readonly headerBytes: number = MOLD_HEADER_BYTES;
  readonly #sessions: SessionTable = new SessionTable();

  readHeader(datagram: Datagram): number {
    const { view, offset, length } = datagram;
    if (length < MOLD_HEADER_BYTES) return this.#damaged(0, 0, length);
    const first =
      view.getUint32(offset + MOLD_SEQUENCE_OFFSET) * TWO_32 +
      view.getUint32(offset + MOLD_SEQUENCE_OFFSET + 4);
    const named = view.getUint16(offset + MOLD_COUNT_OFFSET);
    const count = named === MOLD_COUNT_END ? 0 : named;
    if (first + count > Number.MAX_SAFE_INTEGER) return this.#damaged(0, 0, MOLD_SEQUENCE_OFFSET);

    const end = offset + length;
    const lastPrefix = end - BLOCK_PREFIX_BYTES;
    let at = offset + MOLD_HEADER_BYTES;
    for (let whole = 0; whole < count; whole += 1) {
      if (at > lastPrefix) return this.#damaged(first, whole, at - offset);
      const next = at + BLOCK_PREFIX_BYTES + view.getUint16(at);
      if (next > end) return this.#damaged(first, whole, at - offset);
      at = next;
    }

    const session = this.#sessions.find(view, offset);
    if (session === SESSION_REFUSED) return this.#damaged(0, 0, 0);
    this.session = session;
    this.first = first;
    this.count = count;
    if (count > 0) return HEADER_DATA;
    return named === MOLD_COUNT_END ? HEADER_END_OF_SESSION : HEADER_HEARTBEAT;
  }

  digest(datagram: Datagram, count: number, into: Int32Array): void {
    const { view } = datagram;
    let at = datagram.offset + MOLD_HEADER_BYTES;
    for (let index = 0; index < count; index += 1) {
      const length = view.getUint16(at);
      into[index] = digest32(view, at + BLOCK_PREFIX_BYTES, length);
      at += BLOCK_PREFIX_BYTES + length;
    }
  }

  cut(datagram: Datagram, first: number, skip: number, take: number, into: Uint8Array): number {
    const { bytes, view, offset } = datagram;
    let at = offset + MOLD_HEADER_BYTES;
    for (let left = skip; left > 0; left -= 1) at += BLOCK_PREFIX_BYTES + view.getUint16(at);
    const from = at;
    for (let left = take; left > 0; left -= 1) at += BLOCK_PREFIX_BYTES + view.getUint16(at);
    for (let index = 0; index < MOLD_SEQUENCE_OFFSET; index += 1) into[index] = bytes[offset + index]!;
    writeNumber(into, MOLD_SEQUENCE_OFFSET, first + skip);
    into[MOLD_COUNT_OFFSET] = take >>> 8;
    into[MOLD_COUNT_OFFSET + 1] = take;
    if (at - from <= SMALL_BYTES) {
      for (let index = from; index < at; index += 1) into[MOLD_HEADER_BYTES + index - from] = bytes[index]!;
    } else into.set(bytes.subarray(from, at), MOLD_HEADER_BYTES);
    return MOLD_HEADER_BYTES + at - from;
  }

  sessionText(session: number): string | null {
    return this.#sessions.text(session);
  }

  sessionId(session: number): Uint8Array | null {
    return this.#sessions.id(session);
  }

  sessionOf(id: Uint8Array): number {
    return this.#sessions.find(new DataView(id.buffer, id.byteOffset, id.byteLength), 0);
  }

  /** `whole` messages stand in front of the damage at `damageOffset`. */
  #damaged(first: number, whole: number, damageOffset: number): number {
    this.session = 0;
    this.first = first;
    this.count = whole;
    this.damageOffset = damageOffset;
    return HEADER_DAMAGED;
  }
}

/** Big-endian, 64 bits. */
function writeNumber(bytes: Uint8Array, at: number, value: number): void {
  let rest = value;
  for (let index = at + 7; index >= at; index -= 1) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
