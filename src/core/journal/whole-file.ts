import { dirname } from 'node:path';
import type { ByteSink } from '../capture/block-buffer.ts';
import { MdxError } from '../errors.ts';
import type { Disk } from './disk.ts';

/**
 * Makes a file that is there whole or not at all, also after a loss of power: written beside its name, synced, renamed,
 * and its directory synced. Throws MdxError `output-failed` that names the step which failed; what was there under the
 * name before is still there then, unless it was the last step.
 * @param path of the file; one that is there is replaced. @param partial name to write under until it is whole.
 * @param write is given what takes the bytes.
 */
export function writeWhole(disk: Disk, path: string, partial: string, write: (sink: ByteSink) => void): void {
  let step = `making ${partial}`;
  let isThere = false;
  try {
    const file = disk.open(partial, 'create');
    isThere = true;
    step = `writing ${partial}`;
    try {
      write((bytes) => file.append(bytes));
      step = `syncing ${partial}`;
      file.sync();
    } finally {
      file.close();
    }
    step = `renaming ${partial}`;
    disk.rename(partial, path);
    isThere = false;
    step = 'syncing its directory';
    disk.syncDirectory(dirname(path));
  } catch (error) {
    if (isThere) removeQuietly(disk, partial);
    if (error instanceof MdxError) throw error;
    throw new MdxError('output-failed', `writing ${path}: ${step}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** What cannot be removed is in nobody's way: its name is no file's. */
function removeQuietly(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch {}
}
