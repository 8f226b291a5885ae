import type { RingOptions } from '../backend.ts';

/** A ring for recording: 32 MB, in blocks that are handed over after a millisecond at the latest. */
export const RING_DEFAULTS: RingOptions = {
  version: 3,
  blockBytes: 1 << 18,
  blocks: 128,
  blockTimeoutMs: 1,
  fanout: null,
};
