import * as Flags from '@oclif/core/flags';
import type { BooleanFlag } from '@oclif/core/interfaces';
import { MdxError } from '../core/errors.ts';
import type { RecoveryReport } from '../core/pipeline/merge/merge-report.ts';
import type { RecoveredSource } from '../core/pipeline/recovery/recovered-source.ts';
import type { RunOptions } from '../core/pipeline/run-options.ts';
import { type RecoveryFlags, recoverySettings } from './merge-flags.ts';
import { grouped } from './numbers.ts';

/** What a rebuild may take at most, ns: the client gives up long before. */
const REBUILD_NS_MAX = 3_600_000_000_000;
const LINES_WITH_RECOVERY = 3;
const PENDING_CAP = 32_768;

export const rebuildFlag: BooleanFlag<boolean> = Flags.boolean({
  summary: 'with --recovery: fetch the session from its first message on, in front of what is read',
  default: false,
});

/** Input whose holes are filled from a server. */
export interface RecoveredInput {
  readonly open: NonNullable<RunOptions['open']>;
  /** What was fetched and what was not, once all was read. */
  report(): Promise<RecoveryReport | null>;
}

/** What opens inputs with what they lost, null where the flags name no server. Rejects with MdxError `usage`. */
export async function recoveredInput(
  flags: RecoveryFlags & { readonly rebuild: boolean; readonly 'recovery-timeout': number },
  input: Pick<RunOptions, 'paths' | 'feeds' | 'feedName' | 'ports' | 'groups' | 'arbiter'>,
): Promise<RecoveredInput | null> {
  const { recovery: endpoint, backlog = null, rebuild } = flags;
  if (endpoint === undefined) {
    if (!rebuild) return null;
    throw new MdxError('usage', '--rebuild fetches the session from a server, and none is named', {
      hint: 'Name one with --recovery tcp://HOST:PORT.',
    });
  }
  if (input.paths.length > 1) {
    throw new MdxError(
      'usage',
      `--recovery fills the holes of one capture, and ${input.paths.length} are given`,
      {
        hint: 'Join them first: mdx replay part-1.pcap part-2.pcap -o whole.pcap.',
      },
    );
  }
  const { openRecoveryClient, openRoute } = await import('../core/net/recovery/client.ts');
  const { RecoveredSource } = await import('../core/pipeline/recovery/recovered-source.ts');
  openRoute(endpoint);
  const settings = recoverySettings(flags);
  const feeds = input.feeds.filter(({ transport }) => transport !== undefined);
  const named = input.feedName;
  const options = {
    feeds,
    feed: feeds.find(({ name, aliases }) => name === named || aliases?.includes(named ?? '')) ?? null,
    filter: { ports: input.ports, groups: input.groups },
    arbiter: {
      ...input.arbiter,
      ...(rebuild ? { start: 1 } : {}),
      waitingPacketsMax: PENDING_CAP,
      lines: LINES_WITH_RECOVERY,
      recoveryTimeoutNs: rebuild ? REBUILD_NS_MAX : flags['recovery-timeout'],
    },
    recovery: (feed, callbacks) =>
      openRecoveryClient(endpoint, { settings, backlog, transport: () => feed.transport!() }, callbacks),
    stopsAtLoss: settings.unrecoverablePolicy === 'exit',
  } satisfies Parameters<typeof RecoveredSource.open>[1];
  let source: RecoveredSource | null = null;
  return {
    open: async (path, signal, tell) => {
      source = await RecoveredSource.open(path, options, signal, tell);
      return source;
    },
    report: async () => {
      const { recoveryReport } = await import('../core/pipeline/merge/merge-report.ts');
      const counts = source?.result?.recovery ?? null;
      return counts === null ? null : recoveryReport(endpoint, counts);
    },
  };
}

/** What recovery did, in a line. */
export function recoveryLine(report: RecoveryReport): string {
  const { fetchedRanges, injectedPackets, unrecoverableGaps, unrecoverableNumbers, lastFailure } = report;
  const fetched = `recovery: ${grouped(fetchedRanges)} ranges fetched in ${grouped(injectedPackets)} packets`;
  if (unrecoverableGaps === 0) return fetched;
  return `${fetched}, ${grouped(unrecoverableNumbers)} numbers not to be had (${lastFailure ?? 'no answer'})`;
}
