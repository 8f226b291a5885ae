import type { Datagram } from '../../packet/datagram.ts';
import type { Detection, Framing } from '../feed.ts';
import { DAY_NS, HEAD_BYTES, LENGTH_BY_TYPE, MESSAGE_BYTES_MAX } from './layout.ts';
import { BLOCK_PREFIX_BYTES, MOLD_COUNT_END, MOLD_COUNT_OFFSET, MOLD_HEADER_BYTES } from './mold-layout.ts';
import {
  loginNumber,
  SOUP_DEBUG,
  SOUP_LOGIN_ACCEPTED,
  SOUP_PREFIX_BYTES,
  SOUP_SEQUENCED,
  SOUP_UNSEQUENCED,
  soupLength,
} from './soup-layout.ts';

/** Messages or packets of a stream that are looked at. */
const LOOKED_AT_MAX = 100;
const TWO_32 = 4294967296;

/**
 * Is it a MoldUDP64 packet of ITCH messages? Its blocks must fill it to the byte, and each must be a message as
 * `looksLikeMessage` says. A packet without messages could be anything: no.
 */
export function detectMoldDatagram(datagram: Datagram): Detection {
  const { view, offset, length } = datagram;
  if (length <= MOLD_HEADER_BYTES) return 'no';
  const count = view.getUint16(offset + MOLD_COUNT_OFFSET);
  if (count === 0 || count === MOLD_COUNT_END) return 'no';
  const end = offset + length;
  let at = offset + MOLD_HEADER_BYTES;
  for (let left = count; left > 0; left -= 1) {
    if (end - at < BLOCK_PREFIX_BYTES + HEAD_BYTES) return 'no';
    const bytes = view.getUint16(at);
    at += BLOCK_PREFIX_BYTES;
    if (bytes > end - at || !looksLikeMessage(view, at, bytes)) return 'no';
    at += bytes;
  }
  return at === end ? 'yes' : 'no';
}

/** Framing of a stream by its first bytes, or null if it begins with neither. One whole message is the least. */
export function detectMessageStream(head: Uint8Array): Framing | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (isLengthPrefixed(view)) return 'length-prefixed';
  return isSoup(view, head) ? 'soupbintcp' : null;
}

/** A known type, exactly its length, and a time of day. */
function looksLikeMessage(view: DataView, at: number, bytes: number): boolean {
  if (bytes < HEAD_BYTES || bytes !== LENGTH_BY_TYPE[view.getUint8(at)]) return false;
  return view.getUint16(at + 5) * TWO_32 + view.getUint32(at + 7) < DAY_NS;
}

/** The first must be a message and at least half of them: types that are new or damaged do not make a file unreadable. */
function isLengthPrefixed(view: DataView): boolean {
  const limit = view.byteLength;
  let at = 0;
  let messages = 0;
  let odd = 0;
  while (messages + odd < LOOKED_AT_MAX && limit - at >= BLOCK_PREFIX_BYTES) {
    const bytes = view.getUint16(at);
    at += BLOCK_PREFIX_BYTES;
    if (bytes > MESSAGE_BYTES_MAX) return false;
    // The end mark, or what the head does not show.
    if (bytes === 0 || bytes > limit - at) break;
    if (looksLikeMessage(view, at, bytes)) messages += 1;
    else if (messages === 0) return false;
    else odd += 1;
    at += bytes;
  }
  return messages > 0 && odd <= messages;
}

/** Every packet must be one that SoupBinTCP has, and at least half of their messages such of ITCH; a login counts as one. */
function isSoup(view: DataView, head: Uint8Array): boolean {
  const limit = view.byteLength;
  let at = 0;
  let proofs = 0;
  let odd = 0;
  for (let packets = 0; packets < LOOKED_AT_MAX && limit - at >= SOUP_PREFIX_BYTES; packets += 1) {
    const bytes = view.getUint16(at);
    const type = view.getUint8(at + 2);
    const expected = soupLength(type);
    if (expected < 0 || bytes === 0 || (expected > 0 && bytes !== expected)) return false;
    const isMessage = type === SOUP_SEQUENCED || type === SOUP_UNSEQUENCED;
    if (isMessage && bytes > MESSAGE_BYTES_MAX + 1) return false;
    if (bytes > limit - at - 2) break;
    if (type === SOUP_LOGIN_ACCEPTED) {
      if (loginNumber(head, at) === null) return false;
      proofs += 1;
    } else if (isMessage) {
      if (looksLikeMessage(view, at + SOUP_PREFIX_BYTES, bytes - 1)) proofs += 1;
      else odd += 1;
    } else if (type === SOUP_DEBUG && !isText(head, at + SOUP_PREFIX_BYTES, bytes - 1)) return false;
    at += 2 + bytes;
  }
  return proofs > 0 && odd <= proofs;
}

function isText(head: Uint8Array, at: number, bytes: number): boolean {
  for (let end = at + bytes; at < end; at += 1) {
    if (head[at] < 0x20 || head[at] > 0x7e) return false;
  }
  return true;
}
