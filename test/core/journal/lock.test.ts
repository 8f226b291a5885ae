import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Random } from '../../../src/core/binary/random.ts';
import { JournalLock } from '../../../src/core/journal/lock.ts';
import { bootId, type Machine, thisMachine } from '../../../src/core/journal/machine.ts';
import { FaultingDisk } from '../../world/faulting-disk.ts';

const BOOT = 'b'.repeat(32);

/** A machine where these processes run, by number, with when they began. */
const machineOf = (pid: number, running: Readonly<Record<number, string>>, boot = BOOT): Machine => ({
  self: { pid, bootId: boot, started: running[pid] ?? '' },
  startOf: (each) => running[each] ?? null,
});

function diskOf(): FaultingDisk {
  const disk = new FaultingDisk(new Random(1));
  disk.makeDirectory('j');
  return disk;
}

function put(disk: FaultingDisk, text: string): void {
  const file = disk.open('j/lock', 'create');
  file.append(new TextEncoder().encode(text));
  file.close();
}

test('one writer at a time: the second is told whose the journal is', () => {
  const disk = diskOf();
  const both = { 10: '700', 11: '800' };
  const first = JournalLock.take(disk, 'j', machineOf(10, both));
  expect(() => JournalLock.take(disk, 'j', machineOf(11, both))).toThrow(
    expect.objectContaining({
      code: 'journal-busy',
      message: expect.stringContaining('process 10 writes it'),
    }),
  );
  first.check();
  first.release();
  JournalLock.take(disk, 'j', machineOf(11, both)).check();
});

test.each([
  ['is gone', machineOf(11, { 11: '800' })],
  ['was another one with the same number', machineOf(11, { 10: '701', 11: '800' })],
  ['ran before the machine has booted', machineOf(11, { 10: '700', 11: '800' }, 'c'.repeat(32))],
])('a lock whose process %s is taken over', (_, machine) => {
  const disk = diskOf();
  const stale = JournalLock.take(disk, 'j', machineOf(10, { 10: '700' }));
  const lock = JournalLock.take(disk, 'j', machine);
  lock.check();
  // Whoever held it does not give back what is another's.
  expect(() => stale.check()).toThrow(/process 11 writes it/);
  stale.release();
  lock.check();
  expect(disk.list('j')).toEqual(['lock']);
});

test.each(['', '{"pid":', 'nothing of ours\n', '{"pid":"1","bootId":"x","started":""}\n'])(
  'a lock that says %j is nobody’s',
  (text) => {
    const disk = diskOf();
    put(disk, text);
    JournalLock.take(disk, 'j', machineOf(10, { 10: '700' })).check();
  },
);

test('a disk without room for a lock keeps none', () => {
  const disk = diskOf();
  disk.failureOf = ({ kind }) => (kind === 'append' ? 'ENOSPC' : null);
  expect(() => JournalLock.take(disk, 'j', machineOf(10, { 10: '700' }))).toThrow(/ENOSPC/);
  expect(disk.list('j')).toEqual([]);
});

test('a fresh lock that was moved away as a stale one is given back', () => {
  const disk = diskOf();
  put(disk, '{"pid":9,"bootId":"","started":""}\n');
  const all = { 10: '700', 11: '800' };
  let other: JournalLock | null = null;
  // Between the look at the stale lock and its removal another process takes it over.
  disk.failureOf = ({ kind }) => {
    if (kind === 'rename' && other === null) {
      disk.failureOf = () => null;
      other = JournalLock.take(disk, 'j', machineOf(10, all));
    }
    return null;
  };
  expect(() => JournalLock.take(disk, 'j', machineOf(11, all))).toThrow(/process 10 writes it/);
  other!.check();
});

test('real processes are told from those that are gone', async () => {
  const here = thisMachine(bootId());
  expect(here.startOf(process.pid)).toBe(here.self.started);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  expect(here.startOf(child.pid!)).not.toBeNull();
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(here.startOf(child.pid!)).toBeNull();
});
