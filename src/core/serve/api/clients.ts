import { type AnsweringRoute, json } from '../http/route.ts';
import { COUNT, INTEGER, type Schema, TEXT, TEXT_OR_NULL } from '../http/schema.ts';
import type { ApiContext } from './context.ts';

const CLIENTS_DEFAULT = 1000;
const CLIENTS_MAX = 10_000;
const PROTOCOLS: readonly string[] = ['raw-v1', 'events', 'dbn', 'sse'];

const ANSWER: Schema = {
  type: 'object',
  of: {
    connected: { type: 'number', about: 'In all, whatever was asked for.' },
    clients: {
      type: 'list',
      of: {
        type: 'object',
        of: {
          id: COUNT,
          protocol: { type: 'string', oneOf: PROTOCOLS },
          address: TEXT,
          token: { ...TEXT_OR_NULL, about: 'Name of its token; null = none was needed.' },
          connectedMs: COUNT,
          frames: COUNT,
          bytes: INTEGER,
          pendingBytes: { type: 'number', about: 'Bytes that the system has not taken yet.' },
          lag: { type: 'number', about: 'Frames or events that it is behind.' },
          skipped: { type: 'number', about: 'Frames or events that were left out for it.' },
        },
      },
    },
  },
};

/** `GET /api/v1/clients`: who is connected, and how far behind. */
export function clientsRoute({ serve }: ApiContext): AnsweringRoute {
  return {
    method: 'GET',
    path: '/api/v1/clients',
    summary: 'The clients of all protocols: who they are and how far they are behind, the slowest first.',
    access: 'read',
    parameters: [
      {
        name: 'limit',
        in: 'query',
        type: 'integer',
        minimum: 1,
        maximum: CLIENTS_MAX,
        default: CLIENTS_DEFAULT,
        summary: 'At most so many.',
      },
      {
        name: 'protocol',
        in: 'query',
        type: 'text',
        maxLength: 16,
        oneOf: PROTOCOLS,
        summary: 'Only those of this protocol.',
      },
    ],
    answers: { 200: { summary: 'The slowest first.', schema: ANSWER } },
    handle({ values }) {
      const all = serve.clients();
      const wanted = all.filter(
        ({ protocol }) => values['protocol'] === null || protocol === values['protocol'],
      );
      const clients = wanted
        .toSorted((a, b) => b.lag - a.lag || b.pendingBytes - a.pendingBytes || a.id - b.id)
        .slice(0, Number(values['limit']))
        .map((client) => ({ ...client, bytes: String(client.bytes) }));
      return json({ connected: all.length, clients });
    },
  };
}
