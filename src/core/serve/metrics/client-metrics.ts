import { byKey, type Metric, type Sample, single } from '../../observe/metric.ts';
import type { ClientView } from '../../publish/client-view.ts';
import { PROTOCOLS, type Protocol, type Totals } from './client-totals.ts';
import type { MetricSources } from './sources.ts';

function perProtocol(value: (totals: Totals) => number): (sources: MetricSources) => readonly Sample[] {
  return ({ totals }) =>
    PROTOCOLS.map((protocol) => ({ labels: [protocol], value: value(totals.of(protocol)) }));
}

function ofClients(
  value: (clients: readonly ClientView[]) => number,
): (sources: MetricSources) => readonly Sample[] {
  return ({ clients }) =>
    PROTOCOLS.map((protocol) => ({
      labels: [protocol],
      value: value(clients.filter((client) => client.protocol === protocol)),
    }));
}

function of(clients: readonly ClientView[], ...protocols: readonly Protocol[]): readonly ClientView[] {
  return clients.filter(({ protocol }) => protocols.includes(protocol));
}

function sum(
  { totals }: MetricSources,
  value: (totals: Totals) => number,
  ...protocols: readonly Protocol[]
): readonly Sample[] {
  return single(protocols.reduce((all, protocol) => all + value(totals.of(protocol)), 0));
}

function most(clients: readonly ClientView[], value: (client: ClientView) => number): number {
  return clients.reduce((largest, client) => Math.max(largest, value(client)), 0);
}

/** Clients, by protocol; those of raw-v1 and of the streams of events also under the names of existing systems. */
export const CLIENT_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'mdx_clients',
    type: 'gauge',
    labels: ['protocol'],
    help: 'Clients that are connected.',
    read: ofClients(({ length }) => length),
  },
  {
    name: 'mdx_client_connections_total',
    type: 'counter',
    labels: ['protocol'],
    help: 'Clients that have connected.',
    read: perProtocol(({ connected }) => connected),
  },
  {
    name: 'mdx_client_frames_total',
    type: 'counter',
    labels: ['protocol'],
    help: 'Frames or events that were sent to clients.',
    read: perProtocol(({ frames }) => frames),
  },
  {
    name: 'mdx_client_bytes_total',
    type: 'counter',
    labels: ['protocol'],
    help: 'Bytes that were sent to clients.',
    read: perProtocol(({ bytes }) => bytes),
  },
  {
    name: 'mdx_client_skipped_total',
    type: 'counter',
    labels: ['protocol'],
    help: 'Frames or events that clients did not get, because they were too slow.',
    read: perProtocol(({ skipped }) => skipped),
  },
  {
    name: 'mdx_client_lag_max',
    type: 'gauge',
    labels: ['protocol'],
    help: 'Frames or events that the slowest client is behind.',
    read: ofClients((clients) => most(clients, ({ lag }) => lag)),
  },
  {
    name: 'mdx_client_pending_bytes',
    type: 'gauge',
    labels: ['protocol'],
    help: 'Bytes that wait for clients to take them.',
    read: ofClients((clients) => clients.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0)),
  },
  {
    name: 'mdx_clients_dropped_total',
    type: 'counter',
    labels: ['protocol', 'reason'],
    help: 'Clients that were refused or closed by the server, by reason.',
    read: ({ dropped }) =>
      Object.entries(dropped).flatMap(([protocol, reasons]) =>
        Object.entries(reasons).map(([reason, value]) => ({ labels: [protocol, reason], value })),
      ),
  },
  {
    name: 'mdx_past_failures_total',
    type: 'counter',
    labels: ['protocol'],
    help: 'Readings of the journal that failed, for clients that go on behind what memory has: they were told what they lost.',
    read: ({ pastFailures }) => byKey(pastFailures),
  },
  {
    name: 'ws_clients',
    type: 'gauge',
    labels: [],
    help: 'Clients of raw-v1.',
    read: ({ clients }) => single(of(clients, 'raw-v1').length),
  },
  {
    name: 'out_frames_total',
    type: 'counter',
    labels: [],
    help: 'Frames that were sent to clients of raw-v1.',
    read: ({ rawV1 }) => (rawV1 === null ? [] : single(rawV1.frames)),
  },
  {
    name: 'out_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes that were sent to clients of raw-v1.',
    read: ({ rawV1 }) => (rawV1 === null ? [] : single(rawV1.bytes)),
  },
  {
    name: 'dropped_clients_total',
    type: 'counter',
    labels: [],
    help: 'Clients of raw-v1 that were refused or closed by the server.',
    read: ({ dropped }) =>
      single(Object.values(dropped['raw-v1'] ?? {}).reduce((sum, count) => sum + count, 0)),
  },
  {
    name: 'broadcast_lag',
    type: 'gauge',
    labels: [],
    help: 'Events that the slowest client of /api/ws is behind.',
    read: ({ clients }) => single(most(of(clients, 'events', 'dbn'), ({ lag }) => lag)),
  },
  {
    name: 'lagged_total',
    type: 'counter',
    labels: [],
    help: 'Events that clients of /api/ws were told they did not get.',
    read: (sources) => sum(sources, ({ skipped }) => skipped, 'events', 'dbn'),
  },
  {
    name: 'mbo_messages_processed_total',
    type: 'counter',
    labels: [],
    help: 'Events that were sent to clients of /api/ws and of server-sent events.',
    read: (sources) => sum(sources, ({ frames }) => frames, 'events', 'dbn', 'sse'),
  },
  {
    name: 'mbo_active_connections',
    type: 'gauge',
    labels: [],
    help: 'Clients of /api/ws and of server-sent events.',
    read: ({ clients }) => single(of(clients, 'events', 'dbn', 'sse').length),
  },
];

/** Frames of raw-v1 that are kept for clients. */
export const RAW_V1_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'mdx_raw_v1_cursor',
    type: 'gauge',
    labels: ['position'],
    help: 'Global sequence of the oldest frame that is kept, and of the next one.',
    read: ({ rawV1 }) => (rawV1 === null ? [] : byKey({ oldest: rawV1.oldest, next: rawV1.next })),
  },
  {
    name: 'mdx_raw_v1_bytes',
    type: 'gauge',
    labels: ['what'],
    help: 'Memory of the frames that are kept, and of those that only writes to slow clients still hold (pinned).',
    read: ({ rawV1 }) => (rawV1 === null ? [] : byKey({ kept: rawV1.busBytes, pinned: rawV1.pinnedBytes })),
  },
  {
    name: 'mdx_raw_v1_refused_books',
    type: 'gauge',
    labels: [],
    help: 'Books that are not published because a price of theirs has no form in frames.',
    read: ({ rawV1 }) => (rawV1 === null ? [] : single(rawV1.refusedBooks)),
  },
];

/** The HTTP server. */
export const HTTP_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'mbo_http_requests_total',
    type: 'counter',
    labels: [],
    help: 'Requests over HTTP.',
    read: ({ http }) => (http === null ? [] : single(http.requests)),
  },
  {
    name: 'mdx_http_answers_total',
    type: 'counter',
    labels: ['class'],
    help: 'Answers over HTTP, by the first digit of their status.',
    read: ({ http }) =>
      http === null
        ? []
        : [1, 2, 3, 4, 5].map((digit) => ({ labels: [`${digit}xx`], value: http.answers[digit] ?? 0 })),
  },
  {
    name: 'mdx_http_connections',
    type: 'gauge',
    labels: [],
    help: 'Connections that are open, those of WebSockets and of streams included.',
    read: ({ http }) => (http === null ? [] : single(http.connections)),
  },
  {
    name: 'mdx_http_upgrades_total',
    type: 'counter',
    labels: [],
    help: 'Connections that were handed over to another protocol.',
    read: ({ http }) => (http === null ? [] : single(http.upgrades)),
  },
  {
    name: 'mdx_http_refused_total',
    type: 'counter',
    labels: ['reason'],
    help: 'What was refused over HTTP: connections and upgrades, what was no HTTP, wrong tokens, and what would have been too much.',
    read: ({ http }) =>
      http === null
        ? []
        : byKey({
            connections: http.refusedConnections,
            malformed: http.malformed,
            overloaded: http.overloaded,
            unauthorized: http.unauthorized,
            upgrades: http.refusedUpgrades,
          }),
  },
  {
    name: 'mdx_http_failures_total',
    type: 'counter',
    labels: [],
    help: 'Requests that met a fault of the server.',
    read: ({ http }) => (http === null ? [] : single(http.failures)),
  },
];
