import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { SERVE_DEFAULTS } from '../../../../src/core/config/serve-defaults.ts';
import { readExposition, type Series } from '../../../../src/core/observe/read-exposition.ts';
import { STAGES } from '../../../../src/core/observe/stages.ts';
import { ClientTotals } from '../../../../src/core/serve/metrics/client-totals.ts';
import { METRICS } from '../../../../src/core/serve/metrics/metrics.ts';
import { startOf } from '../../../../src/core/serve/metrics/serve-metrics.ts';
import { Serve } from '../../../../src/core/serve/server.ts';
import { payloadsOf } from '../../../world/two-lines.ts';
import { play } from '../../simulate/session.ts';

const CLIENT = {
  id: 1,
  protocol: 'events',
  address: '127.0.0.1:1',
  token: null,
  connectedMs: 0,
  frames: 10,
  bytes: 100,
  pendingBytes: 0,
  lag: 0,
  skipped: 1,
} as const;

test('every metric is declared once, with names that Prometheus takes', () => {
  const names = METRICS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, help, labels } of METRICS) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(help).toMatch(/\.$|\}$/);
    for (const label of labels) expect(label).toMatch(/^[a-z][a-z0-9_]*$/);
  }
});

test('sums over clients go on growing when clients come and go', () => {
  const totals = new ClientTotals();
  totals.note([CLIENT]);
  totals.note([
    { ...CLIENT, frames: 15 },
    { ...CLIENT, protocol: 'sse' },
  ]);
  totals.note([{ ...CLIENT, id: 2, frames: 2, skipped: 0 }]);
  expect(totals.of('events')).toEqual({ frames: 17, bytes: 200, skipped: 1, connected: 2 });
  expect(totals.of('sse')).toEqual({ frames: 10, bytes: 100, skipped: 1, connected: 1 });
  expect(totals.of('raw-v1')).toEqual({ frames: 0, bytes: 0, skipped: 0, connected: 0 });
});

test('receive times count only where every line has the clock of the system', () => {
  const line = (clock: string) => ({ clock }) as Parameters<typeof startOf>[0][number];
  expect(startOf([line('software'), line('none')])).toBe('receive');
  expect(startOf([line('software'), line('hardware')])).toBe('thread');
  expect(startOf([])).toBe('thread');
});

/** How many times a stage was counted. */
function countOf(series: readonly Series[], stage: string, start: string): number {
  return series
    .filter(
      ({ name, labels }) =>
        name === 'mdx_latency_seconds_count' && labels['stage'] === stage && labels['start'] === start,
    )
    .reduce((sum, { value }) => sum + value, 0);
}

test('an engine on a live line tells the latency of every stage, its thread and its line', async () => {
  const packets = payloadsOf(play({ seed: 3, profile: { messages: 300 } }).a);
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  const serve = await Serve.start({
    version: '1.2.3',
    config: {
      ...SERVE_DEFAULTS,
      source: { ...SERVE_DEFAULTS.source, feed: 'itch-5.0' },
      lines: { a: [`udp://127.0.0.1:${port}`], b: [], snapshot: [] },
      http: { ...SERVE_DEFAULTS.http, listen: '127.0.0.1:0' },
      rawV1: { ...SERVE_DEFAULTS.rawV1, a: null, b: null },
    },
    tell: () => {},
  });
  const socket = createSocket('udp4');
  const scrape = async (): Promise<readonly Series[]> =>
    readExposition(await (await fetch(`${serve.url}/metrics`)).text());
  const valueIn = (
    series: readonly Series[],
    name: string,
    labels: Record<string, string> = {},
  ): number | undefined =>
    series.find(
      (each) =>
        each.name === name && Object.entries(labels).every(([label, value]) => each.labels[label] === value),
    )?.value;
  try {
    let series = await scrape();
    while (serve.status.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const lacks = (): boolean =>
      STAGES.some((stage) => countOf(series, stage, 'receive') === 0) ||
      !(valueIn(series, 'rx_packets', { chan: 'A' })! > 0);
    // What is sent before the line is bound is lost; the session goes on behind it.
    for (let at = 0; lacks(); at += 1) {
      socket.send(packets[at % packets.length]!, port, '127.0.0.1');
      await new Promise((resolve) => setTimeout(resolve, 2));
      series = await scrape();
    }
    expect(valueIn(series, 'e2e_latency_seconds_count')).toBe(
      valueIn(series, 'mdx_latency_seconds_count', { stage: 'book', start: 'receive' }),
    );
    for (const thread of ['engine', 'main']) {
      expect(valueIn(series, 'mdx_thread_alive', { thread })).toBe(1);
      expect(valueIn(series, 'mdx_heap_bytes', { thread, part: 'used' })).toBeGreaterThan(1e5);
    }
    for (const thread of ['engine', 'main', 'receiver-A']) {
      expect(valueIn(series, 'mdx_thread_cpu_seconds_total', { thread })).toBeGreaterThanOrEqual(0);
    }
    for (const protocol of ['raw-v1', 'events', 'sse']) {
      expect(valueIn(series, 'mdx_past_failures_total', { protocol })).toBe(0);
    }
    expect(valueIn(series, 'mdx_build_info', { version: '1.2.3' })).toBe(1);
    expect(valueIn(series, 'mdx_engine_state', { state: 'running' })).toBe(1);
    expect(valueIn(series, 'mbo_http_requests_total')).toBeGreaterThan(0);
    const known = new Set(METRICS.map(({ name }) => name));
    for (const { name } of series) expect(known).toContain(name.replace(/_(bucket|sum|count)$/, ''));
  } finally {
    socket.close();
    serve.stop();
    await serve.ended;
  }
});
