import { join } from 'node:path';
import { DURABLE_BYTES, DURABLE_NAME, type DurableRecord, writeDurable } from './directory.ts';
import type { Disk } from './disk.ts';
import { JournalLock } from './lock.ts';
import type { Machine } from './machine.ts';
import type { TornTail } from './verify-judge.ts';

/**
 * Cuts off the torn tail of a journal, and nothing else; a segment of which nothing is whole is removed. The durable record
 * keeps its place and says that what stood behind it is not to be relied on, so that whoever goes on begins a new epoch.
 * Throws MdxError `journal-busy` while a process writes the journal, and what the disk throws.
 */
export function repairJournal(
  disk: Disk,
  directory: string,
  machine: Machine,
  { name, offset }: TornTail,
  durable: DurableRecord | null,
): void {
  const lock = JournalLock.take(disk, directory, machine);
  try {
    if (durable !== null && durable.segment > 0) distrust(disk, directory, durable);
    const path = join(directory, name);
    if (offset === 0) disk.remove(path);
    else {
      const file = disk.open(path, 'modify');
      try {
        file.truncate(offset);
        file.sync();
      } finally {
        file.close();
      }
    }
    disk.syncDirectory(directory);
  } finally {
    lock.release();
  }
}

function distrust(disk: Disk, directory: string, durable: DurableRecord): void {
  const bytes = new Uint8Array(DURABLE_BYTES);
  writeDurable(new DataView(bytes.buffer), { ...durable, failed: true });
  const file = disk.open(join(directory, DURABLE_NAME), 'modify');
  try {
    file.write(bytes, 0);
    file.sync();
  } finally {
    file.close();
  }
}
