import { type AnsweringRoute, json } from '../http/route.ts';
import { COUNT, COUNT_OR_NULL, INTEGER, type Schema, TEXT, TEXT_OR_NULL } from '../http/schema.ts';
import type { ChannelView, EngineStatus, GapView, IngestView, LineView, SkewView } from '../status.ts';
import type { ApiContext } from './context.ts';

export const SAID_AT: Schema = {
  type: 'string?',
  pattern: '^[0-9]+$',
  about: 'When the engine said so, ns since 1970; null before its first word.',
};

const COUNTS: Schema = { type: 'map', of: COUNT };

const LINE: Schema = {
  type: 'object',
  of: {
    name: TEXT,
    groups: { type: 'list', of: TEXT },
    backend: TEXT,
    clock: { type: 'string', about: 'Of the receive times: none, software, hardware, file.' },
    packets: COUNT,
    bytes: INTEGER,
    packetsPerSecond: { type: 'number?', about: 'Over the last ten seconds.' },
    bytesPerSecond: COUNT_OR_NULL,
    poolFull: { type: 'number', about: 'Packets dropped because no slot was free.' },
    kernelDrops: { ...COUNTS, about: 'Packets dropped in front of this process, by place.' },
    dropsLately: { type: 'number?', about: 'Both kinds together, in the last ten seconds.' },
    truncated: COUNT,
    skipped: COUNTS,
    waiting: { type: 'number', about: 'Packets in its ring, of at most `slots`.' },
    slots: COUNT,
    silentMs: { type: 'number?', about: 'Since its last packet; null = none has come.' },
  },
};

const CHANNEL: Schema = {
  type: 'object',
  of: {
    channel: COUNT,
    session: TEXT_OR_NULL,
    next: { ...INTEGER, about: 'Number that comes next; 0 = none was passed on.' },
    delivered: COUNT,
    duplicates: COUNT,
    outOfOrder: COUNT,
    missing: { type: 'number', about: 'Numbers that may still come.' },
    filled: COUNT,
    lost: COUNT,
    firstBy: { ...COUNTS, about: 'Numbers by the line that brought them first.' },
  },
};

const GAP: Schema = {
  type: 'object',
  of: {
    channel: COUNT,
    session: TEXT_OR_NULL,
    from: INTEGER,
    to: INTEGER,
    state: { type: 'string', oneOf: ['open', 'filled', 'lost'] },
    by: TEXT_OR_NULL,
  },
};

const SKEW: Schema = {
  type: 'object?',
  about: 'Time of line B minus time of line A, for numbers seen on both.',
  of: {
    p50Ns: { type: 'string?' },
    p99Ns: { type: 'string?' },
    maxNs: { type: 'string?' },
    samples: COUNT,
  },
};

const INGEST: Schema = {
  type: 'object?',
  about: 'Senders of events, all together; null = none are listened for.',
  of: {
    connected: COUNT,
    accepted: COUNT,
    sources: { type: 'number', about: 'Named so far, connected or not.' },
    bytes: INTEGER,
    messages: COUNT,
    records: COUNT,
    lost: { type: 'number', about: 'Numbers of records that did not come.' },
    repeated: { type: 'number', about: 'Records that were known already.' },
    waitingBytes: { type: 'number', about: 'Read, and not decoded yet.' },
    pauses: { type: 'number', about: 'How often a sender was made to wait.' },
    endings: { ...COUNTS, about: 'Connections that ended, by how.' },
  },
};

const ANSWER: Schema = {
  type: 'object',
  of: {
    time: SAID_AT,
    lines: { type: 'list', of: LINE },
    channels: { type: 'list', of: CHANNEL },
    gaps: { type: 'list', of: GAP, about: 'The newest ones, the newest last.' },
    skew: SKEW,
    pendingPackets: { type: 'number', about: 'Packets that wait for numbers in front of them.' },
    ingest: INGEST,
  },
};

/** `GET /api/v1/lines`: what comes in, how fast, what is missing. */
export function linesRoute(context: ApiContext): AnsweringRoute {
  return {
    method: 'GET',
    path: '/api/v1/lines',
    summary: 'The lines and channels: rates, losses, skew, gaps.',
    access: 'read',
    parameters: [],
    answers: { 200: { summary: 'As the engine stood at `time`.', schema: ANSWER } },
    handle() {
      const status = context.serve.status();
      const { lines, channels, gaps = [], skew = null, pendingPackets, ingest = null } = status;
      return json({
        time: saidAt(status),
        lines: lines.map((line) => lineView(line, context)),
        channels: channels.map(channelView),
        gaps: gaps.map(gapView),
        skew: skew === null ? null : skewView(skew),
        pendingPackets,
        ingest: ingest === null ? null : ingestOf(ingest),
      });
    },
  };
}

/** When a status was said, as the text of ns since 1970; null before the first. */
export function saidAt({ time }: Pick<EngineStatus, 'time'>): string | null {
  return time === 0 ? null : String(BigInt(Math.round(time)) * 1_000_000n);
}

function lineView(line: LineView, { rates }: ApiContext): object {
  const { received, bytes, ...rest } = line;
  const { packetsPerSecond = null, bytesPerSecond = null, drops = null } = rates.ofLine(line.name) ?? {};
  return {
    ...rest,
    packets: received,
    bytes: String(bytes),
    packetsPerSecond,
    bytesPerSecond,
    dropsLately: drops,
  };
}

function channelView(channel: ChannelView): object {
  return { ...channel, next: String(channel.next) };
}

function gapView(gap: GapView): object {
  return { ...gap, from: String(gap.from), to: String(gap.to) };
}

function ingestOf(ingest: IngestView): object {
  return { ...ingest, bytes: String(ingest.bytes) };
}

function skewView({ p50Ns, p99Ns, maxNs, samples }: SkewView): object {
  return { p50Ns: text(p50Ns), p99Ns: text(p99Ns), maxNs: text(maxNs), samples };
}

function text(value: number | null): string | null {
  return value === null ? null : String(value);
}
