/** Kinds of events that are sent; their place is the bit of a mask, and part of the tag of an event. */
export const EVENT_KINDS = ['mbo', 'trade', 'bbo', 'depth', 'status', 'definition', 'gap', 'system'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export function bitOf(kind: EventKind): number {
  return 1 << EVENT_KINDS.indexOf(kind);
}

/** Where no kinds are named: all that are events themselves. Views of books must be named. */
export const KINDS_UNLESS_NAMED: number = ((1 << EVENT_KINDS.length) - 1) & ~(bitOf('bbo') | bitOf('depth'));

/** Of kinds that are latest values, only the latest one of an instrument may be sent. */
export const KINDS_CONFLATED: number = bitOf('trade') | bitOf('bbo') | bitOf('depth') | bitOf('status');

const KIND_BITS = 15;
const FIRST = 16;
const TOPIC_SHIFT = 5;

/** Word of an event on the bus: what it is about, its kind, and whether it is the first one with its number. */
export function tagOf(topic: number, kind: number, isFirst: boolean): number {
  return (topic << TOPIC_SHIFT) | (isFirst ? FIRST : 0) | kind;
}

export function topicOf(tag: number): number {
  return tag >>> TOPIC_SHIFT;
}

export function kindOf(tag: number): number {
  return tag & KIND_BITS;
}

/** Kind of what stands in the log where events are missing. */
const MISSED = 15;
export const MISSED_TAG: number = FIRST | MISSED;

export function isMissed(tag: number): boolean {
  return (tag & KIND_BITS) === MISSED;
}

export function isFirst(tag: number): boolean {
  return (tag & FIRST) !== 0;
}
