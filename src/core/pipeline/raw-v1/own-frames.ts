import {
  CONTROL_BYTES,
  GAP_BYTES,
  HEADER_BYTES,
  TYPE_GAP,
  TYPE_HEARTBEAT,
} from '../../feeds/raw-v1/layout.ts';

const NO_SCALE = 255;

/** A frame that tells the reader of the stream that these cursors are lost. */
export function gapFrame(first: number, last: number): Buffer {
  const frame = begin(TYPE_GAP, GAP_BYTES);
  frame.writeBigUInt64LE(BigInt(first), HEADER_BYTES);
  frame.writeBigUInt64LE(BigInt(last), HEADER_BYTES + 8);
  return frame;
}

/** A frame that tells the reader of the stream which history it is of. */
export function historyFrame(epoch: string): Buffer {
  const frame = begin(TYPE_HEARTBEAT, CONTROL_BYTES);
  frame.writeBigUInt64LE(BigInt.asUintN(64, BigInt(`0x${epoch}`)), HEADER_BYTES);
  frame[HEADER_BYTES + 21] = NO_SCALE;
  frame[HEADER_BYTES + 22] = NO_SCALE;
  return frame;
}

function begin(type: number, payload: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + payload);
  frame.write('OBv1', 'latin1');
  frame[4] = 1;
  frame.writeUInt16LE(type, 6);
  frame.writeUInt32LE(payload, 44);
  return frame;
}
