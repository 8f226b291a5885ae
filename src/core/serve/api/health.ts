import { json, problem, type Route, text } from '../http/route.ts';
import { COUNT, FLAG, type Schema, TEXT } from '../http/schema.ts';
import type { ApiContext } from './context.ts';
import { deathOf, reasonsAgainst } from './readiness.ts';

const REASON: Schema = {
  type: 'object',
  of: {
    code: { type: 'string', about: 'For programs: line-unseen, line-silent, gap, books-stale, …' },
    subject: TEXT,
    found: TEXT,
    clearedBy: TEXT,
  },
};
const STATE: Schema = {
  type: 'string',
  oneOf: ['starting', 'recovering', 'running', 'ended', 'stopping', 'failed'],
};
const REASONS: Schema = { type: 'list', of: REASON };

const HEALTH: Schema = {
  type: 'object',
  of: { live: FLAG, ready: FLAG, state: STATE, version: TEXT, upMs: COUNT, reasons: REASONS },
};

/** `/live`: is it worth keeping? `/ready`: may clients come? `/healthz`: both, for people. Open to everybody. */
export function healthRoutes(context: ApiContext): Route[] {
  const { serve, now } = context;
  return [
    {
      method: 'GET',
      path: '/live',
      summary: 'Is the process worth keeping? Where not, it should be started again.',
      access: 'open',
      parameters: [],
      answers: { 200: { summary: '`OK`' }, 503: { summary: 'The engine has failed or does not answer.' } },
      handle() {
        const death = deathOf(context);
        return death === null ? text('OK\n') : problem(503, 'dead', death);
      },
    },
    {
      method: 'GET',
      path: '/ready',
      summary:
        'May clients be sent here? Every configured line is seen, nothing is missing, the books are there and not stale.',
      access: 'open',
      parameters: [],
      answers: {
        200: {
          summary: 'They may.',
          schema: { type: 'object', of: { ready: FLAG, state: STATE, reasons: REASONS } },
        },
        503: {
          summary: 'They may not: each reason, with what clears it.',
          schema: { type: 'object', of: { ready: FLAG, state: STATE, reasons: REASONS } },
        },
      },
      handle() {
        const reasons = reasonsAgainst(context);
        const ready = reasons.length === 0;
        return json({ ready, state: serve.status().state, reasons }, ready ? 200 : 503);
      },
    },
    {
      method: 'GET',
      path: '/healthz',
      summary: 'Both at once, and how long it has been up. Fails only where `/live` does.',
      access: 'open',
      parameters: [],
      answers: {
        200: { summary: 'It lives.', schema: HEALTH },
        503: { summary: 'It should be started again.', schema: HEALTH },
      },
      handle() {
        const live = deathOf(context) === null;
        const reasons = reasonsAgainst(context);
        return json(
          {
            live,
            ready: reasons.length === 0,
            state: serve.status().state,
            version: serve.version,
            upMs: now() - serve.startedAt,
            reasons,
          },
          live ? 200 : 503,
        );
      },
    },
  ];
}
