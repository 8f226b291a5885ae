import { expect, test } from 'vitest';
import * as queue from '../../../../src/core/pipeline/diff/step-queue.ts';
import { STEPS_MAX, StepQueue } from '../../../../src/core/pipeline/diff/step-queue.ts';

function add(steps: StepQueue, book: number, levels: readonly number[]): void {
  for (const key of levels) {
    const at = steps.addLevel();
    steps.levels[at + 1] = key;
  }
  const at = steps.add(levels.length);
  steps.steps[at + queue.STEP_BOOK] = book;
}

function levelsOf(steps: StepQueue, position: number): number[] {
  const row = steps.steps.subarray(steps.at(position));
  const from = row[queue.STEP_LEVELS]!;
  return Array.from(
    { length: row[queue.STEP_LEVEL_COUNT]! },
    (_, level) => steps.levels[steps.levelAt(from + level) + 1]!,
  );
}

test('steps keep their levels while the ring turns and grows, whatever is done with first', () => {
  const steps = new StepQueue('A');
  const waiting = new Map<number, number>();
  for (let step = 0; step < 20_000; step += 1) {
    add(steps, step, [step, step + 0.5].slice(step % 3));
    waiting.set(step, step);
    // Every seventh waits for long.
    const done = step - 500;
    if (done >= 0 && done % 7 !== 0) {
      expect(levelsOf(steps, done)).toEqual([done, done + 0.5].slice(done % 3));
      steps.release(done);
      waiting.delete(done);
    }
  }
  expect(steps.waiting).toBe(waiting.size);
  expect(steps.first).toBe(0);
  for (const step of waiting.keys()) {
    expect(steps.steps[steps.at(step) + queue.STEP_BOOK]).toBe(step);
    expect(levelsOf(steps, step)).toEqual([step, step + 0.5].slice(step % 3));
    steps.release(step);
  }
  expect([steps.waiting, steps.first]).toEqual([0, 20_000]);
});

test('what waits has an end', () => {
  const steps = new StepQueue('B');
  for (let step = 0; step < STEPS_MAX; step += 1) steps.add(0);
  expect(() => steps.add(0)).toThrow(`${STEPS_MAX} groups of B wait`);
});
