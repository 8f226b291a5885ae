import { describe, expect, it } from 'vitest';
import { Polling } from '../../../src/core/net/polling.ts';

function waited(polling: Polling, waits: number, ms: number): Polling {
  for (let wait = 0; wait < waits; wait += 1) polling.note(ms);
  return polling;
}

describe('polling', () => {
  it('begins when packets have come closely for a while, and ends when they do not', () => {
    const polling = new Polling(0.2, 2);
    expect(polling.lookMs(0)).toBe(0);
    expect(waited(polling, 8, 0.01).lookMs(0)).toBe(0);
    expect(waited(polling, 8, 0.01).lookMs(0)).toBe(0.2);
    expect(waited(polling, 100, 0.19).lookMs(0)).toBe(0.2);
    // However long nothing came, soon as far as when it was asleep.
    expect(waited(polling, 3, 60_000).lookMs(0)).toBe(0);
    expect(waited(polling, 100, 60_000).lookMs(0)).toBe(0);
    expect(waited(polling, 16, 0.01).lookMs(0)).toBe(0.2);
  });

  it.each([
    ['a single processor', new Polling(0.2, 1)],
    ['no time for it', new Polling(0, 8)],
  ])('never happens with %s', (_, polling) => {
    expect(waited(polling, 1000, 0).lookMs(0)).toBe(0);
  });

  it('leaves the processor to others for a while when they had it meanwhile', () => {
    const polling = waited(new Polling(0.2, 2), 100, 0);
    polling.looked(0.3, 1000);
    expect(polling.lookMs(1000)).toBe(0.2);
    polling.looked(3, 1003);
    expect(polling.lookMs(1004)).toBe(0);
    expect(polling.lookMs(1053)).toBe(0.2);
  });
});
