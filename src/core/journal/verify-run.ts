import { join } from 'node:path';
import { MdxError } from '../errors.ts';
import { compressedName, type SegmentFile, segmentName } from './directory.ts';
import type { Disk } from './disk.ts';
import { openSegmentBytes } from './segment-bytes.ts';
import type { SegmentFacts } from './segment-facts.ts';
import { type RulesOf, SegmentVerifier } from './segment-verifier.ts';
import { hole, SoundBytes } from './sound-bytes.ts';

/** Bytes of a segment between two looks at whether to stop. */
const STEP_BYTES = 1 << 22;

/**
 * Verifies one segment of a directory, step by step: each `next` goes on for a few MB and yields how many bytes that were;
 * it returns what was found, or null where the file went away since it was listed.
 */
export function* verifySegment(
  disk: Disk,
  directory: string,
  file: SegmentFile,
  rulesOf: RulesOf,
): Generator<number, SegmentFacts | null> {
  const bytes = openSound(disk, directory, file);
  if (bytes === null) return null;
  try {
    const verifier = new SegmentVerifier(file, bytes, rulesOf);
    for (let done = 0; ; ) {
      const at = verifier.run(STEP_BYTES);
      if (at < 0) return verifier.finish();
      yield at - done;
      done = at;
    }
  } catch (error) {
    throw unreadable(join(directory, file.name), error);
  } finally {
    bytes.close();
  }
}

/** Opens a segment; null where it is not there any more, neither plain nor compressed. */
function openSound(disk: Disk, directory: string, file: SegmentFile): SoundBytes | null {
  const { number, isCompressed } = file;
  const other = {
    number,
    isCompressed: !isCompressed,
    name: isCompressed ? segmentName(number) : compressedName(number),
  };
  for (const each of number === 0 ? [file] : [file, other]) {
    try {
      return new SoundBytes(openSegmentBytes(disk, directory, each));
    } catch (error) {
      if (error instanceof MdxError && error.code === 'input-damaged') return hole(error.message);
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        throw unreadable(join(directory, each.name), error);
    }
  }
  return null;
}

function unreadable(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof MdxError || code === undefined) return error;
  return new MdxError('input-unreadable', `reading ${path}: ${message}`, { cause: error });
}
