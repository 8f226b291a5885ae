import { KIND_BY_RTYPE } from './layout.ts';

/** Message types as counted and printed: the rtype, or this plus the action of an mbo record. */
export const TYPE_MBO_ACTION = 256;
export const TYPE_COUNT = 512;

/** Name of a message type: `mbo:A`, `mbp-1`, `rtype 0x99`. */
export function typeName(type: number): string {
  if (type < TYPE_MBO_ACTION) return KIND_BY_RTYPE[type]?.name ?? `rtype ${hexByte(type)}`;
  const action = type - TYPE_MBO_ACTION;
  return `mbo:${action > 0x20 && action < 0x7f ? String.fromCharCode(action) : hexByte(action)}`;
}

function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
