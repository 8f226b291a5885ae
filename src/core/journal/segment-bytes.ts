import { join } from 'node:path';
import { CompressedBytes } from './compressed-bytes.ts';
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

/** Opens a segment of the journal in `directory`. Errors are those of the system; of a compressed one `input-damaged`, too. */
export function openSegmentBytes(disk: Disk, directory: string, file: SegmentFile): SegmentBytes {
  const path = join(directory, file.name);
  return file.isCompressed ? new CompressedBytes(disk, path) : disk.open(path, 'read');
}
