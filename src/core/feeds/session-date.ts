import { MdxError } from '../errors.ts';

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const NS_PER_MS = 1_000_000n;
const MS_PER_DAY = 86_400_000;

/**
 * ns since 1970 UTC of the midnight with which a trading day begins in a time zone.
 * @param day the day as YYYY-MM-DD, or any moment of it in ns since 1970.
 * @param zone IANA name, as `America/New_York`.
 * Throws MdxError for a day that the calendar does not have.
 */
export function midnightOf(day: string | bigint, zone: string): bigint {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  const local = typeof day === 'string' ? parseDay(day) : localTime(clock, Number(day / NS_PER_MS));
  const midnight = Math.floor(local / MS_PER_DAY) * MS_PER_DAY;
  // The zone's offset is asked at a guess, and again where that leads: between them its clocks may have been changed.
  let utc = midnight;
  for (let round = 0; round < 2; round += 1) utc = midnight - (localTime(clock, utc) - utc);
  return BigInt(utc) * NS_PER_MS;
}

/** What the zone's clocks show at a moment, as if they showed UTC: ms since 1970, whole seconds. */
function localTime(clock: Intl.DateTimeFormat, ms: number): number {
  const parts = new Map(clock.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
}

function parseDay(text: string): number {
  const match = DAY.exec(text);
  if (match !== null) {
    const ms = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
    // Day 31 of a month with 30 would be taken for the first of the next one.
    if (new Date(ms).toISOString().startsWith(text)) return ms;
  }
  throw new MdxError('usage', `reading the date "${text}": expected a day of the calendar as YYYY-MM-DD`);
}
