import { join } from 'node:path';
import { indexName } from './directory.ts';
import type { Disk } from './disk.ts';
import { type SegmentIndex, writeIndex } from './segment-index.ts';

interface Where {
  readonly disk: Disk;
  readonly directory: string;
  readonly tell: (text: string) => void;
}

/** Writes the index of a closed segment beside it. It can be made again at any time, so one that cannot be written is only told of. */
export function saveIndex({ disk, directory, tell }: Where, index: SegmentIndex): void {
  const name = indexName(index.segment);
  try {
    // What an earlier writer left may be of another segment.
    if (disk.list(directory).includes(name)) disk.remove(join(directory, name));
    const file = disk.open(join(directory, name), 'create');
    try {
      file.append(writeIndex(index));
    } finally {
      file.close();
    }
  } catch (error) {
    tell(`the index ${join(directory, name)} is not written: ${(error as Error).message}`);
  }
}
