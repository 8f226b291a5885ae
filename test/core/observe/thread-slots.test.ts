import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf, EDGES_NS, STAGES } from '../../../src/core/observe/stages.ts';
import { watchThread } from '../../../src/core/observe/thread-health.ts';
import { GAUGES, GC_KINDS, ThreadSlots } from '../../../src/core/observe/thread-slots.ts';

test('a time is in the bucket of the first edge that it does not pass', () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(2e10), fc.constantFrom(...EDGES_NS)), (ns) => {
      const found = EDGES_NS.findIndex((edge) => ns <= edge);
      expect(bucketOf(ns)).toBe(found < 0 ? EDGES_NS.length : found);
    }),
  );
  expect(EDGES_NS[0]).toBe(1e3);
  expect(EDGES_NS.at(-1)).toBe(1e10);
});

test('every slot is its own, and is seen by whoever has the memory', () => {
  const written = new ThreadSlots();
  const read = new ThreadSlots(written.memory);
  for (const [index, gauge] of GAUGES.entries()) written.set(gauge, index + 1);
  for (const [index, kind] of GC_KINDS.entries()) written.noteGc(kind, 100 * (index + 1));
  for (const start of ['receive', 'thread'] as const) {
    written.start = start;
    for (const [index, stage] of STAGES.entries()) {
      for (let time = 0; time <= index; time += 1) written.observe(stage, 1500);
      written.observe(stage, -1);
    }
  }
  expect(GAUGES.map((gauge) => read.get(gauge))).toEqual(GAUGES.map((_, index) => index + 1));
  expect(GC_KINDS.map((kind) => read.gc(kind))).toEqual(
    GC_KINDS.map((_, index) => ({ count: 1, ns: 100 * (index + 1) })),
  );
  expect(read.gcMaxNs).toBe(100 * GC_KINDS.length);
  for (const start of ['receive', 'thread'] as const) {
    for (const [index, stage] of STAGES.entries()) {
      const { counts, sumNs, backwards } = read.stage(stage, start);
      expect(counts[bucketOf(1500)]).toBe(index + 1);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(index + 1);
      expect(sumNs).toBe(1500 * (index + 1));
      expect(backwards).toBe(1);
    }
  }
});

test('times of another clock are in histograms of their own', () => {
  const slots = new ThreadSlots();
  slots.observe('book', 5000);
  slots.start = 'receive';
  expect(slots.stage('book', 'receive').sumNs).toBe(0);
  slots.observe('book', 7000);
  expect(slots.stage('book', 'thread').sumNs).toBe(5000);
  expect(slots.stage('book', 'receive').sumNs).toBe(7000);
});

test('a thread that is watched says that it lives, and what it needs', () => {
  const slots = new ThreadSlots();
  const unwatch = watchThread(slots);
  expect(slots.get('alive')).toBe(1);
  expect(slots.get('heapUsed')).toBeGreaterThan(1e5);
  expect(slots.get('cpuTime')).toBeGreaterThan(1e6);
  unwatch();
  expect(slots.get('alive')).toBe(0);
});
