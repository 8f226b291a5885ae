import { parseAddress } from '../capture/address.ts';
import type { ServeConfig } from '../config/serve-config.ts';
import type { Feed } from '../feeds/feed.ts';
import { FEEDS } from '../feeds/registry.ts';
import type { ArbiterOptions } from '../merge/session-merge.ts';
import type { LoopTurns } from '../net/loop-turns.ts';
import { Polling } from '../net/polling.ts';
import { openRecoveryClient } from '../net/recovery/client.ts';
import type { LineSpec } from '../net/subscription.ts';
import { LiveLines } from '../pipeline/live-source.ts';
import type { MergedSources, MergeStanding } from '../pipeline/merge/merge-options.ts';

const US_PER_MS = 1000;
const LINES = 2;
const LINES_WITH_RECOVERY = 3;

/** Where a channel goes on behind a restart: a session and the number that comes next in it. */
export interface ChannelStart {
  readonly session: string | null;
  readonly next: number;
}

/** Lines that are received, and the stream that is made of them. */
export interface LiveInput {
  readonly lines: LiveLines;
  readonly merged: MergedSources;
  /** How the merge stands; null until the feed is known. */
  standing(): MergeStanding | null;
}

/** What is read where no lines are received: the inputs, and then what senders bring. */
export function inputPaths({ source, ingest }: ServeConfig): readonly string[] {
  if (ingest.listen === null) return source.inputs;
  const threads = ingest.threads > 1 ? `&threads=${ingest.threads}` : '';
  const options = `senders=${ingest.maxSenders}&hello=${ingest.helloTimeoutMs}ms${threads}`;
  return [...source.inputs, `ingest+listen://${ingest.listen}?${options}`];
}

/** How holes are waited for. @param lines 1 for what has one line. */
export function arbiterOf({ merge, recovery }: ServeConfig, lines: number): ArbiterOptions {
  return {
    gapTimeoutNs: merge.gapTimeout,
    start: typeof merge.start === 'number' ? merge.start : 'first-seen',
    window: merge.window ?? Number.POSITIVE_INFINITY,
    waitingPacketsMax: merge.pendingCap,
    lines,
    recoveryTimeoutNs: recovery.endpoint === null ? null : recovery.timeout,
  };
}

export function feedNamed(name: string | null): Feed | null {
  return FEEDS.find((feed) => feed.name === name || feed.aliases?.includes(name ?? '')) ?? null;
}

/**
 * Joins the lines. Rejects with MdxError; nothing is left behind then.
 * @param turns of the thread on which they are read.
 */
export async function openLines(
  config: ServeConfig,
  specs: readonly LineSpec[],
  starts: ReadonlyMap<number, ChannelStart>,
  turns: LoopTurns,
): Promise<LiveInput> {
  const { receive, recovery, source } = config;
  const feed = feedNamed(source.feed);
  const polling = new Polling((receive.enginePollUs ?? 0) / US_PER_MS);
  const lines = await LiveLines.open(specs, feed?.name ?? null, { polling, turns });
  let standing: MergeStanding | null = null;
  const merged: MergedSources = {
    sources: [lines],
    feeds: FEEDS.filter(({ transport }) => transport !== undefined),
    feed,
    filter: { ports: null, groups: null },
    arbiter: arbiterOf(config, recovery.endpoint === null ? LINES : LINES_WITH_RECOVERY),
    recovery: recoveryOf(config),
    stopsAtLoss: recovery.unrecoverable === 'exit',
    startOf: (channel, session) => {
      const known = starts.get(channel);
      return known === undefined || known.session !== session ? null : known.next;
    },
    onBegin: (now) => {
      standing = now;
    },
  };
  return { lines, merged, standing: () => standing };
}

function recoveryOf({ recovery }: ServeConfig): MergedSources['recovery'] {
  const { endpoint, backlog } = recovery;
  if (endpoint === null) return null;
  const settings = {
    retryAttempts: recovery.attempts,
    retryBackoffNs: recovery.backoff,
    minRequestIntervalNs: recovery.minInterval,
    requestTimeoutNs: recovery.requestTimeout,
    sloNs: recovery.slo,
    unrecoverablePolicy: recovery.unrecoverable,
  };
  return (feed, callbacks) =>
    openRecoveryClient(endpoint, { settings, backlog, transport: () => feed.transport!() }, callbacks);
}

/** `GROUP:PORT` of a snapshot channel, in front of any options. */
export function snapshotDestinations(texts: readonly string[]): { address: Int32Array; port: number }[] {
  return texts.flatMap((text) => {
    const found = /(?:^|=|\/\/)(\[[^\]]+\]|[\d.]+):(\d+)/.exec(text);
    const address = found === null ? null : parseAddress(found[1]!.replace(/[[\]]/g, ''));
    return address === null ? [] : [{ address: address.words, port: Number(found![2]) }];
  });
}
