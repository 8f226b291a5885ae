import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bigHigh, bigLow } from '../../../../src/core/binary/time.ts';
import { PcapWriter } from '../../../../src/core/capture/capture-writer.ts';
import { mdx } from '../../../world/real-process.ts';
import {
  add,
  heartbeat,
  instrumentSummary,
  massDelete,
  packet,
  productSummary,
  snapshotOrder,
  TIME,
} from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'eobi-records-'));
const path = join(folder, 'session.pcap');
afterAll(() => rmSync(folder, { recursive: true }));

const packets = [
  packet({ number: 1 }, add(1, { key: 10n, price: -18000000n, side: 2 }), massDelete(2, 9n)),
  packet({ number: 2 }, heartbeat(2)),
  packet(
    { number: 3 },
    productSummary(1, 2),
    instrumentSummary(2, 1),
    snapshotOrder(3, { key: 11n, market: true }),
    instrumentSummary(4, 1, 9n),
    snapshotOrder(5, { key: 12n, quantity: 5n }),
  ),
];
const chunks: Uint8Array[] = [];
const writer = new PcapWriter((chunk) => chunks.push(chunk.slice()));
for (const payload of packets) {
  const header = {
    timeHigh: bigHigh(TIME),
    timeLow: bigLow(TIME),
    ipVersion: 4,
    source: Int32Array.of(0, 0, 0, 0x0a000001),
    sourcePort: 1000,
    destination: Int32Array.of(0, 0, 0, 0xe0003201 | 0),
    destinationPort: 59001,
  };
  writer.writeUdp(header, payload, 0, payload.length);
}
writer.flush();
writeFileSync(path, Buffer.concat(chunks));

async function records(...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout } = await mdx(['replay', path, '--emit', 'records', ...args]);
  expect(code).toBe(0);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('every message with all its fields, whether it changes a book or not', async () => {
  const rows = await records();
  expect(rows.map(({ TemplateID }) => TemplateID)).toEqual([
    13100, 13103, 13001, 13600, 13601, 13602, 13601, 13602,
  ]);
  expect(rows[0]).toMatchObject({
    MsgSeqNum: 1,
    SecurityID: '4128839',
    TrdRegTSTimePriority: '10',
    DisplayQty: '10000',
    Side: 2,
    OrdType: null,
    Price: '-18000000',
  });
  expect(rows[5]).toMatchObject({ OrdType: 1, Price: null, TrdRegTSTimePriority: '11' });
  expect(rows[4]).toMatchObject({ TotNoOrders: 1, MDInstrumentEntryGrp: [] });
});

test('pretty: prices and quantities with their decimals, times as ISO 8601', async () => {
  const rows = await records('--format', 'pretty');
  expect(rows[0]).toMatchObject({ DisplayQty: '1.0000', Price: '-0.18000000' });
  expect(rows[1]).toMatchObject({ TransactTime: '2026-01-01T00:00:00.000000500Z' });
});

test('those of one instrument, with the orders of its snapshot', async () => {
  const rows = await records('--instrument', '9');
  expect(rows.map(({ TemplateID, TrdRegTSTimePriority }) => [TemplateID, TrdRegTSTimePriority])).toEqual([
    [13103, undefined],
    [13601, undefined],
    [13602, '12'],
  ]);
});
