import { checkOptions, type Endpoint, parseEndpoint } from '../../config/endpoint.ts';
import { MdxError } from '../../errors.ts';
import { ServerCounts, type ServerFaults, type ServerLimits } from '../../net/recovery/limits.ts';
import { MoldServer } from '../../net/recovery/mold-server.ts';
import { type RecoveryListener, ReplayServer } from '../../net/recovery/tcp-server.ts';
import { damageReports, type InputReport, inputReport, type RunReport } from '../report.ts';
import type { IndexedCaptures } from './index-captures.ts';
import type { PacketIndex } from './packet-index.ts';

/** A server that runs. */
export interface RunningServer {
  readonly counts: ServerCounts;
  readonly listeners: readonly RecoveryListener[];
  close(): Promise<void>;
}

/** What a user wants to be listened on. Throws MdxError `usage`. */
export function parseListen(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  const isTcp = endpoint?.scheme === 'tcp+listen';
  if (endpoint === null || (!isTcp && endpoint.scheme !== 'mold+udp') || endpoint.host === '') {
    throw new MdxError('usage', `--listen ${text}: expected tcp+listen://HOST:PORT or mold+udp://HOST:PORT`, {
      hint: 'Port 0 is one that the system chooses; 127.0.0.1 is for this machine alone.',
    });
  }
  checkOptions(endpoint, isTcp ? ['session'] : []);
  return endpoint;
}

/** Serves indexed captures on every endpoint. Rejects with MdxError where one cannot be listened on; then none is. */
export async function serveCaptures(
  { index, feed }: IndexedCaptures,
  endpoints: readonly Endpoint[],
  limits: ServerLimits,
  faults: ServerFaults,
): Promise<RunningServer> {
  const counts = new ServerCounts();
  const listeners: RecoveryListener[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  try {
    for (const endpoint of endpoints) {
      let listener: MoldServer | ReplayServer;
      if (endpoint.scheme === 'mold+udp') {
        if (!feed.framings.includes('moldudp64')) {
          throw new MdxError(
            'usage',
            `--listen ${endpoint.text}: the packets are ${feed.name}, not MoldUDP64`,
          );
        }
        listener = new MoldServer(index, limits, faults, counts);
      } else listener = new ReplayServer(index, sessionOf(index, endpoint), limits, faults, counts);
      await listener.listen(endpoint);
      listeners.push(listener);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { counts, listeners, close };
}

/** The session that an endpoint names, else the newest one. */
function sessionOf(index: PacketIndex, endpoint: Endpoint): number {
  const wanted = endpoint.options.get('session');
  if (wanted === undefined) return index.newest;
  const found = index.sessions.findIndex(({ session }) => session === wanted);
  if (found >= 0) return found;
  const known = index.sessions.map(({ session }) => session ?? 'one without a name').join(', ');
  throw new MdxError('usage', `--listen ${endpoint.text}: there is no session ${wanted} in the captures`, {
    hint: `There is ${known === '' ? 'none' : known}.`,
  });
}

/** What a server did, for machines; docs/recovery.md describes it. */
export interface RecoverServerReport {
  readonly command: string;
  readonly version: string;
  readonly inputs: readonly InputReport[];
  readonly feed: { readonly protocol: string };
  readonly index: {
    readonly packets: number;
    readonly bytes: string;
    readonly duplicates: number;
    readonly conflicts: number;
    readonly unsequenced: number;
    readonly damaged: number;
    readonly otherChannel: number;
  };
  readonly sessions: readonly {
    readonly session: string | null;
    readonly first: string;
    readonly last: string;
    readonly messages: number;
    readonly packets: number;
    readonly gaps: readonly { readonly from: string; readonly to: string }[];
    readonly gapsNotListed?: number;
  }[];
  readonly listeners: readonly string[];
  readonly served: {
    readonly connections: number;
    readonly requests: number;
    readonly ranges: number;
    readonly packets: number;
    readonly messages: number;
    readonly bytes: string;
    readonly unanswered: number;
    readonly refused: number;
    readonly throttled: number;
    readonly slowClients: number;
    readonly leftClients: number;
    readonly unreadable: number;
  };
  readonly damage: RunReport['damage'];
  readonly timing: { readonly elapsedNs: string; readonly indexNs: string };
}

/** Puts what a server did into the words of a report. */
export function serverReport(
  captures: IndexedCaptures,
  server: RunningServer | null,
  about: { readonly version: string; readonly elapsedNs: number; readonly indexNs: number },
): RecoverServerReport {
  const { index, inputs, feed, unsequenced, damaged, otherChannel, damage } = captures;
  const counts = server?.counts ?? new ServerCounts();
  return {
    command: 'recover-server',
    version: about.version,
    inputs: inputs.map(inputReport),
    feed: { protocol: feed.name },
    index: {
      packets: index.packets,
      bytes: String(index.bytes),
      duplicates: index.duplicates,
      conflicts: index.conflicts,
      unsequenced,
      damaged,
      otherChannel,
    },
    sessions: index.sessions.map(({ session, first, last, messages, packets, gaps, gapCount }) => ({
      session,
      first: String(first),
      last: String(last),
      messages,
      packets,
      gaps: gaps.map(({ from, to }) => ({ from: String(from), to: String(to) })),
      ...(gapCount > gaps.length ? { gapsNotListed: gapCount - gaps.length } : {}),
    })),
    listeners: server?.listeners.map(({ address }) => address) ?? [],
    served: { ...counts, bytes: String(counts.bytes) },
    damage: damageReports(damage),
    timing: { elapsedNs: String(Math.round(about.elapsedNs)), indexNs: String(Math.round(about.indexNs)) },
  };
}
