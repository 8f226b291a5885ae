import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { bigHigh, bigLow } from '../core/binary/time.ts';
import { parseDuration as readDuration } from '../core/config/duration.ts';
import { nearest } from '../core/config/nearest.ts';
import { MdxError } from '../core/errors.ts';
import { parseTime } from '../core/event/format-text.ts';
import type { Until } from '../core/pipeline/until.ts';

/*
 * Every flag that more than one command can have, defined once: a flag means the same everywhere, and help, man
 * page, completion and reference come from here.
 */

/** FILE … of commands that read captures; `-` is stdin, which nothing else may touch. */
export const filesArg: Arg<string[]> = Args.string({
  name: 'file',
  description: 'captures, files and sockets to read, in order; - is standard input',
  required: true,
  multiple: true,
  ignoreStdin: true,
});

export const feedFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'wire format of the messages; found by content unless given (see mdx feeds)',
  helpValue: 'NAME',
  parse: async (name) => {
    const { FEEDS } = await import('../core/feeds/registry.ts');
    const names = FEEDS.map((feed) => feed.name);
    if (FEEDS.some((feed) => feed.name === name || feed.aliases?.includes(name))) return name;
    const near = nearest(name, names);
    throw new MdxError('usage', `--feed ${name}: no such feed; known are ${names.join(', ')}`, {
      hint: near === null ? undefined : `Did you mean --feed ${near}?`,
    });
  },
});

export const portFlag: OptionFlag<number[] | undefined> = Flags.integer({
  summary: 'only datagrams to this UDP port; may be given several times',
  helpValue: 'PORT',
  multiple: true,
  multipleNonGreedy: true,
  min: 0,
  max: 65_535,
});

export const groupFlag: OptionFlag<string[] | undefined> = Flags.string({
  summary: 'only datagrams to this address (multicast group); may be given several times',
  helpValue: 'ADDRESS',
  multiple: true,
  multipleNonGreedy: true,
  parse: async (address) => {
    const { isIP } = await import('node:net');
    if (isIP(address) !== 0) return address;
    throw new MdxError('usage', `--group ${address}: expected an IPv4 or IPv6 address such as 233.54.12.111`);
  },
});

/** Where the snapshot channel of a feed is sent to. */
export const snapshotFlag: OptionFlag<string[] | undefined> = Flags.string({
  summary:
    'destination of a snapshot channel (224.0.50.1:59000); what begins in the middle then waits for a snapshot; may be given several times',
  helpValue: 'GROUP:PORT',
  multiple: true,
  multipleNonGreedy: true,
});

export const fromFlag: OptionFlag<bigint | undefined> = Flags.custom<bigint>({
  summary: 'leave out what arrived before this time (2025-09-24T19:30:00.5Z, or ns since 1970)',
  helpValue: 'TIME',
  parse: async (text) => timeOf('from', text),
})();

export const untilFlag: OptionFlag<bigint | undefined> = Flags.custom<bigint>({
  summary: 'stop after the last thing that arrived at this time or before',
  helpValue: 'TIME',
  parse: async (text) => timeOf('until', text),
})();

export const limitFlag: OptionFlag<number | undefined> = Flags.integer({
  summary: 'stop after this many messages',
  helpValue: 'COUNT',
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
});

export const symbolFlag: OptionFlag<string[] | undefined> = Flags.string({
  summary: 'only instruments with this symbol; may be given several times',
  helpValue: 'SYMBOL',
  multiple: true,
  multipleNonGreedy: true,
});

export const instrumentFlag: OptionFlag<bigint[] | undefined> = Flags.custom<bigint>({
  summary: "only the instrument with this number of the venue's; may be given several times",
  helpValue: 'NUMBER',
  multiple: true,
  multipleNonGreedy: true,
  parse: async (text) => {
    const value = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
    if (value >= 0n && value < 1n << 64n) return value;
    throw new MdxError('usage', `--instrument ${text}: expected an unsigned 64-bit integer`);
  },
})({ multiple: true });

export const instrumentsFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'names, ticks and scales of instruments from a CSV file',
  helpValue: 'FILE.csv',
});

export const dateFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'trading day (2025-09-24) of feeds whose times count from midnight; from the capture unless given',
  helpValue: 'DATE',
  parse: async (text) => {
    const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
    if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(text)) return text;
    throw new MdxError('usage', `--date ${text}: expected a day such as 2025-09-24`);
  },
});

export const emitFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'print rows as they happen instead of a report',
  options: ['events', 'bbo', 'depth', 'trades', 'records'],
});

export const formatFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'form; by the extension of -o unless given, else pretty',
  options: ['ndjson', 'csv', 'pretty', 'snapshot'],
});

export const compatFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'write a snapshot as version 2 of the older format',
  options: ['v2'],
});

export const replayFormatFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'form of what is written; by the extension of -o unless given, else ndjson',
  options: ['ndjson', 'csv', 'pretty', 'parquet', 'dbn', 'events', 'journal', 'pcap', 'pcapng'],
});

export const sizeScaleFlag: OptionFlag<number | undefined> = Flags.integer({
  summary: 'sizes of DBN count units of 10^-DIGITS; 0 unless given',
  helpValue: 'DIGITS',
  min: 0,
  max: 18,
});

export const lossyFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'write what DBN cannot say as what is nearest, and count it',
  default: false,
});

export const upgradeFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'write DBN records of earlier versions as version 3',
  default: false,
});

/** A point in the input, as `--at` takes it. */
export const atFlag: OptionFlag<Until | undefined> = Flags.custom<Until>({
  summary:
    'the book as it was at this time of arrival or of the venue, or after this message or event: TIME, venue:TIME, #[CHANNEL/]SEQUENCE, or @EVENT of a journal',
  helpValue: 'POINT',
  parse: async (text) => {
    if (text.startsWith('@')) {
      const event = /^@\d{1,16}$/.test(text) ? Number(text.slice(1)) : Number.NaN;
      if (Number.isSafeInteger(event)) return { kind: 'event', event };
      throw new MdxError('usage', `--at ${text}: expected @EVENT, such as @120000`);
    }
    if (!text.startsWith('#')) {
      const kind = text.startsWith(VENUE_PREFIX) ? 'venue' : 'time';
      const time = timeOf(
        'at',
        kind === 'venue' ? text.slice(VENUE_PREFIX.length) : text,
        'Or name a message number such as #1200 or #0/1200, or an event of a journal such as @120000.',
      );
      return { kind, high: bigHigh(time), low: bigLow(time) };
    }
    const match = /^#(?:(\d{1,9})\/)?(\d{1,16})$/.exec(text);
    const sequence = Number(match?.[2] ?? Number.NaN);
    if (!Number.isSafeInteger(sequence)) {
      throw new MdxError(
        'usage',
        `--at ${text}: expected #SEQUENCE or #CHANNEL/SEQUENCE, such as #1200 or #0/1200`,
      );
    }
    return { kind: 'sequence', channel: Number(match?.[1] ?? 0), sequence };
  },
})();

export const ordersFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'show the single orders of each level, in the order of their queue',
  default: false,
});

export const depthFlag: OptionFlag<number | undefined> = Flags.integer({
  summary: 'price levels of each side to print',
  helpValue: 'LEVELS',
  min: 1,
  max: 100_000,
});

export const outputFlag: OptionFlag<string | undefined> = Flags.string({
  char: 'o',
  summary: 'write to this file or socket instead of standard output (-)',
  helpValue: 'FILE',
});

export const forceFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'replace the file of -o if it exists',
  default: false,
});

export const unbufferedFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'hand over every row at once, also to a pipe',
  default: false,
});

export const watchFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'show a book in the terminal while the input goes on; keys choose, pause and step (? tells them)',
  default: false,
});

export const followFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'wait at the end of a journal for what is written to it next',
});

export const stepFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'show a book in the terminal, group by group of events as keys ask for',
  default: false,
});

export const strictFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'exit with 1 also for malformed messages, rejected events and lost ranges',
  default: false,
});

export const startFlag: OptionFlag<bigint | 'first-seen' | 'snapshot'> = Flags.custom<
  bigint | 'first-seen' | 'snapshot'
>({
  summary: 'where numbering starts: first-seen, snapshot, or the first number expected',
  helpValue: 'first-seen|snapshot|NUMBER',
  default: 'first-seen',
  parse: async (text) => {
    if (text === 'first-seen' || text === 'snapshot') return text;
    const number = /^\d{1,16}$/.test(text) ? Number(text) : 0;
    if (number >= 1 && number <= Number.MAX_SAFE_INTEGER) return BigInt(text);
    throw new MdxError(
      'usage',
      `--start ${text}: expected first-seen, snapshot or a number from 1 to 2^53 - 1`,
    );
  },
})();

/** How long a hole may stay open, in ns. */
export const gapTimeoutFlag: OptionFlag<number> = Flags.custom<number>({
  summary: 'how long a missing range is waited for (ns, us, ms, s)',
  helpValue: 'DURATION',
  default: 5_000_000,
  defaultHelp: async () => '5ms',
  parse: async (text) => parseDuration('gap-timeout', text),
})();

/** Times real time; Infinity = as fast as possible. */
export const speedFlag: OptionFlag<number> = Flags.custom<number>({
  summary: 'pace: max, or a factor of the speed of the capture (1 = as it was)',
  helpValue: 'max|FACTOR',
  default: Number.POSITIVE_INFINITY,
  defaultHelp: async () => 'max',
  parse: async (text) => {
    if (text === 'max') return Number.POSITIVE_INFINITY;
    const factor = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
    if (factor > 0) return factor;
    throw new MdxError('usage', `--speed ${text}: expected max or a number above 0`);
  },
})();

export const verifyInvariantsFlag: OptionFlag<string> = Flags.string({
  summary: 'check the inner order of the books: after no, some or all batches',
  options: ['off', 'sample', 'all'],
  default: 'off',
});

export const batchEventsFlag: OptionFlag<number> = Flags.integer({
  summary: 'events per batch between decoder and book',
  helpValue: 'COUNT',
  default: 1024,
  min: 4,
  max: 65_536,
});

export const allInstrumentsFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'list all instruments, also those without orders',
  default: false,
});

/** In front of a point in the venue's time. */
const VENUE_PREFIX = 'venue:';

/** A duration such as `5ms`, `250us`, `1.5s` or `0` in whole ns. Throws MdxError `usage`. */
export function parseDuration(flag: string, text: string): number {
  const ns = readDuration(text);
  if (ns !== null && Number.isSafeInteger(ns)) return ns;
  throw new MdxError(
    'usage',
    `--${flag} ${text}: expected a duration with its unit such as 5ms, 250us or 1s`,
  );
}

/** A flag for a duration, in ns; `shown` is its default as help shows it. */
export function durationFlag(name: string, summary: string, ns: number, shown: string): OptionFlag<number> {
  return Flags.custom<number>({
    summary: `${summary} (ns, us, ms, s)`,
    helpValue: 'DURATION',
    default: ns,
    defaultHelp: async () => shown,
    parse: async (text) => parseDuration(name, text),
  })();
}

function timeOf(flag: string, text: string, hint?: string): bigint {
  try {
    return parseTime(text);
  } catch (error) {
    throw new MdxError('usage', `--${flag}: ${(error as Error).message}`, { hint });
  }
}
