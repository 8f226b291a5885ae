import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/core/binary/random.ts';
import { segmentName } from '../../../src/core/journal/directory.ts';
import { removeOldSegments } from '../../../src/core/journal/retention.ts';
import { type DiskCall, FaultingDisk } from '../../world/faulting-disk.ts';
import {
  callsOf,
  caseOf,
  type End,
  type PowerLossCase,
  runLives,
  runPowerLoss,
} from '../../world/journal/power-loss.ts';

const CASES = 50;
/** Seconds of work, and machines are busy. */
const TIMEOUT_MS = 300_000;

// Twenty thousand of them: `npm run powerloss`.
test('journals that lose their power, their disk or their process lose nothing that was acknowledged', {
  timeout: TIMEOUT_MS,
}, () => {
  const seed = randomInt(2 ** 31);
  for (let at = 0; at < CASES; at += 1) {
    const drawn = caseOf(seed + at);
    expect(() => runPowerLoss(drawn), `npm run powerloss -- --only ${drawn.seed}`).not.toThrow();
  }
});

test('where the power goes while old segments are removed, no newer one is gone before an older one', () => {
  const names = [1, 2, 3, 4, 5].map(segmentName);
  for (let seed = 0; seed < 300; seed += 1) {
    const disk = new FaultingDisk(new Random(seed));
    disk.makeDirectory('j');
    disk.syncDirectory('');
    for (const name of names) {
      const file = disk.open(`j/${name}`, 'create');
      file.append(new Uint8Array(100));
      file.sync();
    }
    disk.syncDirectory('j');
    const call = disk.calls + 1 + (seed % 30);
    disk.failureOf = ({ number }) => (number === call ? 'power' : null);
    const removal = { disk, directory: 'j', keepBytes: 150, keepNs: null, wallTime: () => 0n };
    try {
      removeOldSegments(removal, 5);
    } catch {
      // The power is off.
    }
    const left = disk.powerOff().list('j');
    expect(left, `seed ${seed}`).toEqual(names.slice(-left.length));
  }
});

describe('at every call of a small journal', { timeout: TIMEOUT_MS }, () => {
  const small: PowerLossCase = {
    seed: 7,
    events: 60,
    options: {
      fsync: { kind: 'batch' },
      commitMs: 5,
      segmentBytes: 256e6,
      segmentEvents: 25,
      keepBytes: null,
      keepNs: null,
      compress: false,
    },
    keepBytesLater: 3000,
  };
  const calls = callsOf(small).map(({ number }) => number);
  const held = (lives: (call: number) => Parameters<typeof runLives>[1]): void => {
    for (const call of calls) {
      const seed = call % 3;
      expect(() => runLives({ ...small, seed }, lives(call)), `call ${call}, seed ${seed}`).not.toThrow();
    }
  };

  test('the power may go', () => {
    held((call) => [{ kind: 'power', call }]);
  });

  test('the disk may be full, and the power go while the next writer begins', () => {
    held((call) => [
      { kind: 'fault', call, code: 'ENOSPC', lasts: true },
      { kind: 'power', call: 20 },
    ]);
  });

  test('the disk may fail, once or for good', () => {
    held((call) => [{ kind: 'fault', call, code: 'EIO', lasts: call % 2 === 0 }]);
  });
});

describe('while a writer goes on with the unsynced work of another, the power may go', {
  timeout: TIMEOUT_MS,
}, () => {
  const never: PowerLossCase = {
    seed: 0,
    events: 20,
    options: {
      fsync: { kind: 'never' },
      commitMs: 0,
      segmentBytes: 256e6,
      segmentEvents: 5e6,
      keepBytes: null,
      keepNs: null,
      compress: false,
    },
    keepBytesLater: null,
  };
  // From the lock it takes to the first frame of its segment, also where it copies one before.
  const calls = Array.from({ length: 17 }, (_, at) => 6 + at);
  const isSync = ({ kind, path }: DiskCall): boolean => kind === 'sync' && path.endsWith('.mdxj');
  // Of the frame that closes the segment.
  const call = callsOf(never).findLast(isSync)?.number ?? 0;
  const ends: readonly (readonly [how: string, end: End])[] = [
    ['whose process is gone', { kind: 'crash', steps: 3 }],
    ['whose last sync failed', { kind: 'fault', call, code: 'EIO', lasts: false }],
    ['whose machine went off in the last sync', { kind: 'power', call }],
  ];

  test.each(ends)('%s', (_, end) => {
    for (const call of calls) {
      for (let seed = 0; seed < 12; seed += 1) {
        const lives: readonly End[] = [end, { kind: 'power', call }];
        expect(() => runLives({ ...never, seed }, lives), `call ${call}, seed ${seed}`).not.toThrow();
      }
    }
  });

  const batch: PowerLossCase = {
    ...never,
    events: 60,
    options: { ...never.options, fsync: { kind: 'batch' }, commitMs: 10 },
  };
  /** At each of the calls, each with as many disks as are needed to see what a loss of power may make of it. */
  const held = (from: number, to: number, lives: (call: number) => readonly End[], given = never): void => {
    for (let call = from; call < to; call += 1) {
      for (let seed = 0; seed < 25; seed += 1)
        expect(() => runLives({ ...given, seed }, lives(call)), `call ${call}, seed ${seed}`).not.toThrow();
    }
  };

  test('whose disk is full and takes no record of it either', () => {
    const full = callsOf(batch).findLast(({ kind }) => kind === 'append')!.number;
    const end: End = { kind: 'fault', call: full, code: 'ENOSPC', lasts: true };
    held(14, 18, (call) => [end, { kind: 'power', call }], batch);
  });

  test('who cut off a tail, and garbles the record that says so', () => {
    const begun: End = { kind: 'power', call: 22 };
    held(13, 24, (call) => [{ kind: 'off', steps: 2 }, begun, { kind: 'power', call }]);
  });

  test('behind a tail whose cut another one could not sync', () => {
    const isAppend = ({ kind, path }: DiskCall): boolean => kind === 'append' && path.endsWith('.mdxj');
    const checkpoint = callsOf(never).filter(isAppend).at(-2)!.number;
    held(14, 19, (call) => [
      { kind: 'power', call: checkpoint },
      { kind: 'fault', call, code: 'EIO', lasts: false },
      { kind: 'off', steps: 2 },
    ]);
  });

  test('behind events that a sync has lost, and nobody could say so', () => {
    for (const { number } of callsOf(batch).filter(isSync)) {
      const lost: End = { kind: 'fault', call: number, code: 'EIO', lasts: true };
      for (let seed = 0; seed < 60; seed += 1) {
        const lives: readonly End[] = [lost, { kind: 'clean', steps: 3 }];
        expect(() => runLives({ ...batch, seed }, lives), `call ${number}, seed ${seed}`).not.toThrow();
      }
    }
  });

  test('behind the beginning of a segment that is seen, and lost before anybody cuts it off', () => {
    const short: PowerLossCase = { ...never, options: { ...never.options, segmentEvents: 10 } };
    const isBegun = ({ kind, path }: DiskCall): boolean => kind === 'create' && path.endsWith('2.mdxj');
    const begun = callsOf(short).find(isBegun)!.number;
    held(
      begun + 1,
      begun + 5,
      (call) => [
        { kind: 'fault', call, code: 'ENOSPC', lasts: true },
        { kind: 'power', call: 10 },
      ],
      short,
    );
  });
});
