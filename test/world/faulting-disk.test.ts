import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../src/core/binary/random.ts';
import type { Disk } from '../../src/core/journal/disk.ts';
import { type DiskCall, type Failure, FaultingDisk } from './faulting-disk.ts';

const SECTOR = 512;
const BYTES = Uint8Array.from({ length: 1700 }, (_, at) => (at % 251) + 1);

/** A disk whose directory `j` will be there. */
function diskOf(seed: number): FaultingDisk {
  const disk = new FaultingDisk(new Random(seed));
  disk.makeDirectory('j');
  disk.syncDirectory('');
  return disk;
}

/** A file of `j`; null where it is not there. */
function contents(disk: Disk, path: string): Uint8Array | null {
  if (!disk.list('j').includes(path.slice(2))) return null;
  const file = disk.open(path, 'read');
  const bytes = new Uint8Array(file.bytes + 1);
  return bytes.slice(0, file.read(bytes, 0));
}

function write(disk: Disk, path: string, bytes: Uint8Array): void {
  const file = disk.open(path, 'create');
  file.append(bytes);
  file.close();
}

/** What `look` finds behind the loss of power of many disks. */
function found<T>(work: (disk: FaultingDisk) => void, look: (disk: FaultingDisk) => T): Set<T> {
  const all = new Set<T>();
  for (let seed = 0; seed < 400; seed += 1) {
    const disk = diskOf(seed);
    work(disk);
    all.add(look(disk.powerOff()));
  }
  return all;
}

/** Is a sector of what is left as it was written? */
function sectors(bytes: Uint8Array | null): string {
  if (bytes === null) return 'no file';
  let text = '';
  for (let at = 0; at < BYTES.length; at += SECTOR) {
    const part = bytes.subarray(at, at + SECTOR);
    const isWhole = Buffer.compare(part, BYTES.subarray(at, at + SECTOR)) === 0;
    text += part.length === 0 ? '-' : isWhole ? '+' : part.every((byte) => byte === 0) ? '0' : '?';
  }
  return text;
}

test('what was synced with its name is there again, and readers see it all before', () => {
  void fc.assert(
    fc.property(fc.integer(), fc.array(fc.nat(BYTES.length), { maxLength: 6 }), (seed, cuts) => {
      const disk = diskOf(seed);
      const file = disk.open('j/a', 'create');
      const ends = [...cuts, BYTES.length].sort((a, b) => a - b);
      for (const [index, end] of ends.entries()) file.append(BYTES.subarray(ends[index - 1] ?? 0, end));
      file.write(Uint8Array.of(9, 9), 3);
      const expected = Uint8Array.from(BYTES);
      expected.set([9, 9], 3);
      expect(contents(disk, 'j/a')).toEqual(expected);
      file.sync();
      disk.syncDirectory('j');
      file.truncate(4);
      expect(contents(disk, 'j/a')).toEqual(Uint8Array.of(1, 2, 3, 9));
      file.truncate(1700);
      const left = contents(disk.powerOff(), 'j/a')!;
      expect(left.subarray(0, 4)).toEqual(Uint8Array.of(1, 2, 3, 9));
    }),
  );
});

test('sectors that were not synced are kept, lost and garbled, each for itself', () => {
  const work = (disk: FaultingDisk): void => {
    write(disk, 'j/a', BYTES);
    disk.syncDirectory('j');
  };
  const all = found(work, (disk) => sectors(contents(disk, 'j/a')));
  for (const expected of ['++++', '----', '+---', '++--']) expect([...all]).toContain(expected);
  for (const expected of [/0.*\+/, /\+.*0.*-/, /\+.*\?/, /\?.*\+/, /\?-+/]) {
    expect([...all]).toContainEqual(expect.stringMatching(expected));
  }
});

test('what was overwritten without a sync is as before, as after, or neither', () => {
  const work = (disk: FaultingDisk): void => {
    const file = disk.open('j/a', 'create');
    file.append(new Uint8Array(8));
    file.sync();
    disk.syncDirectory('j');
    file.write(Uint8Array.of(255, 255), 2);
  };
  const all = found(work, (disk) => contents(disk, 'j/a')!.join());
  expect([...all]).toContain('0,0,0,0,0,0,0,0');
  expect([...all]).toContain('0,0,255,255,0,0,0,0');
  expect(all.size).toBeGreaterThan(4);
  for (const text of all) expect(text).toMatch(/^0,0,\d+,\d+,0,0,0,0$/);
});

test('names that were not synced are there or not, and a rename is never half done', () => {
  const work = (disk: FaultingDisk): void => {
    write(disk, 'j/old', Uint8Array.of(1));
    disk.syncDirectory('j');
    write(disk, 'j/new', Uint8Array.of(2));
    disk.rename('j/new', 'j/moved');
    disk.remove('j/old');
    expect(disk.list('j')).toEqual(['moved']);
  };
  const all = found(work, (disk) => disk.list('j').join());
  expect(all).toEqual(new Set(['', 'moved', 'moved,old', 'new', 'new,old', 'old']));
});

test('a directory whose parent was not synced may be gone with all that is in it', () => {
  const all = new Set<string>();
  for (let seed = 0; seed < 50; seed += 1) {
    const disk = new FaultingDisk(new Random(seed));
    disk.makeDirectory('j');
    const file = disk.open('j/a', 'create');
    file.append(BYTES);
    file.sync();
    disk.syncDirectory('j');
    all.add(disk.powerOff().list('j').join());
  }
  expect(all).toEqual(new Set(['', 'a']));
});

test('a call fails with its code; a write may have been a short one', () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 50; seed += 1) {
    const disk = diskOf(seed);
    const file = disk.open('j/a', 'create');
    const fails = (kind: DiskCall['kind'], code: Failure): void => {
      disk.failureOf = (call) => (call.kind === kind ? code : null);
    };
    fails('append', 'ENOSPC');
    expect(() => file.append(Uint8Array.of(1, 2, 3))).toThrow(
      expect.objectContaining({ code: 'ENOSPC', message: "ENOSPC: no space left on device, append 'j/a'" }),
    );
    lengths.add(file.bytes);
    fails('create', 'EACCES');
    expect(() => disk.open('j/b', 'create')).toThrow(/EACCES/);
    expect(disk.list('j')).toEqual(['a']);
  }
  expect(lengths).toEqual(new Set([0, 1, 2, 3]));
});

test('a failed sync leaves bytes that nobody knows, and a later one does not save them', () => {
  const seen = new Set<string>();
  const work = (disk: FaultingDisk): void => {
    const file = disk.open('j/a', 'create');
    disk.syncDirectory('j');
    file.append(BYTES);
    disk.failureOf = ({ kind }) => (kind === 'sync' ? 'EIO' : null);
    expect(() => file.sync()).toThrow(/EIO/);
    disk.failureOf = () => null;
    file.sync();
    expect(file.bytes).toBe(BYTES.length);
    seen.add(sectors(contents(disk, 'j/a')));
  };
  const left = found(work, (disk) => sectors(contents(disk, 'j/a')));
  expect([...left]).toContain('----');
  expect([...left]).toContain('++++');
  expect([...seen]).toContain('0000');
  expect([...seen]).toContain('++++');
});

test('no call is heard of once the power is off, and of a sync under way nobody knows', () => {
  const all = new Set<string>();
  for (let seed = 0; seed < 50; seed += 1) {
    const disk = diskOf(seed);
    const file = disk.open('j/a', 'create');
    disk.syncDirectory('j');
    file.append(BYTES);
    disk.failureOf = ({ kind }) => (kind === 'sync' ? 'power' : null);
    expect(() => file.sync()).toThrow(/EIO/);
    expect(() => file.sync()).toThrow(/EIO/);
    expect(() => disk.list('j')).toThrow(/EIO/);
    all.add(sectors(contents(disk.powerOff(), 'j/a')));
  }
  expect(all.size).toBeGreaterThan(3);
});

test('files are opened as a disk of the machine opens them', () => {
  const disk = diskOf(1);
  expect(() => disk.open('j/a', 'modify')).toThrow(/ENOENT/);
  expect(() => disk.open('none/a', 'create')).toThrow(/ENOENT/);
  write(disk, 'j/a', BYTES);
  expect(() => disk.open('j/a', 'create')).toThrow(/EEXIST/);
  expect(() => disk.open('j/a', 'read').append(BYTES)).toThrow(/EBADF/);
  const closed = disk.open('j/a', 'modify');
  closed.close();
  expect(() => closed.append(BYTES)).toThrow(/EBADF/);
  expect(disk.list('none')).toEqual([]);
  expect(disk.free('j')).toBe(1e12);
});
