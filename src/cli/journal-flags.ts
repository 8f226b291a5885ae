import * as Flags from '@oclif/core/flags';
import type { BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { parseSize } from '../core/config/size.ts';
import { MdxError } from '../core/errors.ts';
import type { FsyncPolicy, JournalOptions } from '../core/journal/journal-options.ts';
import { sizeFlag } from './size-flag.ts';

/** What the flags about journals say, undefined = not given. */
export interface JournalFlags {
  readonly fsync: FsyncPolicy | undefined;
  readonly 'min-free': number | undefined;
  readonly 'segment-size': number | undefined;
  readonly 'segment-events': number | undefined;
  readonly compress: boolean;
  readonly keep: Keep | undefined;
}

/** How much of a journal is kept. */
interface Keep {
  readonly bytes: number | null;
  readonly ns: number | null;
}

export const JOURNAL_FLAGS = [
  'fsync',
  'min-free',
  'segment-size',
  'segment-events',
  'compress',
  'keep',
] as const;

const FSYNC_DEFAULT: FsyncPolicy = { kind: 'interval', ms: 100 };
const SEGMENT_BYTES_DEFAULT = 256_000_000;
const SEGMENT_EVENTS_DEFAULT = 5_000_000;
/** Events that somebody may wait for are in a frame after so long at the latest. */
export const JOURNAL_COMMIT_MS = 10;

export const journalFlags: {
  fsync: OptionFlag<FsyncPolicy | undefined>;
  'min-free': OptionFlag<number | undefined>;
  'segment-size': OptionFlag<number | undefined>;
  'segment-events': OptionFlag<number | undefined>;
  compress: BooleanFlag<boolean>;
  keep: OptionFlag<Keep | undefined>;
} = {
  fsync: Flags.custom<FsyncPolicy>({
    summary: 'when a journal is synced: never (but at its ends), interval=MS (100), batch',
    helpValue: 'POLICY',
    parse: async (text) => {
      if (text === 'never' || text === 'batch') return { kind: text };
      const ms = /^interval=(\d{1,9})$/.exec(text);
      if (ms !== null) return { kind: 'interval', ms: Number(ms[1]) };
      throw new MdxError(
        'usage',
        `--fsync ${text}: expected never, interval=MS such as interval=100, or batch`,
      );
    },
  })(),
  'min-free': sizeFlag('min-free', 'stop writing a journal when less is free on its disk'),
  'segment-size': sizeFlag('segment-size', 'begin a new segment of a journal after as many bytes (256MB)'),
  'segment-events': Flags.integer({
    summary: 'begin a new segment of a journal after as many events (5000000)',
    helpValue: 'COUNT',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  }),
  compress: Flags.boolean({ summary: 'compress the closed segments of a journal' }),
  keep: Flags.custom<Keep>({
    summary: 'remove the oldest segments of a journal beyond this size (50GB) or age (7d; s, min, h, d)',
    helpValue: 'SIZE|AGE',
    parse: async (text) => {
      const keep = keepOf(text);
      if (keep !== null) return keep;
      throw new MdxError(
        'usage',
        `--keep ${text}: expected a size such as 50GB, or an age such as 7d or 36h`,
      );
    },
  })(),
};

export const resumeFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'go on with a journal: write to it what it does not have yet',
  helpValue: 'DIR',
});

const AGE_NS: Readonly<Record<string, number>> = { s: 1e9, min: 60e9, h: 3600e9, d: 86_400e9 };

function keepOf(text: string): Keep | null {
  const age = /^(\d{1,6})(s|min|h|d)$/.exec(text);
  if (age !== null) return { bytes: null, ns: Number(age[1]) * AGE_NS[age[2]!]! };
  const bytes = parseSize(text);
  return bytes === null || bytes === 0 ? null : { bytes, ns: null };
}

/** How a journal is to be written. */
export function journalOptions(
  directory: string,
  flags: JournalFlags,
): Omit<JournalOptions, 'disk' | 'version' | 'bootId' | 'tell'> {
  return {
    directory,
    wallTime: () => BigInt(Date.now()) * 1_000_000n,
    now: () => performance.now(),
    fsync: flags.fsync ?? FSYNC_DEFAULT,
    commitMs: JOURNAL_COMMIT_MS,
    segmentBytes: flags['segment-size'] ?? SEGMENT_BYTES_DEFAULT,
    segmentEvents: flags['segment-events'] ?? SEGMENT_EVENTS_DEFAULT,
    keepBytes: flags.keep?.bytes ?? null,
    keepNs: flags.keep?.ns ?? null,
    compress: flags.compress,
    minFreeBytes: flags['min-free'] ?? 0,
  };
}
