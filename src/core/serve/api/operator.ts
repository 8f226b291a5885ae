import { type Answer, type AnsweringRoute, type Call, json, problem, type Route } from '../http/route.ts';
import { type Schema, TEXT } from '../http/schema.ts';
import type { EngineCommand } from '../status.ts';
import { BOOK_PARAMETERS, booksNow, findBook } from './books.ts';
import type { ApiContext } from './context.ts';

/** How long the engine may take to do what is asked, ms. */
const COMMAND_MS = 10_000;
const REASON_LENGTH_MAX = 200;

const DONE: Schema = { type: 'object', of: { done: TEXT } };
const REASON: Schema = {
  type: 'object',
  of: { reason: { type: 'string', about: `Why, in at most ${REASON_LENGTH_MAX} characters.` } },
  optional: ['reason'],
};

/** What changes something: asked for by POST. */
export function operatorRoutes(context: ApiContext): Route[] {
  return [snapshotRoute(context), clearRoute(context)];
}

function snapshotRoute(context: ApiContext): AnsweringRoute {
  return {
    method: 'POST',
    path: '/snapshot',
    summary: 'Asks for an image of all books in the journal; the answer says what was done.',
    access: 'read',
    parameters: [],
    answers: {
      202: { summary: 'It is under way.', schema: DONE },
      409: { summary: 'It cannot be written: the answer says why.' },
      504: { summary: 'The engine did not answer in time.' },
    },
    handle: () => command(context, { kind: 'snapshot' }),
  };
}

function clearRoute(context: ApiContext): AnsweringRoute {
  return {
    method: 'POST',
    path: '/api/v1/book/{instrument}/clear',
    summary: 'Empties one book and takes its mark of being stale away. An event records it, with who asked.',
    access: 'operate',
    parameters: BOOK_PARAMETERS,
    takes: REASON,
    answers: {
      202: { summary: 'It is done.', schema: DONE },
      404: { summary: 'There is no such book.' },
      409: { summary: 'Several books have this name, or it cannot be done: the answer says why.' },
      503: { summary: 'There are no books yet.' },
      504: { summary: 'The engine did not answer in time.' },
    },
    handle(call) {
      const reason = reasonOf(call);
      if (typeof reason !== 'string') return reason;
      const now = booksNow(context);
      if ('refusal' in now) return now.refusal;
      const found = findBook(now, call.values);
      if ('refusal' in found) return found.refusal;
      const by = reason === '' ? call.token! : `${call.token}: ${reason}`;
      return command(context, { kind: 'clear', book: found.definition.number, by });
    },
  };
}

/** The reason that an operator gives, empty where none was; or the answer to a document of another form. */
function reasonOf({ body }: Call): string | Answer {
  if (body === undefined) return '';
  const isDocument = typeof body === 'object' && body !== null && !Array.isArray(body);
  const { reason = '', ...others } = (isDocument ? body : { others: true }) as Record<string, unknown>;
  if (Object.keys(others).length > 0 || typeof reason !== 'string' || reason.length > REASON_LENGTH_MAX) {
    return problem(
      400,
      'document',
      `expected {"reason": "…"} with at most ${REASON_LENGTH_MAX} characters, and nothing else`,
    );
  }
  // It stands in logs, one line each.
  return reason.replaceAll(/\p{Cc}/gu, ' ');
}

async function command({ serve }: ApiContext, what: EngineCommand): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), COMMAND_MS);
  });
  const answer = await Promise.race([serve.command(what), late]);
  clearTimeout(timer);
  if (answer === null) {
    return problem(504, 'no-answer', `the engine did not answer for ${COMMAND_MS} ms; it may still do it`);
  }
  return answer.ok ? json({ done: answer.text }, 202) : problem(409, 'not-done', answer.text);
}
