import { expect, it } from 'vitest';
import { attack } from '../../../fuzz/hostile-http.ts';
import { HostileTarget } from '../../../fuzz/hostile-target.ts';

it('hostile requests are answered or cut, and others are served as before', async () => {
  const target = await HostileTarget.start();
  const outcomes = await attack(target, 1, 400);
  expect([...outcomes.keys()]).not.toContain('no HTTP');
  expect([...outcomes.keys()].filter((outcome) => outcome.startsWith('5'))).toEqual([]);
  // A campaign whose requests are all refused at the door would prove nothing of what is behind it.
  for (const outcome of ['200', '202', '101', '400', '401', '404', '405', '431', 'closed']) {
    expect(outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(0);
  }
  expect(target.server.counts.failures).toBe(0);
  await target.close();
  expect(target.server.streams).toBe(0);
});
