import { MdxError } from '../errors.ts';
import { FRAME_HEADER_BYTES } from '../journal/frame.ts';
import type { JournalReader } from '../journal/journal-reader.ts';
import { bootId } from '../journal/machine.ts';
import type { SegmentBytes } from '../journal/segment-bytes.ts';
import { scanSegment, tailVerdict } from '../journal/segment-scan.ts';
import { SegmentWalk, WALK_BAD, WALK_END } from '../journal/segment-walk.ts';

/** A frame that can be trusted behind one that cannot. */
export interface FrameBehind {
  /** Byte of the segment where it begins. */
  readonly offset: number;
  readonly frame: number;
  /** Number of its first event, or of the next one. */
  readonly event: number;
  /** Sum of the payload in front of it. */
  readonly lastCrc: number;
}

/** The first frame that can be trusted behind a place in a segment; null where there is none. */
export function frameBehind(journal: JournalReader, at: number, offset: number): FrameBehind | null {
  return withBytes(journal, at, (bytes) => {
    const walk = new SegmentWalk(bytes);
    for (;;) {
      const answer = walk.next();
      if (answer === WALK_END) return null;
      if (answer === WALK_BAD) continue;
      if (walk.offset > offset) {
        const header = walk.at - FRAME_HEADER_BYTES;
        return {
          offset: walk.offset,
          frame: walk.frameNumber,
          event: walk.eventNumber,
          lastCrc: walk.window.view.getInt32(header + 60, true),
        };
      }
      // How many events it has is of no account for finding frames.
      walk.accept(0);
    }
  });
}

/** How many bytes at the end of the last segment were being written and were never promised; null where it is not torn. */
export function tornBytes(journal: JournalReader): number | null {
  const at = journal.files.length - 1;
  return withBytes(journal, at, (bytes) => {
    const verdict = tailVerdict(scanSegment(bytes), journal.files[at]!.number, journal.durable, bootId());
    return verdict.verdict === 'torn' ? verdict.bytes : null;
  });
}

/** @returns null where what is compressed cannot be read. */
function withBytes<T>(journal: JournalReader, at: number, use: (bytes: SegmentBytes) => T | null): T | null {
  let bytes: SegmentBytes | null = null;
  try {
    bytes = journal.open(at);
    return use(bytes);
  } catch (error) {
    if (!(error instanceof MdxError) || error.code !== 'input-damaged') throw error;
    return null;
  } finally {
    bytes?.close();
  }
}
