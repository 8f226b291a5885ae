import { SSE_KINDS, type SseServer } from '../../publish/sse/sse-server.ts';
import { type Parameter, problem, type StreamingRoute } from '../http/route.ts';

const NAMES_LENGTH_MAX = 2048;

const PARAMETERS: readonly Parameter[] = [
  {
    name: 'kind',
    in: 'path',
    type: 'text',
    maxLength: 8,
    oneOf: Object.keys(SSE_KINDS),
    summary: 'What is streamed.',
  },
  {
    name: 'instruments',
    in: 'query',
    type: 'text',
    maxLength: NAMES_LENGTH_MAX,
    summary: 'Symbols or numbers, with commas between them; all where it is left out.',
  },
  {
    name: 'sources',
    in: 'query',
    type: 'text',
    maxLength: NAMES_LENGTH_MAX,
    summary: 'Sources, with commas between them; all where it is left out.',
  },
];

/** `GET /api/v1/stream/{kind}`: server-sent events. */
export function streamRoute(streams: SseServer): StreamingRoute {
  return {
    method: 'GET',
    path: '/api/v1/stream/{kind}',
    summary: 'A stream of server-sent events: the books as they are, then what comes.',
    access: 'read',
    parameters: PARAMETERS,
    answers: {
      200: { summary: 'The stream; Last-Event-ID goes on where it broke off.', type: 'text/event-stream' },
      400: { summary: 'A list has an empty name.' },
      503: { summary: 'As many streams as may be are open.' },
    },
    streams: 'text/event-stream',
    open({ values, headers, address, token }, sink) {
      const [sources, instruments] = ['sources', 'instruments'].map((name) => namesOf(values[name]));
      if (sources?.has('') === true || instruments?.has('') === true) {
        return problem(400, 'parameter', 'a list of names has an empty one');
      }
      const { 'last-event-id': last } = headers;
      const lastEventId = typeof last === 'string' ? last : null;
      const kind = SSE_KINDS[String(values['kind'])]!;
      return streams.open(
        { kind, sources: sources ?? null, instruments: instruments ?? null, lastEventId, address, token },
        sink,
      );
    },
  };
}

function namesOf(value: unknown): Set<string> | null {
  return typeof value === 'string' ? new Set(value.split(',')) : null;
}
