import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { MdxError } from '../core/errors.ts';
import { durationFlag, feedFlag, groupFlag, portFlag } from './flags.ts';

/** CAPTURE … of recover-server: read again whenever somebody asks. */
export const capturesArg: Arg<string[]> = Args.string({
  name: 'capture',
  description: 'captures to serve from: plain pcap and pcapng files',
  required: true,
  multiple: true,
  ignoreStdin: true,
});

/** Flags of recover-server: where it listens, what it serves, what it allows, and what goes wrong on purpose. */
export const recoverServerFlags: {
  readonly listen: OptionFlag<string[]>;
  readonly feed: typeof feedFlag;
  readonly port: typeof portFlag;
  readonly group: typeof groupFlag;
  readonly 'max-clients': OptionFlag<number>;
  readonly 'client-timeout': OptionFlag<number>;
  readonly 'max-requests': OptionFlag<number>;
  readonly 'fail-first': OptionFlag<number>;
  readonly drop: OptionFlag<number>;
  readonly delay: OptionFlag<number>;
  readonly cut: BooleanFlag<boolean>;
  readonly seed: OptionFlag<number>;
} = {
  listen: Flags.string({
    summary: 'where to listen: tcp+listen://HOST:PORT or mold+udp://HOST:PORT; may be given several times',
    helpValue: 'ENDPOINT',
    multiple: true,
    multipleNonGreedy: true,
    required: true,
  }),
  feed: feedFlag,
  port: portFlag,
  group: groupFlag,
  'max-clients': Flags.integer({
    summary: 'connections at a time; one more is closed at once',
    helpValue: 'COUNT',
    default: 64,
    min: 1,
    max: 65_536,
  }),
  'client-timeout': durationFlag(
    'client-timeout',
    'how long a client may take to ask, and to read on',
    5_000_000_000,
    '5s',
  ),
  'max-requests': Flags.integer({
    summary: 'requests by UDP of one address in a second; more are not answered',
    helpValue: 'COUNT',
    default: 20_000,
    min: 1,
    max: 1_000_000,
  }),
  'fail-first': Flags.integer({
    summary: 'for tests: give the first questions no answer',
    helpValue: 'COUNT',
    default: 0,
    min: 0,
    max: 1_000_000,
  }),
  drop: Flags.custom<number>({
    summary: 'for tests: leave out this share of the packets (0.1 is a tenth)',
    helpValue: 'SHARE',
    default: 0,
    parse: async (text) => {
      const share = /^\d(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
      if (share >= 0 && share <= 1) return share;
      throw new MdxError('usage', `--drop ${text}: expected a share from 0 to 1`);
    },
  })(),
  delay: durationFlag('delay', 'for tests: wait before every answer', 0, '0'),
  cut: Flags.boolean({
    summary: 'for tests: end every answer half way, in the middle of a packet',
    default: false,
  }),
  seed: Flags.integer({
    summary: 'for tests: choose other packets to leave out',
    helpValue: 'NUMBER',
    default: 1,
    min: 0,
    max: 2_147_483_647,
  }),
};
