import { type AnsweringRoute, json } from '../http/route.ts';
import { COUNT, COUNT_OR_NULL, FLAG, INTEGER, type Schema, TEXT, TEXT_OR_NULL } from '../http/schema.ts';
import type { EngineStatus } from '../status.ts';
import type { ApiContext } from './context.ts';
import { SAID_AT, saidAt } from './lines.ts';

const COUNTS: Schema = { type: 'map', of: COUNT };

const ANSWER: Schema = {
  type: 'object',
  of: {
    version: TEXT,
    state: TEXT,
    problem: TEXT_OR_NULL,
    time: SAID_AT,
    startedAt: TEXT_OR_NULL,
    feed: TEXT_OR_NULL,
    epoch: { type: 'string', about: 'The history that event numbers are of, 16 hexadecimal digits.' },
    lastEvent: INTEGER,
    messages: COUNT,
    messagesPerSecond: { type: 'number?', about: 'Over the last ten seconds.' },
    unknown: COUNT,
    malformed: COUNT,
    events: COUNT,
    eventsPerSecond: COUNT_OR_NULL,
    sessions: COUNT,
    inputs: {
      type: 'list',
      of: { type: 'object', of: { path: TEXT, bytes: INTEGER, total: { type: 'string?' } } },
    },
    books: { type: 'object', of: { known: COUNT, orders: COUNT, levels: COUNT, stale: COUNT } },
    anomalies: { ...COUNTS, about: 'Events that the books could not take.' },
    recovery: {
      type: 'object?',
      about: 'Absent server: null.',
      of: {
        requests: COUNT,
        retries: COUNT,
        failures: COUNT,
        fetchedRanges: COUNT,
        injectedPackets: COUNT,
        unrecoverableGaps: COUNT,
        unrecoverableNumbers: COUNT,
        lastFailure: TEXT_OR_NULL,
      },
    },
    journal: {
      type: 'object?',
      about: 'Nothing kept on disk: null.',
      of: {
        lastEvent: INTEGER,
        durableEvent: INTEGER,
        segments: COUNT,
        bytes: INTEGER,
        problem: TEXT_OR_NULL,
        stalls: COUNT_OR_NULL,
      },
    },
    taps: {
      type: 'list',
      about: 'The rings from the engine to the threads that serve clients.',
      of: {
        type: 'object',
        of: {
          name: TEXT,
          waitingBytes: COUNT,
          capacityBytes: COUNT,
          stalls: COUNT,
          stalledMs: COUNT,
          cuts: COUNT,
          isCut: FLAG,
          skippedEvents: INTEGER,
        },
      },
    },
    clients: COUNT,
  },
};

/** `GET /api/v1/status`: how the engine stands. */
export function statusRoute(context: ApiContext): AnsweringRoute {
  const { serve, rates } = context;
  return {
    method: 'GET',
    path: '/api/v1/status',
    summary: 'How the engine stands: what it read, its books, journal, recovery, and the threads behind it.',
    access: 'read',
    parameters: [],
    answers: { 200: { summary: 'As it stood at `time`.', schema: ANSWER } },
    handle() {
      const status = serve.status();
      const { state, problem, feed, epoch, messages, unknown, malformed, events, sessions, books } = status;
      const { messagesPerSecond = null, eventsPerSecond = null } = rates.ofEngine() ?? {};
      return json({
        version: serve.version,
        state,
        problem,
        time: saidAt(status),
        startedAt: saidAt({ time: serve.startedAt }),
        feed,
        epoch,
        lastEvent: String(status.lastEvent),
        messages,
        messagesPerSecond,
        unknown,
        malformed,
        events,
        eventsPerSecond,
        sessions,
        inputs: status.inputs.map(({ path, bytes, total }) => ({
          path,
          bytes: String(bytes),
          total: total === null ? null : String(total),
        })),
        books,
        anomalies: status.anomalies,
        recovery: recoveryView(status),
        journal: journalView(status),
        taps: status.taps.map((tap) => ({ ...tap, skippedEvents: String(tap.skippedEvents) })),
        clients: serve.clients().length,
      });
    },
  };
}

function recoveryView({ recovery }: EngineStatus): object | null {
  if (recovery === null) return null;
  const { requests, retries, failures, fetchedRanges, injectedPackets } = recovery;
  const { unrecoverableGaps, unrecoverableNumbers, lastFailure } = recovery;
  return {
    requests,
    retries,
    failures,
    fetchedRanges,
    injectedPackets,
    unrecoverableGaps,
    unrecoverableNumbers,
    lastFailure,
  };
}

function journalView({ journal }: EngineStatus): object | null {
  if (journal === null) return null;
  const { lastEvent, durableEvent, segments, bytes, problem, stalls = null } = journal;
  return {
    lastEvent: String(lastEvent),
    durableEvent: String(durableEvent),
    segments,
    bytes: String(bytes),
    problem,
    stalls,
  };
}
