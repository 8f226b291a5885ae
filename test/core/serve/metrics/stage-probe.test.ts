import { expect, test } from 'vitest';
import { EventBatch } from '../../../../src/core/event/batch.ts';
import { EDGES_NS } from '../../../../src/core/observe/stages.ts';
import { ThreadSlots } from '../../../../src/core/observe/thread-slots.ts';
import { StageProbe } from '../../../../src/core/serve/metrics/stage-probe.ts';
import { ProcessClock } from '../../../../src/core/threads/process-clock.ts';

/** ns × 2^32 in an hour and a bit: the high half of its time. */
const HOURS_HIGH = 1000;
const LONG = EDGES_NS.length;

/** A batch of one event that was received now, or so many hours ago, or (negative) in hours. */
function received(hoursHigh: number): EventBatch {
  const clock = new ProcessClock();
  clock.read();
  const batch = new EventBatch(1);
  batch.count = 1;
  batch.receiveBaseHigh = clock.high - hoursHigh;
  batch.receiveBaseLow = clock.low;
  return batch;
}

/** Times that were counted of a stage: all, and those above the last edge. */
function counted(
  slots: ThreadSlots,
  stage: 'decode' | 'book',
  start: 'receive' | 'thread',
): [number, number] {
  const { counts } = slots.stage(stage, start);
  return [counts.reduce((sum, count) => sum + count, 0), counts[LONG]!];
}

test('each batch is counted where it is seen, and the oldest event of a stretch where it is done', () => {
  const slots = new ThreadSlots();
  slots.start = 'receive';
  const probe = new StageProbe(slots, 'decode', 'book');
  probe.flush();
  for (const hours of [0, HOURS_HIGH, 0]) probe.records(received(hours), 0);
  expect(counted(slots, 'decode', 'receive')).toEqual([3, 1]);
  expect(counted(slots, 'book', 'receive')).toEqual([0, 0]);
  probe.flush();
  probe.flush();
  expect(counted(slots, 'book', 'receive')).toEqual([1, 1]);
  probe.records(received(0), 0);
  probe.flush();
  expect(counted(slots, 'book', 'receive')).toEqual([2, 1]);
});

test('a time of another clock is counted from where the thread took the event up, and never beside the others', () => {
  const slots = new ThreadSlots();
  const probe = new StageProbe(slots, 'decode', 'book');
  probe.records(received(HOURS_HIGH), 0);
  probe.flush();
  expect(counted(slots, 'decode', 'thread')).toEqual([0, 0]);
  expect(counted(slots, 'book', 'thread')).toEqual([1, 0]);
  // The lines are known while an event is on its way.
  probe.records(received(HOURS_HIGH), 0);
  slots.start = 'receive';
  probe.flush();
  expect(counted(slots, 'book', 'thread')).toEqual([1, 0]);
  expect(counted(slots, 'book', 'receive')).toEqual([0, 0]);
});

test('what comes from the future is counted as such', () => {
  const slots = new ThreadSlots();
  slots.start = 'receive';
  const probe = new StageProbe(slots, 'decode', 'book');
  probe.records(received(-HOURS_HIGH), 0);
  probe.flush();
  expect([slots.stage('decode', 'receive').backwards, slots.stage('book', 'receive').backwards]).toEqual([
    1, 1,
  ]);
  expect(counted(slots, 'book', 'receive')).toEqual([0, 0]);
});
