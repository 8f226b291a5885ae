import { bitOf, EVENT_KINDS, type EventKind, KINDS_UNLESS_NAMED } from './kinds.ts';
import type { Topic } from './topics.ts';

/** What a client wants. */
export interface EventFilter {
  /** Null = all. */
  readonly sources: ReadonlySet<string> | null;
  /** Symbols, and numbers as text; null = all. */
  readonly instruments: ReadonlySet<string> | null;
  /** Bits of kinds. */
  readonly kinds: number;
  /** As it was understood, for the answer. */
  readonly said: object;
  /** The same as text: filters with one text take the same. */
  readonly key: string;
}

export class RequestError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const NAMES_MAX = 10_000;
const NAME_LENGTH_MAX = 256;
const KEYS = ['type', 'sources', 'node_ids', 'instruments', 'kinds'];

/** Reads a filter of a request. Throws RequestError. @param offered bits of the kinds that there are. */
export function readFilter(value: unknown, offered: number): EventFilter {
  const filter = documentOf(value, 'filter');
  const type = filter['type'];
  if (type === 'Node' || 'node_id' in filter) {
    throw bad('filter type Node was replaced by Sources/Nodes: {"type":"Sources","sources":["…"]}');
  }
  if (type !== 'All' && type !== 'Sources' && type !== 'Nodes') {
    const text = type === 'EventType' || type === 'EventTypeRange' ? '; name kinds instead of numbers' : '';
    throw bad(`filter type ${shown(type)}: All or Sources was expected${text}`);
  }
  const unknown = Object.keys(filter).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw bad(`filter has the unknown member ${shown(unknown)}`);
  const list = type === 'Nodes' ? 'node_ids' : 'sources';
  const other = type === 'Nodes' ? 'sources' : 'node_ids';
  if (other in filter) throw bad(`filter type ${type} has ${list}, not ${other}`);
  if (type === 'All' && list in filter) throw bad('filter type All has no sources: use type Sources');
  if (type !== 'All' && !(list in filter)) throw bad(`filter type ${type} needs ${list}`);
  const sources = type === 'All' ? null : namesOf(filter[list], list);
  const instruments = 'instruments' in filter ? namesOf(filter['instruments'], 'instruments') : null;
  const kinds = 'kinds' in filter ? kindsOf(filter['kinds'], offered) : KINDS_UNLESS_NAMED & offered;
  return filterOf({
    sources: sources?.has('*') === true ? null : sources,
    instruments: instruments?.has('*') === true ? null : instruments,
    kinds,
  });
}

export function filterOf(wanted: Omit<EventFilter, 'said' | 'key'>): EventFilter {
  const { sources, instruments, kinds } = wanted;
  const said = {
    ...(sources === null ? { type: 'All' } : { type: 'Sources', sources: [...sources] }),
    ...(instruments === null ? {} : { instruments: [...instruments] }),
    kinds: namesOfKinds(kinds),
  };
  return { sources, instruments, kinds, said, key: JSON.stringify(said) };
}

/** The filter of whoever has not said what it wants. */
export function everything(offered: number): EventFilter {
  return filterOf({ sources: null, instruments: null, kinds: KINDS_UNLESS_NAMED & offered });
}

/** Bits of the kinds that a filter takes of a topic. What concerns a whole source concerns each of its instruments. */
export function maskOf(filter: EventFilter, { source, book, instrument, symbol }: Topic): number {
  const { sources, instruments, kinds } = filter;
  if (sources !== null && !sources.has(source)) return 0;
  if (instruments === null || book === null) return kinds;
  const isNamed = instruments.has(String(instrument)) || (symbol !== null && instruments.has(symbol));
  return isNamed ? kinds : 0;
}

export function documentOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(`${what} must be an object`);
  }
  return value as Record<string, unknown>;
}

function kindsOf(value: unknown, offered: number): number {
  if (!Array.isArray(value) || value.length === 0) throw bad('kinds must be a list that is not empty');
  let kinds = 0;
  for (const kind of value as unknown[]) {
    if (kind === '*') return offered;
    const bit = EVENT_KINDS.includes(kind as EventKind) ? bitOf(kind as EventKind) : 0;
    if ((bit & offered) === 0)
      throw bad(`kind ${shown(kind)} is not sent; there are ${namesOfKinds(offered).join(', ')}`);
    kinds |= bit;
  }
  return kinds;
}

function namesOfKinds(kinds: number): EventKind[] {
  return EVENT_KINDS.filter((_name, bit) => ((kinds >> bit) & 1) !== 0);
}

function namesOf(value: unknown, what: string): Set<string> {
  if (!Array.isArray(value) || value.length === 0) throw bad(`${what} must be a list that is not empty`);
  if (value.length > NAMES_MAX) throw bad(`${what} has more than ${NAMES_MAX} names`);
  return new Set(
    (value as unknown[]).map((name) => {
      const isNumber = typeof name === 'number' && Number.isSafeInteger(name) && what === 'instruments';
      if (isNumber) return String(name);
      if (typeof name === 'string' && name !== '' && name.length <= NAME_LENGTH_MAX) return name;
      throw bad(`${what} has ${shown(name)}, which is no name`);
    }),
  );
}

function bad(message: string): RequestError {
  return new RequestError('bad_filter', message);
}

/** What a client said, short enough for an answer. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
