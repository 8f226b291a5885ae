const NS_PER_MS = 1_000_000n;
const HOUR_MS = 3_600_000;

/**
 * Local midnight of a trading day, ns since 1970 UTC.
 * @param day the date as YYYY-MM-DD, or a time (ns since 1970) whose date in the zone is meant.
 * @param zone IANA name of the time zone, summer time included. Throws RangeError for a date that does not exist.
 */
export function midnightOf(day: string | bigint, zone: string): bigint {
  const date = typeof day === 'string' ? day : dateIn(Number(day / NS_PER_MS), zone);
  const utc = Date.parse(`${date}T00:00:00Z`);
  if (!/^\d{4}-\d\d-\d\d$/.test(date) || Number.isNaN(utc)) {
    throw new RangeError(`reading the date ${date}: expected YYYY-MM-DD`);
  }
  // The first hour of UTC around it whose local date is this day begins it: offsets are whole quarter hours.
  for (let ms = utc - 14 * HOUR_MS; ms <= utc + 14 * HOUR_MS; ms += HOUR_MS / 4) {
    if (dateIn(ms, zone) === date) return BigInt(ms) * NS_PER_MS;
  }
  throw new RangeError(`reading the date ${date}: it does not exist in ${zone}`);
}

/** Date (YYYY-MM-DD) of a time in a zone. */
function dateIn(ms: number, zone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(ms);
}
