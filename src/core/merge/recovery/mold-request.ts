/**
 * MoldUDP64 request, big-endian, sent to a re-request server by UDP:
 *
 *     0 session, 10 characters · 10 first number wanted u64 · 18 messages wanted u16, 1 … 65,534
 *
 * The answer is an ordinary packet with as many of them as fit, or nothing: one asks again for the rest.
 */
export const MOLD_REQUEST_BYTES = 20;
export const MOLD_REQUEST_MESSAGES_MAX = 65534;
const SESSION_BYTES = 10;
const BLANK = 0x20;
const TWO_32 = 4294967296;

/** @param session at most ten bytes, filled up with blanks; null = all blanks. */
export function moldRequest(session: Uint8Array | null, first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(MOLD_REQUEST_BYTES);
  bytes.fill(BLANK, 0, SESSION_BYTES);
  if (session !== null) bytes.set(session.subarray(0, SESSION_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint32(10, Math.floor(first / TWO_32));
  view.setUint32(14, first % TWO_32);
  view.setUint16(18, Math.min(count, MOLD_REQUEST_MESSAGES_MAX));
  return bytes;
}

/** A request as a server reads it. */
export class MoldRequest {
  readonly session: Uint8Array = new Uint8Array(SESSION_BYTES);
  first = 0;
  last = 0;

  /** @returns what is wrong with it, or null. Numbers that pass 2^53 − 1 are refused. */
  read(bytes: Uint8Array): string | null {
    if (bytes.length !== MOLD_REQUEST_BYTES)
      return `${bytes.length} bytes, a request has ${MOLD_REQUEST_BYTES}`;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const high = view.getUint32(10);
    const first = high * TWO_32 + view.getUint32(14);
    const count = view.getUint16(18);
    if (count === 0 || count > MOLD_REQUEST_MESSAGES_MAX) return `${count} messages`;
    if (high > 0x1fffff || first < 1 || first > Number.MAX_SAFE_INTEGER - (count - 1)) {
      return 'numbers that are not in 1 … 2^53 − 1';
    }
    this.session.set(bytes.subarray(0, SESSION_BYTES));
    this.first = first;
    this.last = first + count - 1;
    return null;
  }
}
