import { expect, test } from 'vitest';
import { timeText } from '../../src/cli/numbers.ts';

test('a time has a day where it counts from one', () => {
  expect(timeText(1_758_742_200_500_000_000n)).toBe('2025-09-24T19:30:00.500000000Z');
  expect(timeText(34_200_000_000_001n)).toBe('09:30:00.000000001');
  expect(timeText(30n * 3_600_000_000_000n)).toBe('30:00:00.000000000');
});
