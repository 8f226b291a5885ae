import { ByteWindow } from '../../binary/byte-window.ts';
import { FRAME_BYTES_MAX, PREFIX_BYTES } from '../../feeds/raw-v1/layout.ts';
import { type ByteSource, Interrupted } from '../raw-source.ts';

const WINDOW_BYTES: number = 4 * (FRAME_BYTES_MAX + PREFIX_BYTES);

/** Where recorded frames go. */
export interface FrameTarget {
  /** Whoever read it has left. */
  readonly closed: boolean;
  write(bytes: Uint8Array): void;
  /** The place to wait for a slow disk or reader. */
  drain(): Promise<void>;
}

export interface Recorded {
  frames: number;
  bytes: number;
  /** Why it ended before its source did. */
  stopped: 'limit' | 'request' | 'readerLeft' | null;
}

/** Copies the whole frames of a source, at most `framesMax`. */
export async function recordFrames(
  source: ByteSource,
  target: FrameTarget,
  framesMax: number,
  recorded: Recorded,
): Promise<void> {
  const window = new ByteWindow(WINDOW_BYTES);
  for (;;) {
    const before = recorded.bytes;
    let end = window.position;
    while (recorded.frames < framesMax && window.limit - end >= PREFIX_BYTES) {
      const length = PREFIX_BYTES + window.view.getUint32(end, true);
      if (window.limit - end < length) break;
      end += length;
      recorded.frames += 1;
      recorded.bytes += length;
    }
    if (recorded.bytes > before) target.write(window.bytes.subarray(window.position, end));
    window.position = end;
    await target.drain();
    if (target.closed) recorded.stopped = 'readerLeft';
    else if (recorded.frames >= framesMax) recorded.stopped = 'limit';
    if (recorded.stopped !== null) return;
    try {
      if (!(await source.fill(window))) return;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      recorded.stopped = 'request';
      return;
    }
  }
}
