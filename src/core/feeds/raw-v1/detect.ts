import {
  AT_VERSION,
  LENGTH_MAX,
  MAGIC,
  OLD_HEADER_BYTES,
  PREFIX_BYTES,
  VERSION_AND_CODEC,
} from './layout.ts';

/** Bytes that tell a recording. */
export const DETECT_BYTES: number = PREFIX_BYTES + AT_VERSION + 2;

/** Is this the beginning of a recording of raw-v1 frames? Its first frame must be one; what is in it is not looked at. */
export function isRawV1(head: Uint8Array): boolean {
  if (head.length < DETECT_BYTES) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const length = view.getUint32(0, true);
  return (
    length >= OLD_HEADER_BYTES &&
    length <= LENGTH_MAX &&
    view.getUint32(PREFIX_BYTES, true) === MAGIC &&
    view.getUint16(PREFIX_BYTES + AT_VERSION, true) === VERSION_AND_CODEC
  );
}
