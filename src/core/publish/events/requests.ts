import { documentOf, type EventFilter, everything, RequestError, readFilter, shown } from './filter.ts';
import { KINDS_CONFLATED } from './kinds.ts';
import type { SubscriptionOptions } from './subscription.ts';

/** A message of a client, checked. */
export type EventRequest =
  | {
      readonly type: 'Subscribe';
      readonly options: SubscriptionOptions;
      readonly resume: { readonly run: string; readonly seq: number } | null;
    }
  | { readonly type: 'Unsubscribe'; readonly sub: string | null }
  | { readonly type: 'Recent'; readonly limit: number; readonly filter: EventFilter; readonly answer: string }
  | { readonly type: 'Ping'; readonly t: string | null }
  | { readonly type: 'Stats'; readonly intervalMs: number | null };

const SUB_LENGTH_MAX = 64;
const CONFLATE_MS_MAX = 60_000;
const CONFLATE_MS_MIN = 10;
const RECENT_DEFAULT = 100;
const STATS_MS_MIN = 500;
const STATS_MS_MAX = 10_000;
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Subscribe: ['type', 'sub', 'filter', 'snapshot', 'conflate_ms', 'from'],
  Unsubscribe: ['type', 'sub'],
  Recent: ['type', 'limit', 'filter'],
  GetRecentEvents: ['type', 'limit', 'filter'],
  Ping: ['type', 't'],
  Stats: ['type', 'interval_ms'],
};

/**
 * Reads a message of a client. Throws RequestError, which knows what was asked as far as that is known.
 * @param offered bits of the kinds that there are.
 */
export function readRequest(text: string, offered: number): EventRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RequestError('bad_json', 'the message is no JSON');
  }
  const request = documentOf(value, 'a request');
  const { type } = request;
  if (typeof type !== 'string' || !Object.hasOwn(MEMBERS, type)) {
    throw new RequestError(
      'unknown_type',
      `type ${shown(type)}: Subscribe, Unsubscribe, Recent, Ping or Stats was expected`,
    );
  }
  const unknown = Object.keys(request).find((key) => !MEMBERS[type]!.includes(key));
  if (unknown !== undefined) throw bad(`${type} has the unknown member ${shown(unknown)}`);
  switch (type) {
    case 'Subscribe':
      return subscribe(request, offered);
    case 'Unsubscribe':
      return { type, sub: subOf(request) };
    case 'Ping':
      return { type, t: pingText(request['t']) };
    case 'Stats':
      return { type, intervalMs: statsInterval(request['interval_ms']) };
    default:
      return {
        type: 'Recent',
        answer: type === 'Recent' ? 'recent' : 'recent_events',
        limit: request['limit'] === undefined ? RECENT_DEFAULT : integer(request['limit'], 'limit', 1, 1e9),
        filter:
          request['filter'] === undefined ? everything(offered) : readFilter(request['filter'], offered),
      };
  }
}

/** The type of a request that could not be read, for the answer. */
export function typeOf(text: string): string | null {
  try {
    const { type } = JSON.parse(text) as { type?: unknown };
    return typeof type === 'string' ? type.slice(0, SUB_LENGTH_MAX) : null;
  } catch {
    return null;
  }
}

function subscribe(request: Record<string, unknown>, offered: number): EventRequest {
  if (request['filter'] === undefined) throw bad('Subscribe needs a filter: {"type":"All"}');
  const filter = readFilter(request['filter'], offered);
  const { snapshot = false } = request;
  if (typeof snapshot !== 'boolean') throw bad(`snapshot ${shown(snapshot)}: true or false was expected`);
  const conflateMs =
    request['conflate_ms'] === undefined
      ? 0
      : integer(request['conflate_ms'], 'conflate_ms', CONFLATE_MS_MIN, CONFLATE_MS_MAX);
  if (conflateMs > 0 && (filter.kinds & ~KINDS_CONFLATED) !== 0) {
    throw new RequestError(
      'bad_conflate',
      'conflate_ms is for the kinds trade, bbo, depth and status: name kinds',
    );
  }
  const options = { sub: subOf(request), filter, snapshot, conflateMs };
  return { type: 'Subscribe', options, resume: resumeOf(request['from']) };
}

function resumeOf(value: unknown): { readonly run: string; readonly seq: number } | null {
  if (value === undefined) return null;
  const { run, seq } = documentOf(value, 'from');
  if (typeof run !== 'string' || typeof seq !== 'string' || !/^\d{1,16}$/.test(seq)) {
    throw bad('from must be {"run":"…","seq":"…"}, as events and answers have them');
  }
  return { run, seq: Number(seq) };
}

function subOf({ sub }: Record<string, unknown>): string | null {
  if (sub === undefined) return null;
  if (typeof sub === 'string' && sub !== '' && sub.length <= SUB_LENGTH_MAX) return sub;
  throw bad(`sub ${shown(sub)}: a text of 1 to ${SUB_LENGTH_MAX} characters was expected`);
}

function pingText(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && value.length <= SUB_LENGTH_MAX) return value;
  throw bad(`t ${shown(value)}: a text of at most ${SUB_LENGTH_MAX} characters was expected`);
}

/** @returns null = once, 0 = no more. */
function statsInterval(value: unknown): number | null {
  if (value === undefined) return null;
  const interval = integer(value, 'interval_ms', 0, Number.MAX_SAFE_INTEGER);
  return interval === 0 ? 0 : Math.min(STATS_MS_MAX, Math.max(STATS_MS_MIN, interval));
}

function integer(value: unknown, name: string, minimum: number, maximum: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum)
    return value;
  throw bad(`${name} ${shown(value)}: an integer from ${minimum} to ${maximum} was expected`);
}

function bad(message: string): RequestError {
  return new RequestError('bad_request', message);
}
