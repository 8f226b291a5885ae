import type { StreamSession, StreamSink } from '../http/route.ts';
import { type Answer, type Call, type Parameter, problem, type StreamingRoute } from '../http/route.ts';

const KINDS = ['bbo', 'depth', 'trades', 'mbo'] as const;
const DEPTH_DEFAULT = 10;
const DEPTH_MAX = 1000;
const CONFLATE_MS_MAX = 60_000;
const LIST_LENGTH_MAX = 2048;
const EVENT_ID_LENGTH_MAX = 64;

/** What a client of server-sent events asks for. */
export interface StreamRequest {
  readonly kind: (typeof KINDS)[number];
  /** Empty = all. */
  readonly sources: readonly string[];
  /** Symbols, or the venue's numbers; empty = all. */
  readonly instruments: readonly string[];
  /** Levels of each side, for kind depth. */
  readonly depth: number;
  /** Least time between two of one instrument; 0 = everything. */
  readonly conflateMs: number;
  /** `id:` of the last that a client had which comes back; null = it is new. */
  readonly lastEventId: string | null;
  readonly token: string | null;
  readonly address: string;
}

/** Why a stream is not opened. */
export interface StreamRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** What serves streams of server-sent events. */
export interface StreamSource {
  open(request: StreamRequest, sink: StreamSink): StreamSession | StreamRefusal;
}

const PARAMETERS: readonly Parameter[] = [
  { name: 'kind', in: 'path', type: 'text', maxLength: 8, oneOf: KINDS, summary: 'What is streamed.' },
  {
    name: 'instruments',
    in: 'query',
    type: 'text',
    maxLength: LIST_LENGTH_MAX,
    summary: 'Symbols or numbers with commas between them; all unless given.',
  },
  {
    name: 'sources',
    in: 'query',
    type: 'text',
    maxLength: LIST_LENGTH_MAX,
    summary: 'Names of sources with commas between them; all unless given.',
  },
  {
    name: 'depth',
    in: 'query',
    type: 'integer',
    minimum: 1,
    maximum: DEPTH_MAX,
    default: DEPTH_DEFAULT,
    summary: 'Levels of each side, of kind depth.',
  },
  {
    name: 'conflate_ms',
    in: 'query',
    type: 'integer',
    minimum: 0,
    maximum: CONFLATE_MS_MAX,
    default: 0,
    summary: 'Least time between two of one instrument; 0 = everything.',
  },
];

/** `GET /api/v1/stream/{kind}`: server-sent events, with the header `Last-Event-ID` of whoever comes back. */
export function streamRoute(source: StreamSource): StreamingRoute {
  return {
    method: 'GET',
    path: '/api/v1/stream/{kind}',
    summary: 'Server-sent events: best prices, depth, trades, or every change of the order book.',
    access: 'read',
    parameters: PARAMETERS,
    answers: {
      200: { summary: 'Without an end. `id:` is what `Last-Event-ID` brings back.' },
      503: { summary: 'As many streams as may be are open.' },
    },
    streams: 'text/event-stream',
    open(call, sink) {
      const lastEventId = call.headers['last-event-id'] ?? null;
      if (lastEventId !== null && !isEventId(lastEventId)) {
        return problem(400, 'last-event-id', 'Last-Event-ID is none of ours');
      }
      const opened = source.open(requestOf(call, lastEventId as string | null), sink);
      return 'message' in opened ? refusal(opened) : opened;
    },
  };
}

function isEventId(value: string | readonly string[]): boolean {
  return typeof value === 'string' && value.length <= EVENT_ID_LENGTH_MAX && /^[\x21-\x7e]+$/.test(value);
}

function requestOf({ values, token, address }: Call, lastEventId: string | null): StreamRequest {
  return {
    kind: values['kind'] as StreamRequest['kind'],
    sources: listOf(values['sources']),
    instruments: listOf(values['instruments']),
    depth: Number(values['depth']),
    conflateMs: Number(values['conflate_ms']),
    lastEventId,
    token,
    address,
  };
}

function listOf(value: Call['values'][string] | undefined): string[] {
  return typeof value === 'string' ? value.split(',').filter((name) => name !== '') : [];
}

function refusal({ status, code, message }: StreamRefusal): Answer {
  return problem(status, code, message);
}
