import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exposition } from '../../../src/core/observe/exposition.ts';
import type { Metric } from '../../../src/core/observe/metric.ts';
import { quantileOf, readExposition } from '../../../src/core/observe/read-exposition.ts';

interface Sources {
  readonly queues: Readonly<Record<string, number>>;
}

const QUEUE: Metric<Sources> = {
  name: 'queue_len',
  type: 'gauge',
  labels: ['queue'],
  help: 'What waits: a \\ and\na second line.',
  read: ({ queues }) => Object.entries(queues).map(([name, value]) => ({ labels: [name], value })),
};

const TIMES: Metric<Sources> = {
  name: 'times_seconds',
  type: 'histogram',
  labels: ['stage'],
  edges: [0.001, 1],
  help: 'Times.',
  read: () => [{ labels: ['book'], counts: [2, 3, 1], sum: 12.5 }],
};

describe('the text of metrics', () => {
  test('tells what a metric is, and each of its values', () => {
    expect(exposition([QUEUE], { queues: { rx_a: 3, 'b"\\\n': 0.5 } })).toBe(
      [
        '# HELP queue_len What waits: a \\\\ and\\na second line.',
        '# TYPE queue_len gauge',
        'queue_len{queue="rx_a"} 3',
        'queue_len{queue="b\\"\\\\\\n"} 0.5',
        '',
      ].join('\n'),
    );
  });

  test('adds the buckets of a histogram up, and ends with all of it', () => {
    expect(exposition([TIMES], { queues: {} })).toBe(
      [
        '# HELP times_seconds Times.',
        '# TYPE times_seconds histogram',
        'times_seconds_bucket{stage="book",le="0.001"} 2',
        'times_seconds_bucket{stage="book",le="1"} 5',
        'times_seconds_bucket{stage="book",le="+Inf"} 6',
        'times_seconds_sum{stage="book"} 12.5',
        'times_seconds_count{stage="book"} 6',
        '',
      ].join('\n'),
    );
  });

  test('is read back as it was, whatever the labels are', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.double()), { maxLength: 5 }), (entries) => {
        const queues = Object.fromEntries(entries);
        const read = readExposition(exposition([QUEUE], { queues }));
        const values = Object.entries(queues).map(([queue, value]) => ({
          name: 'queue_len',
          labels: { queue },
          value: value === 0 ? 0 : value,
        }));
        expect(read.map(({ labels, ...series }) => ({ ...series, labels: { ...labels } }))).toEqual(values);
      }),
      { numRuns: 40 },
    );
  });

  test('is read without what is no series', () => {
    expect(readExposition('# TYPE a gauge\na 1\nb{ 2\nc{x="1} 3\n\nd x\n').map(({ name }) => name)).toEqual([
      'a',
    ]);
  });

  test('has quantiles of what it counted, and none of nothing', () => {
    const buckets = [
      { edge: 1, count: 90 },
      { edge: 2, count: 9 },
      { edge: Number.POSITIVE_INFINITY, count: 1 },
    ];
    expect([0.5, 0.9, 0.91, 0.99, 1].map((part) => quantileOf(buckets, part))).toEqual([
      1,
      1,
      2,
      2,
      Number.POSITIVE_INFINITY,
    ]);
    expect(quantileOf([{ edge: 1, count: 0 }], 0.5)).toBeNull();
  });
});
