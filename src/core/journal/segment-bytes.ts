import { join } from 'node:path';
import { MdxError } from '../errors.ts';
import type { SegmentFile } from './directory.ts';
import type { Disk } from './disk.ts';

/** The frames of a segment, however they are kept. */
export interface SegmentBytes {
  /** All frames together, uncompressed; of a file that is being written, when it was opened: `read` may reach further. */
  readonly bytes: number;
  /** Fills `into` from an offset among them. @returns bytes read; fewer only at the end. */
  read(into: Uint8Array, offset: number): number;
  close(): void;
}

/** Opens a segment of the journal in `directory`. Errors are those of the system, and of a compressed file that is none. */
export function openSegmentBytes(disk: Disk, directory: string, file: SegmentFile): SegmentBytes {
  const path = join(directory, file.name);
  if (file.isCompressed) throw new MdxError('input-format', `${path}: a compressed segment`);
  return disk.open(path, 'read');
}
