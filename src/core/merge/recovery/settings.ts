/**
 * What happens where numbers cannot be recovered: `log` goes on, `stale` marks the books of the channel, `exit` ends the
 * run with exit code 1.
 */
export type UnrecoverablePolicy = 'log' | 'stale' | 'exit';

/** How holes are fetched. Names and defaults are those of the peer engine's configuration; times in ns. */
export interface RecoverySettings {
  /** Attempts for each range, at least 1. */
  readonly retryAttempts: number;
  /** Before attempt n + 1: n times this. */
  readonly retryBackoffNs: number;
  /** Between the starts of two questions at least: what the venue allows. */
  readonly minRequestIntervalNs: number;
  /** How long nothing useful may come; connecting has as long. 0 = for ever. */
  readonly requestTimeoutNs: number;
  /** A range that takes longer, in whole ms, is a violation; 0 = none is. */
  readonly sloNs: number;
  readonly unrecoverablePolicy: UnrecoverablePolicy;
}

export const RECOVERY_DEFAULTS: RecoverySettings = {
  retryAttempts: 3,
  retryBackoffNs: 10_000_000,
  minRequestIntervalNs: 0,
  requestTimeoutNs: 250_000_000,
  sloNs: 100_000_000,
  unrecoverablePolicy: 'log',
};
