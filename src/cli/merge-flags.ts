import * as Flags from '@oclif/core/flags';
import type { OptionFlag } from '@oclif/core/interfaces';
import { gapTimeoutFlag, parseDuration } from './flags.ts';

/** Packets that may wait, unless said otherwise. */
const PENDING_CAP = 32_768;

export const windowFlag: OptionFlag<number | undefined> = Flags.integer({
  summary: 'report a hole at once when a number more than this above it was seen',
  helpValue: 'NUMBERS',
  min: 1,
  max: Number.MAX_SAFE_INTEGER,
});

export const pendingCapFlag: OptionFlag<number> = Flags.integer({
  summary: 'most packets that wait behind holes; more, and the oldest hole is given up',
  helpValue: 'PACKETS',
  default: PENDING_CAP,
  min: 1,
  max: 1_048_576,
});

/** How long a reported hole waits for recovery, in ns. */
export const recoveryTimeoutFlag: OptionFlag<number> = Flags.custom<number>({
  summary: 'how long a reported hole waits for the recovery source (ns, us, ms, s)',
  helpValue: 'DURATION',
  default: 100_000_000,
  defaultHelp: async () => '100ms',
  parse: async (text) => parseDuration('recovery-timeout', text),
})();

/** How holes are waited for: flags of every command that arbitrates lines. */
export const holeFlags: {
  readonly 'gap-timeout': typeof gapTimeoutFlag;
  readonly window: typeof windowFlag;
  readonly 'pending-cap': typeof pendingCapFlag;
  readonly 'recovery-timeout': typeof recoveryTimeoutFlag;
} = {
  'gap-timeout': gapTimeoutFlag,
  window: windowFlag,
  'pending-cap': pendingCapFlag,
  'recovery-timeout': recoveryTimeoutFlag,
};
