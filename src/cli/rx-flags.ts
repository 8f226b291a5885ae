import * as Flags from '@oclif/core/flags';
import type { OptionFlag } from '@oclif/core/interfaces';
import { MdxError } from '../core/errors.ts';
import type { LineOptions } from '../core/net/subscription.ts';
import { parseDuration } from './flags.ts';
import { sizeFlag } from './size-flag.ts';

/*
 * How lines are received; every command that receives has these flags. An option of the same name at one line
 * (udp://…?batch=32) wins over the flag.
 */

export interface ReceiveFlags {
  backend: string;
  workers: number | undefined;
  batch: number | undefined;
  'slot-bytes': number | undefined;
  pool: number | undefined;
  rcvbuf: number | undefined;
  'busy-poll': number | undefined;
  timestamps: string;
  cpu: string | undefined;
  realtime: number | undefined;
}

export const lineFlag: OptionFlag<string[] | undefined> = Flags.string({
  summary:
    'the groups of a line, the first of A and the first of B carrying the same: A=udp://GROUP:PORT[,udp://…]',
  helpValue: 'LINE=URIS',
  multiple: true,
  multipleNonGreedy: true,
});

export const snapshotGroupFlag: OptionFlag<string[] | undefined> = Flags.string({
  summary: 'group of a snapshot channel, received with line A unless it says B=udp://…',
  helpValue: 'URI',
  multiple: true,
  multipleNonGreedy: true,
});

export const receiveFlags: { [K in keyof ReceiveFlags]: OptionFlag<ReceiveFlags[K]> } = {
  backend: Flags.string({
    summary: 'how to receive; auto = mmsg where it works, else dgram',
    options: ['auto', 'dgram', 'mmsg', 'ring', 'xdp'],
    default: 'auto',
  }) as OptionFlag<string>,
  workers: count(
    'workers',
    'threads per line: one group each at most, or with ring parts of one group',
    1,
    64,
  ),
  batch: count('batch', 'most packets taken by one call [64]', 1, 1024),
  'slot-bytes': sizeFlag(
    'slot-bytes',
    'bytes of a packet that are kept; longer ones are cut and counted [2048]',
  ),
  pool: count('pool', 'packets of a line that may wait for the reader [65536]', 64, 1 << 22),
  rcvbuf: sizeFlag('rcvbuf', 'receive buffer to ask the kernel for; what it grants is reported [8MiB]'),
  'busy-poll': Flags.custom<number>({
    summary: 'let the kernel look for packets so long before it sleeps (SO_BUSY_POLL)',
    helpValue: 'DURATION',
    parse: async (text) => Math.max(1, Math.round(parseDuration('busy-poll', text) / 1000)),
  })(),
  timestamps: Flags.string({
    summary: 'whose receive times to ask for',
    options: ['off', 'software', 'hardware'],
    default: 'software',
  }) as OptionFlag<string>,
  cpu: Flags.string({
    summary: 'processors of the receiving threads, in the order of the lines: 2,3',
    helpValue: 'LIST',
  }),
  realtime: count(
    'realtime',
    'let the receiving threads go before others, with this priority (SCHED_FIFO)',
    1,
    99,
  ),
};

/** What the flags say; processors are dealt out to the lines afterwards. Throws MdxError `usage`. */
export function lineOptionsOf(flags: ReceiveFlags, defaults: LineOptions): LineOptions {
  return {
    ...defaults,
    backend: flags.backend as LineOptions['backend'],
    workers: flags.workers ?? defaults.workers,
    batch: flags.batch ?? defaults.batch,
    slotBytes: flags['slot-bytes'] ?? defaults.slotBytes,
    slots: flags.pool ?? defaults.slots,
    receiveBufferBytes: flags.rcvbuf ?? defaults.receiveBufferBytes,
    busyPollUs: flags['busy-poll'] ?? null,
    timestamping: flags.timestamps as LineOptions['timestamping'],
    realtime: flags.realtime ?? null,
  };
}

/** The processors of `--cpu`, null without it. Throws MdxError `usage`. */
export function processorsOf(text: string | undefined): readonly number[] | null {
  if (text === undefined) return null;
  if (/^\d{1,4}(,\d{1,4})*$/.test(text)) return text.split(',').map(Number);
  throw new MdxError('usage', `--cpu ${text}: expected processor numbers such as 2 or 2,3`);
}

function count(name: string, summary: string, min: number, max: number): OptionFlag<number | undefined> {
  return Flags.integer({ summary, helpValue: name === 'realtime' ? 'PRIORITY' : 'COUNT', min, max });
}
