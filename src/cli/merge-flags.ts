import * as Flags from '@oclif/core/flags';
import type { OptionFlag } from '@oclif/core/interfaces';
import type { RecoverySettings, UnrecoverablePolicy } from '../core/merge/recovery/settings.ts';
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

/** How long live lines may bring nothing before a command ends, in ms. */
export const idleTimeoutFlag: OptionFlag<number | undefined> = Flags.custom<number>({
  summary: 'end when live lines have brought nothing for so long; they go on for ever unless given',
  helpValue: 'DURATION',
  parse: async (text) => parseDuration('idle-timeout', text) / 1e6,
})();

/** Settings of the client that fetches what was lost; the names and defaults are those of core. */
export const recoveryFlags: {
  readonly recovery: OptionFlag<string | undefined>;
  readonly 'recovery-timeout': typeof recoveryTimeoutFlag;
  readonly 'retry-attempts': OptionFlag<number>;
  readonly 'retry-backoff': OptionFlag<number>;
  readonly 'min-request-interval': OptionFlag<number>;
  readonly 'request-timeout': OptionFlag<number>;
  readonly slo: OptionFlag<number>;
  readonly 'unrecoverable-policy': OptionFlag<string>;
  readonly backlog: OptionFlag<string | undefined>;
} = {
  recovery: Flags.string({
    summary: 'server that lost packets are fetched from: tcp://HOST:PORT or mold+udp://HOST:PORT',
    helpValue: 'ENDPOINT',
  }),
  'recovery-timeout': recoveryTimeoutFlag,
  'retry-attempts': Flags.integer({
    summary: 'how often a range is asked for',
    helpValue: 'COUNT',
    default: 3,
    min: 1,
    max: 1000,
  }),
  'retry-backoff': durationFlag('retry-backoff', 'pause before attempt n + 1: n times this', 10e6, '10ms'),
  'min-request-interval': durationFlag('min-request-interval', 'least time between two requests', 0, '0'),
  'request-timeout': durationFlag(
    'request-timeout',
    'how long an answer, or a connection, may keep still',
    250e6,
    '250ms',
  ),
  slo: durationFlag('slo', 'a range that takes longer is counted; 0 = none is', 100e6, '100ms'),
  'unrecoverable-policy': Flags.string({
    summary: 'what to do where recovery fails: go on (log, stale: books say so), or end with 1 (exit)',
    options: ['log', 'stale', 'exit'],
    default: 'log',
  }),
  backlog: Flags.string({
    summary: 'append every step of every recovery to this file',
    helpValue: 'FILE',
  }),
};

export interface RecoveryFlags {
  readonly recovery: string | undefined;
  readonly 'retry-attempts': number;
  readonly 'retry-backoff': number;
  readonly 'min-request-interval': number;
  readonly 'request-timeout': number;
  readonly slo: number;
  readonly 'unrecoverable-policy': string;
  readonly backlog: string | undefined;
}

/** The settings that these flags choose. */
export function recoverySettings(flags: RecoveryFlags): RecoverySettings {
  return {
    retryAttempts: flags['retry-attempts'],
    retryBackoffNs: flags['retry-backoff'],
    minRequestIntervalNs: flags['min-request-interval'],
    requestTimeoutNs: flags['request-timeout'],
    sloNs: flags.slo,
    unrecoverablePolicy: flags['unrecoverable-policy'] as UnrecoverablePolicy,
  };
}

function durationFlag(name: string, summary: string, ns: number, shown: string): OptionFlag<number> {
  return Flags.custom<number>({
    summary: `${summary} (ns, us, ms, s)`,
    helpValue: 'DURATION',
    default: ns,
    defaultHelp: async () => shown,
    parse: async (text) => parseDuration(name, text),
  })();
}

/** How holes are waited for: flags of every command that arbitrates lines. */
export const holeFlags: {
  readonly 'gap-timeout': typeof gapTimeoutFlag;
  readonly window: typeof windowFlag;
  readonly 'pending-cap': typeof pendingCapFlag;
} = {
  'gap-timeout': gapTimeoutFlag,
  window: windowFlag,
  'pending-cap': pendingCapFlag,
};
