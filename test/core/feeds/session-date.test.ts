import { describe, expect, test } from 'vitest';
import { midnightOf } from '../../../src/core/feeds/session-date.ts';

const NEW_YORK = 'America/New_York';

function utc(text: string): bigint {
  return BigInt(Date.parse(text)) * 1_000_000n;
}

describe('midnightOf', () => {
  test.each([
    ['2023-08-22', '2023-08-22T04:00:00Z'],
    ['2024-01-02', '2024-01-02T05:00:00Z'],
    // Clocks change at 2 in the morning, so the day of the change begins as the one before did.
    ['2024-03-10', '2024-03-10T05:00:00Z'],
    ['2024-03-11', '2024-03-11T04:00:00Z'],
    ['2024-11-03', '2024-11-03T04:00:00Z'],
    ['2024-11-04', '2024-11-04T05:00:00Z'],
    ['2024-02-29', '2024-02-29T05:00:00Z'],
  ])('%s begins at %s', (day, begin) => {
    const midnight = midnightOf(day, NEW_YORK);
    expect(midnight).toBe(utc(begin));
    // Every moment of the day says the same.
    expect(midnightOf(midnight, NEW_YORK)).toBe(midnight);
    expect(midnightOf(midnight + 1n, NEW_YORK)).toBe(midnight);
    expect(midnightOf(midnight + 82_799_999_999_999n, NEW_YORK)).toBe(midnight);
    expect(midnightOf(midnight - 1_000_000n, NEW_YORK)).toBeLessThan(midnight);
  });

  test('a moment belongs to the day of the zone, not of UTC', () => {
    expect(midnightOf(utc('2023-08-23T03:59:59.999Z'), NEW_YORK)).toBe(utc('2023-08-22T04:00:00Z'));
    expect(midnightOf(utc('2023-08-23T04:00:00Z'), NEW_YORK)).toBe(utc('2023-08-23T04:00:00Z'));
  });

  test('the last moment of a day with 25 hours', () => {
    expect(midnightOf(utc('2024-11-04T04:59:59.999Z'), NEW_YORK)).toBe(utc('2024-11-03T04:00:00Z'));
  });

  test('zones east of Greenwich, and without daylight saving', () => {
    expect(midnightOf('2024-07-01', 'Europe/Berlin')).toBe(utc('2024-06-30T22:00:00Z'));
    expect(midnightOf('2024-07-01', 'Asia/Tokyo')).toBe(utc('2024-06-30T15:00:00Z'));
    expect(midnightOf('2024-07-01', 'UTC')).toBe(utc('2024-07-01T00:00:00Z'));
  });

  test('agrees with every day of four years', () => {
    const clock = new Intl.DateTimeFormat('sv-SE', {
      timeZone: NEW_YORK,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    for (let ms = Date.UTC(2023, 0, 1); ms < Date.UTC(2027, 0, 1); ms += 86_400_000) {
      const day = new Date(ms).toISOString().slice(0, 10);
      expect(clock.format(Number(midnightOf(day, NEW_YORK) / 1_000_000n))).toBe(`${day} 00:00:00`);
    }
  });

  test.each([
    '2023-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-1-1',
    '20240101',
    '2024-01-01T00:00',
    '',
    '0000-00-00',
  ])('refuses "%s"', (day) => {
    expect(() => midnightOf(day, NEW_YORK)).toThrow(
      `reading the date "${day}": expected a day of the calendar`,
    );
  });
});
