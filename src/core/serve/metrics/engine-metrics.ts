import { byKey, type Metric, single } from '../../observe/metric.ts';
import type { EngineState } from '../status.ts';
import type { MetricSources } from './sources.ts';

const STATES: readonly EngineState[] = ['starting', 'recovering', 'running', 'ended', 'stopping', 'failed'];

/** The engine: what it read, its books, its journal and the rings to those who follow it. */
export const ENGINE_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'mdx_engine_state',
    type: 'gauge',
    labels: ['state'],
    help: '1 for the state that the engine is in, 0 for the others.',
    read: ({ status }) => STATES.map((state) => ({ labels: [state], value: status.state === state ? 1 : 0 })),
  },
  {
    name: 'mdx_engine_status_age_seconds',
    type: 'gauge',
    labels: [],
    help: 'Since the engine last said how it stands; it says so four times a second while it lives.',
    read: ({ status, now }) => single(status.time === 0 ? 0 : Math.max(0, now - status.time) / 1000),
  },
  {
    name: 'decode_messages',
    type: 'counter',
    labels: [],
    help: 'Messages that were decoded.',
    read: ({ status }) => single(status.messages),
  },
  {
    name: 'mdx_messages_refused_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Messages that the decoder did not know (unknown) or could not read (malformed).',
    read: ({ status: { unknown, malformed } }) => byKey({ unknown, malformed }),
  },
  {
    name: 'mbo_order_book_updates_total',
    type: 'counter',
    labels: [],
    help: 'Events that came to the books.',
    read: ({ status }) => single(status.events),
  },
  {
    name: 'mdx_event_number',
    type: 'gauge',
    labels: [],
    help: 'Number of the last event in the history of the epoch.',
    read: ({ status }) => single(status.lastEvent),
  },
  {
    name: 'mdx_sessions_total',
    type: 'counter',
    labels: [],
    help: 'Sessions of the venue that have begun.',
    read: ({ status }) => single(status.sessions),
  },
  {
    name: 'mdx_books',
    type: 'gauge',
    labels: [],
    help: 'Books that are known.',
    read: ({ status }) => single(status.books.known),
  },
  {
    name: 'mdx_books_stale',
    type: 'gauge',
    labels: [],
    help: 'Books that are not to be trusted, because something of them was lost.',
    read: ({ status }) => single(status.books.stale),
  },
  {
    name: 'book_live_orders',
    type: 'gauge',
    labels: [],
    help: 'Orders in all books.',
    read: ({ status }) => single(status.books.orders),
  },
  {
    name: 'mbo_order_book_depth',
    type: 'gauge',
    labels: [],
    help: 'Price levels in all books.',
    read: ({ status }) => single(status.books.levels),
  },
  {
    name: 'mdx_book_anomalies_total',
    type: 'counter',
    labels: ['kind'],
    help: 'Events that the books could not take as they were, by kind.',
    read: ({ status }) => byKey(status.anomalies),
  },
  {
    name: 'mdx_input_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes of the input that were read.',
    read: ({ status }) => single(status.inputs.reduce((sum, { bytes }) => sum + bytes, 0)),
  },
  {
    name: 'mdx_tap_waiting_bytes',
    type: 'gauge',
    labels: ['tap'],
    help: 'Bytes of events in the ring to a thread that publishes.',
    read: ({ status }) => status.taps.map((tap) => ({ labels: [tap.name], value: tap.waitingBytes })),
  },
  {
    name: 'mdx_tap_capacity_bytes',
    type: 'gauge',
    labels: ['tap'],
    help: 'Room in the ring to a thread that publishes.',
    read: ({ status }) => status.taps.map((tap) => ({ labels: [tap.name], value: tap.capacityBytes })),
  },
  {
    name: 'mdx_tap_stalls_total',
    type: 'counter',
    labels: ['tap'],
    help: 'How often the engine waited because a thread that publishes did not keep up.',
    read: ({ status }) => status.taps.map((tap) => ({ labels: [tap.name], value: tap.stalls })),
  },
  {
    name: 'mdx_tap_stalled_seconds_total',
    type: 'counter',
    labels: ['tap'],
    help: 'How long the engine waited for a thread that publishes.',
    read: ({ status }) => status.taps.map((tap) => ({ labels: [tap.name], value: tap.stalledMs / 1000 })),
  },
  {
    name: 'mdx_tap_cuts_total',
    type: 'counter',
    labels: ['tap'],
    help: 'How often a thread that publishes was cut off because it did not keep up.',
    read: ({ status }) => status.taps.map((tap) => ({ labels: [tap.name], value: tap.cuts })),
  },
  {
    name: 'mdx_tap_cut_off',
    type: 'gauge',
    labels: ['tap'],
    help: '1 from when a thread that publishes is cut off until it goes on behind an image of the books, else 0.',
    read: ({ status }) => status.taps.map((tap) => ({ labels: [tap.name], value: tap.isCut ? 1 : 0 })),
  },
  {
    name: 'mdx_tap_skipped_events_total',
    type: 'counter',
    labels: ['tap'],
    help: 'Events that were left out for a thread that publishes, which its clients were told.',
    read: ({ status }) => status.taps.map((tap) => ({ labels: [tap.name], value: tap.skippedEvents })),
  },
];

/** The journal, where one is written. */
export const JOURNAL_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'mdx_journal_event_number',
    type: 'gauge',
    labels: ['position'],
    help: 'Number of the last event that was handed to the system (written), and that survives a loss of power (durable).',
    read: ({ status: { journal } }) =>
      journal === null ? [] : byKey({ written: journal.lastEvent, durable: journal.durableEvent }),
  },
  {
    name: 'mdx_journal_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes that were written to the journal.',
    read: ({ status: { journal } }) => (journal === null ? [] : single(journal.bytes)),
  },
  {
    name: 'mdx_journal_segments_total',
    type: 'counter',
    labels: [],
    help: 'Segments of the journal that were begun.',
    read: ({ status: { journal } }) => (journal === null ? [] : single(journal.segments)),
  },
  {
    name: 'mdx_journal_stalls_total',
    type: 'counter',
    labels: [],
    help: 'How often the engine waited for the thread that writes the journal.',
    read: ({ status: { journal } }) => (journal === null ? [] : single(journal.stalls ?? 0)),
  },
  {
    name: 'mdx_journal_failed',
    type: 'gauge',
    labels: [],
    help: '1 when the journal cannot be written, 0 when it can.',
    read: ({ status: { journal } }) => (journal === null ? [] : single(journal.problem === null ? 0 : 1)),
  },
  {
    name: 'mdx_disk_free_bytes',
    type: 'gauge',
    labels: [],
    help: 'Free space where the journal is.',
    read: ({ disk }) => (disk === null ? [] : single(disk.free)),
  },
  {
    name: 'mdx_disk_size_bytes',
    type: 'gauge',
    labels: [],
    help: 'Size of the file system where the journal is.',
    read: ({ disk }) => (disk === null ? [] : single(disk.total)),
  },
];
