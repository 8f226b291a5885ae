import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  callsOf,
  caseOf,
  type PowerLossCase,
  runLives,
  runPowerLoss,
} from '../../world/journal/power-loss.ts';

const CASES = 120;

// Twenty thousand of them: `npm run powerloss`.
test('journals that lose their power, their disk or their process lose nothing that was acknowledged', () => {
  const seed = randomInt(2 ** 31);
  for (let at = 0; at < CASES; at += 1) {
    const drawn = caseOf(seed + at);
    expect(() => runPowerLoss(drawn), `npm run powerloss -- --only ${drawn.seed}`).not.toThrow();
  }
});

describe('at every call of a small journal', () => {
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
  };
  const calls = Array.from({ length: callsOf(small) }, (_, at) => at + 1);
  const held = (lives: (call: number) => Parameters<typeof runLives>[1]): void => {
    for (const call of calls) {
      for (const seed of [7, 8]) {
        expect(() => runLives({ ...small, seed }, lives(call)), `call ${call}, seed ${seed}`).not.toThrow();
      }
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
