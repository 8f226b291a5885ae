import { isIP } from 'node:net';
import type { ServeConfig } from './serve-config.ts';

/** A condition between keys. */
export interface Check {
  /** The keys that it is between; the first of them that was given is where the fault is told. */
  readonly keys: readonly string[];
  /** What is wrong, null = nothing. */
  problem(config: ServeConfig): { readonly message: string; readonly hint: string } | null;
}

/** What has to fit together whatever is above. */
export const CROSS_CHECKS: readonly Check[] = [
  {
    keys: ['source.inputs', 'lines.a'],
    problem: ({ source, lines }) =>
      source.inputs.length > 0 && lines.a.length > 0
        ? wrong(
            'inputs are read or lines are received, not both',
            'Leave one of source.inputs and lines.a out.',
          )
        : null,
  },
  {
    keys: ['source.speed'],
    problem: ({ source, lines }) =>
      source.speed !== null && lines.a.length > 0
        ? wrong('lines have the speed that they have', 'Leave source.speed out; it is for recordings.')
        : null,
  },
  {
    keys: ['lines.b', 'lines.snapshot'],
    problem: ({ source, lines }) =>
      lines.a.length === 0 &&
      (lines.b.length > 0 || (lines.snapshot.length > 0 && source.inputs.length === 0))
        ? wrong('line A is missing', 'A single line is lines.a.')
        : null,
  },
  {
    keys: ['lines.b', 'lines.a'],
    problem: ({ lines: { a, b } }) =>
      b.length > 0 && a.length > 0 && a.length !== b.length
        ? wrong(
            `line A has ${a.length} groups and line B ${b.length}`,
            'Each group of B carries the same as the one of A in its place.',
          )
        : null,
  },
  {
    keys: ['merge.pending_cap', 'receive.pool_slots'],
    problem: ({ merge, receive, lines }) =>
      lines.a.length > 0 && merge.pendingCap > receive.poolSlots / 2
        ? wrong(
            `merge.pending_cap = ${merge.pendingCap} is more than half of receive.pool_slots = ${receive.poolSlots}`,
            'What waits behind holes would leave no room for what comes next.',
          )
        : null,
  },
  {
    keys: ['journal.keep_bytes', 'journal.segment_bytes'],
    problem: ({ journal }) =>
      journal.keepBytes !== null && journal.keepBytes < journal.segmentBytes
        ? wrong(
            'less is kept than one segment has',
            'Make journal.keep_bytes larger or journal.segment_bytes smaller.',
          )
        : null,
  },
  {
    keys: ['raw_v1.b', 'raw_v1.a'],
    problem: ({ rawV1 }) =>
      rawV1.a === null && rawV1.b !== null
        ? wrong('endpoint B is served beside A only', 'Give raw_v1.a, or "none" for raw_v1.b too.')
        : null,
  },
  {
    keys: ['events.recent_events', 'events.retained_events'],
    problem: ({ events }) =>
      events.recentEvents > events.retainedEvents
        ? wrong('more recent events than are kept', 'Make events.retained_events as large.')
        : null,
  },
  {
    keys: ['events.batch_max', 'events.retained_events'],
    problem: ({ events }) =>
      events.batchMax > events.retainedEvents
        ? wrong('a frame has more events than are kept', 'Make events.retained_events larger.')
        : null,
  },
  {
    keys: ['ingest.listen', 'lines.a'],
    problem: ({ ingest, lines }) =>
      ingest.listen !== null && lines.a.length > 0
        ? wrong('senders are heard or lines are received, not both', 'Run an engine for each.')
        : null,
  },
  {
    keys: ['ingest.threads', 'ingest.listen'],
    problem: ({ ingest }) =>
      ingest.threads > 1 && ingest.listen === null
        ? wrong(
            `ingest.threads = ${ingest.threads} would read senders, and none are heard`,
            'Say with ingest.listen where senders connect, or leave ingest.threads out.',
          )
        : null,
  },
  {
    keys: ['no_storage', 'journal.directory'],
    problem: ({ noStorage, journal }) =>
      noStorage && journal.directory !== null
        ? wrong('without storage there is no journal', 'Leave journal.directory or no_storage out.')
        : null,
  },
  twoAtOne(['http.listen', 'raw_v1.a'], ({ http, rawV1 }) => [http.listen, rawV1.a]),
  twoAtOne(['http.listen', 'raw_v1.b'], ({ http, rawV1 }) => [http.listen, rawV1.b]),
  twoAtOne(['raw_v1.b', 'raw_v1.a'], ({ rawV1 }) => [rawV1.a, rawV1.b]),
  twoAtOne(['ingest.listen', 'http.listen'], ({ ingest, http }) => [ingest.listen, http.listen]),
  twoAtOne(['ingest.listen', 'raw_v1.a'], ({ ingest, rawV1 }) => [ingest.listen, rawV1.a]),
  twoAtOne(['ingest.listen', 'raw_v1.b'], ({ ingest, rawV1 }) => [ingest.listen, rawV1.b]),
  exposed('http.listen', ({ http }) => http.listen),
  exposed('raw_v1.a', ({ rawV1 }) => rawV1.a),
  exposed('raw_v1.b', ({ rawV1 }) => rawV1.b),
  {
    keys: ['ingest.listen'],
    problem: ({ ingest: { listen }, security: { insecure } }) =>
      listen === null || insecure || isLoopback(listen)
        ? null
        : wrong(
            `ingest.listen = ${listen} lets other machines in, and senders have no tokens`,
            'Listen at 127.0.0.1, or say security.insecure = true where the network itself keeps strangers out.',
          ),
  },
  {
    keys: ['security.tokens', 'security.token_file'],
    problem: ({ security: { tokens } }) => {
      const names = tokens.map(({ name }) => name);
      const twice = names.find((name, at) => names.indexOf(name) < at);
      return twice === undefined
        ? null
        : wrong(`there are two tokens of the name ${twice}`, 'Each token has a name of its own.');
    },
  },
];

function wrong(message: string, hint: string): { readonly message: string; readonly hint: string } {
  return { message, hint };
}

/** Two servers do not listen at one address, unless the system chooses the port. */
function twoAtOne(
  keys: readonly [string, string],
  of: (config: ServeConfig) => readonly [string | null, string | null],
): Check {
  return {
    keys,
    problem: (config) => {
      const [a, b] = of(config);
      return a === null || a !== b || a.endsWith(':0')
        ? null
        : wrong(`${keys[0]} and ${keys[1]} are both ${a}`, 'Give each a port of its own.');
    },
  };
}

/** Other machines come in with a token, or where somebody says so. */
function exposed(key: string, of: (config: ServeConfig) => string | null): Check {
  return {
    keys: [key],
    problem: (config) => {
      const { tokens, insecure } = config.security;
      const listen = of(config);
      if (listen === null || insecure || tokens.length > 0 || isLoopback(listen)) return null;
      return wrong(
        `${key} = ${listen} lets other machines in, and there are no tokens`,
        'Give security.tokens or security.token_file, listen at 127.0.0.1, or say security.insecure = true.',
      );
    },
  };
}

function isLoopback(listen: string): boolean {
  const host = listen.slice(0, listen.lastIndexOf(':')).replace(/[[\]]/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
