import { expect, test } from 'vitest';
import { Random } from '../../../src/core/binary/random.ts';
import { writeWhole } from '../../../src/core/journal/whole-file.ts';
import { type Failure, FaultingDisk } from '../../world/faulting-disk.ts';

const OLD = Uint8Array.from({ length: 700 }, () => 1);
const NEW = Uint8Array.from({ length: 1500 }, (_, at) => at);

function diskWith(seed: number): FaultingDisk {
  const disk = new FaultingDisk(new Random(seed));
  disk.makeDirectory('/d');
  disk.syncDirectory('/');
  write(disk, OLD);
  return disk;
}

function write(disk: FaultingDisk, bytes: Uint8Array): void {
  writeWhole(disk, '/d/x.snap', '/d/x.snap.1.partial', (sink) => {
    for (let at = 0; at < bytes.length; at += 512) sink(bytes.subarray(at, at + 512));
  });
}

function contentOf(disk: FaultingDisk): Uint8Array {
  const file = disk.open('/d/x.snap', 'read');
  const bytes = new Uint8Array(file.bytes);
  file.read(bytes, 0);
  file.close();
  return bytes;
}

test('a file is the old or the new one, whichever call fails or the power goes with, and the new one once it is said', () => {
  const outcomes = new Set<string>();
  for (const failure of ['ENOSPC', 'EIO', 'power'] as const satisfies readonly Failure[]) {
    for (let call = 1; call < 14; call += 1) {
      for (let seed = 0; seed < 8; seed += 1) {
        const disk = diskWith(seed);
        const last = disk.calls + call;
        disk.failureOf = ({ number }) => (number === last ? failure : null);
        let said: string | null = null;
        try {
          write(disk, NEW);
        } catch (error) {
          said = (error as Error).message;
        }
        const content = contentOf(disk.powerOff());
        const isNew = Buffer.from(content).equals(NEW);
        expect(isNew || Buffer.from(content).equals(OLD)).toBe(true);
        if (said === null) expect(isNew).toBe(true);
        else outcomes.add(/: ((?:making|writing|syncing|renaming)[^:]*): /.exec(said)?.[1] ?? said);
      }
    }
  }
  expect([...outcomes].toSorted((left, right) => (left < right ? -1 : 1))).toEqual([
    'making /d/x.snap.1.partial',
    'renaming /d/x.snap.1.partial',
    'syncing /d/x.snap.1.partial',
    'syncing its directory',
    'writing /d/x.snap.1.partial',
  ]);
});
