import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reportOf } from '../../../../src/core/pipeline/report.ts';
import { type RunResult, run } from '../../../../src/core/pipeline/run.ts';
import { DATA } from '../../../world/data.ts';
import { runOptions } from '../../../world/run-options.ts';

/** Release that fits, types, events by kind. */
const EXPECTED: Readonly<Record<string, readonly [release: string, types: object, events: object]>> = {
  'Eobi.T7.v3.0/Heartbeat.pcap': ['3.0', { 13001: 1 }, {}],
  'Eobi.T7.v3.0/OrderAdd.pcap': ['3.0', { 13100: 1 }, { add: 1 }],
  'Eobi.T7.v3.0/SnapshotOrder.pcap': ['3.0', { 13602: 1 }, {}],
  'Eobi.T7.v6.0/ExecutionSummary.pcap': ['6.0-2014', { 13105: 1, 13202: 1 }, { execute: 1, trade: 1 }],
  'Eobi.T7.v6.0/FullOrderExecution.pcap': ['6.0-2014', { 13100: 1, 13104: 1 }, { add: 1, execute: 1 }],
  'Eobi.T7.v6.0/Heartbeat.pcap': ['6.0-2014', { 13001: 1 }, {}],
  'Eobi.T7.v6.0/InstrumentSummary.pcap': ['6.0', { 13601: 1 }, {}],
  'Eobi.T7.v6.0/OrderAdd.pcap': ['6.0-2014', { 13100: 1 }, { add: 1 }],
  'Eobi.T7.v6.0/OrderModify.pcap': ['6.0-2014', { 13101: 1 }, { replace: 1 }],
  'Eobi.T7.v6.0/PartialOrderExecution.pcap': ['6.0-2014', { 13105: 1, 13202: 1 }, { execute: 1, trade: 1 }],
  'Eobi.T7.v6.0/ProductSummary.pcap': ['6.0', { 13600: 1, 13601: 4 }, {}],
  'Eobi.T7.v6.0/SnapshotOrder.pcap': ['6.0-2014', { 13602: 3 }, {}],
};

describe.skipIf(DATA === null)('real captures', () => {
  const root = join(DATA ?? '', 'captures/Eurex');
  const read = (path: string, feedName: string | null): Promise<RunResult> =>
    run(runOptions([join(root, path)], { feedName }));

  test('all of them are expected here', () => {
    const found = readdirSync(root).flatMap((name) =>
      readdirSync(join(root, name)).map((file) => `${name}/${file}`),
    );
    expect(new Set(found)).toEqual(new Set(Object.keys(EXPECTED)));
  });

  test.each(Object.entries(EXPECTED))('%s', async (path, [release, types, events]) => {
    const result = await read(path, `eobi-${release}`);
    const report = reportOf(result, { command: 'replay', version: '0', allInstruments: true });
    expect(report.feed).toMatchObject({
      protocol: `eobi-${release}`,
      framing: 't7-packet',
      unknownMessages: 0,
      malformed: 0,
      remarks: {},
      messagesByType: types,
    });
    const kinds = Object.entries(report.events).filter(
      ([kind, count]) => count > 0 && !['total', 'groups'].includes(kind),
    );
    expect(Object.fromEntries(kinds)).toEqual(events);
  });

  test('detection names the release, or those that it cannot tell apart', async () => {
    const told: Record<string, string> = {};
    for (const path of Object.keys(EXPECTED)) {
      told[path] = await read(path, null).then(
        ({ feed }) => feed?.name ?? '',
        (error: Error) => error.message.replace(/^.*datagrams fit /, ''),
      );
    }
    const old = 'eobi-6.0 and eobi-6.0-2014';
    expect(told).toEqual({
      'Eobi.T7.v3.0/Heartbeat.pcap': 'eobi-14.1 and eobi-3.0',
      'Eobi.T7.v3.0/OrderAdd.pcap': 'eobi-3.0',
      'Eobi.T7.v3.0/SnapshotOrder.pcap': 'eobi-3.0',
      'Eobi.T7.v6.0/ExecutionSummary.pcap': 'eobi-6.0-2014',
      'Eobi.T7.v6.0/FullOrderExecution.pcap': old,
      'Eobi.T7.v6.0/Heartbeat.pcap': `eobi-14.1 and ${old}`,
      'Eobi.T7.v6.0/InstrumentSummary.pcap': old,
      'Eobi.T7.v6.0/OrderAdd.pcap': old,
      'Eobi.T7.v6.0/OrderModify.pcap': old,
      'Eobi.T7.v6.0/PartialOrderExecution.pcap': 'eobi-6.0-2014',
      'Eobi.T7.v6.0/ProductSummary.pcap': old,
      'Eobi.T7.v6.0/SnapshotOrder.pcap': old,
    });
  });

  test('the rest of the buyer who took the last 6 at 126.84 is in the book', async () => {
    const result = await read('Eobi.T7.v6.0/FullOrderExecution.pcap', 'eobi-6.0-2014');
    const { instruments } = reportOf(result, { command: 'replay', version: '0', allInstruments: false });
    expect(instruments.map(({ bid, ask }) => [bid?.price, bid?.quantity, bid?.orders, ask])).toEqual([
      ['126.84000000', '10', 1, null],
    ]);
  });
});
