/**
 * SoupBinTCP packet, big-endian, and the types that a recorded stream may hold:
 *
 *     0 length u16, of what follows · 2 type char · 3 payload
 *
 *     S sequenced message · U message without number · + debug text
 *     A login accepted: session, 10 characters · number of the next S, 20 digits, padded with blanks on the left
 *     J login rejected · H heartbeat · Z end of session · from the client: L login · R heartbeat · O logout
 */
export const SOUP_PREFIX_BYTES = 3;

export const SOUP_SEQUENCED = 0x53;
export const SOUP_UNSEQUENCED = 0x55;
export const SOUP_LOGIN_ACCEPTED = 0x41;
const SOUP_LOGIN_REJECTED = 0x4a;
const SOUP_LOGIN = 0x4c;
const SOUP_HEARTBEAT = 0x48;
const SOUP_CLIENT_HEARTBEAT = 0x52;
const SOUP_LOGOUT = 0x4f;
export const SOUP_DEBUG = 0x2b;
export const SOUP_END = 0x5a;

/** Offsets and sizes in a login accepted, from its length field on. */
const LOGIN_ACCEPTED_LENGTH = 31;
export const LOGIN_SESSION_OFFSET = 3;
const LOGIN_NUMBER_OFFSET = 13;
const LOGIN_NUMBER_BYTES = 20;

/** The length that packets of a type have; 0 where it varies, −1 for a type that SoupBinTCP does not know. */
export function soupLength(type: number): number {
  switch (type) {
    case SOUP_SEQUENCED:
    case SOUP_UNSEQUENCED:
    case SOUP_DEBUG:
      return 0;
    case SOUP_LOGIN_ACCEPTED:
      return LOGIN_ACCEPTED_LENGTH;
    case SOUP_LOGIN_REJECTED:
      return 2;
    case SOUP_LOGIN:
      return 47;
    case SOUP_HEARTBEAT:
    case SOUP_CLIENT_HEARTBEAT:
    case SOUP_LOGOUT:
    case SOUP_END:
      return 1;
    default:
      return -1;
  }
}

/** Number in a login accepted whose first byte (of its length) is at `offset`; null when it is none from 1 to 2^53 − 1. */
export function loginNumber(bytes: Uint8Array, offset: number): number | null {
  let number = 0;
  let digits = 0;
  for (let at = 0; at < LOGIN_NUMBER_BYTES; at += 1) {
    const digit = bytes[offset + LOGIN_NUMBER_OFFSET + at] - 0x30;
    if (digit === -0x10 && digits === 0) continue;
    if (digit < 0 || digit > 9) return null;
    digits += 1;
    number = number * 10 + digit;
  }
  return number >= 1 && number <= Number.MAX_SAFE_INTEGER ? number : null;
}
