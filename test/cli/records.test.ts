import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { recordCsv, recordJson } from '../../src/cli/record-lines.ts';
import { decodeMetadata, encodeMetadata } from '../../src/core/feeds/dbn/metadata.ts';
import { writeRecord } from '../../src/core/feeds/dbn/records.ts';
import type { DescribedMessage } from '../../src/core/feeds/message-sink.ts';
import { RecordRows } from '../../src/core/pipeline/rows/record-rows.ts';
import { run } from '../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../src/core/pipeline/run-options.ts';
import { concat, headBytes, mboBytes, recordBytes, T0 } from '../core/feeds/dbn/stream.ts';
import { DATA, dataPath } from '../world/data.ts';
import { itchCapture, OPEN } from '../world/itch-capture.ts';
import { mdx } from '../world/real-process.ts';
import { runOptions } from '../world/run-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-records-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function rowsOf(
  path: string,
  pretty = false,
  options: Partial<RunOptions> = {},
): Promise<DescribedMessage[]> {
  const rows: DescribedMessage[] = [];
  await run(runOptions([path], { observers: [new RecordRows((row) => rows.push(row), pretty)], ...options }));
  return rows;
}

const digest = (lines: readonly string[]): string =>
  createHash('sha256').update(lines.join('')).digest('hex').slice(0, 16);

/** The beginnings of SHA-256 of what the reference tool (databento-dbn 0.72.0) prints, its records left as they are. */
const REFERENCE: readonly (readonly [file: string, ndjson: string, csv: string, pretty: string])[] = [
  ['test_data.definition.v1.dbn.zst', '0185084bb9ae73ae', '3a97655b352b79c4', 'a1edc242d8243131'],
  ['test_data.definition.v3.dbn.zst', '4ebc9aecbc712176', '17bfdc316721ced8', '73175a0b42331b94'],
  ['test_data.mbo.dbn', 'b1496eef2ddb2bc6', '6ac966dbfc85cd0d', '0080302ff364a409'],
  ['test_data.mbo.v1.dbn.zst', 'b1496eef2ddb2bc6', '6ac966dbfc85cd0d', '0080302ff364a409'],
  ['test_data.mbo.v3.dbn', 'b1496eef2ddb2bc6', '6ac966dbfc85cd0d', '0080302ff364a409'],
  ['test_data.mbp-1.dbn', '3ef0a3a846d40edb', '8dfb0f1abb1261fa', '783d24cc518c52b7'],
  ['test_data.mbp-1.v3.dbn.zst', '3ef0a3a846d40edb', '8dfb0f1abb1261fa', '783d24cc518c52b7'],
  ['test_data.mbp-10.v1.dbn.zst', '19d36150da55d701', '23d1663450e674d9', '77a284b2ba94a316'],
  ['test_data.mbp-10.v2.dbn.zst', '19d36150da55d701', '23d1663450e674d9', '77a284b2ba94a316'],
  ['test_data.ohlcv-1s.v2.dbn.zst', 'ae483e5d432c4cc4', '8e2f9321fee25e71', '6b2e54b25d3a4827'],
  ['test_data.ohlcv-1s.v3.dbn.zst', 'ae483e5d432c4cc4', '8e2f9321fee25e71', '6b2e54b25d3a4827'],
  ['test_data.trades.dbn', 'dbeb31137df9c7cf', '34e17cabd6e39983', '12fba3f87d4cc9c2'],
  ['test_data.trades.v1.dbn.zst', 'dbeb31137df9c7cf', '34e17cabd6e39983', '12fba3f87d4cc9c2'],
];

describe.skipIf(DATA === null)('DBN records', () => {
  it.each(REFERENCE)('%s: the text forms of the reference tool', async (name, ndjson, csv, pretty) => {
    const path = dataPath('dbn', name);
    const rows = await rowsOf(path);
    expect(digest(rows.map(recordJson))).toBe(ndjson);
    expect(digest(rows.map(recordCsv()))).toBe(csv);
    expect(digest((await rowsOf(path, true)).map(recordJson))).toBe(pretty);
  });

  it('the program prints them', async () => {
    const path = dataPath('dbn', 'test_data.mbo.dbn');
    const first =
      '{"ts_recv":"1609160400000704060","hd":{"ts_event":"1609160400000429831","rtype":160,"publisher_id":1,"instrument_id":5482},"action":"C","side":"A","price":"3722750000000","size":1,"channel_id":0,"order_id":"647784973705","flags":128,"ts_in_delta":22993,"sequence":1170352}\n';
    const { code, stdout, stderr } = await mdx(['replay', path, '--emit', 'records', '--limit', '1']);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: first,
      stderr: '1 messages in · 1 rows out\n',
    });
    const out = join(folder, 'mbo.csv');
    await mdx(['replay', path, '--emit', 'records', '-o', out]);
    expect(readFileSync(out, 'utf8').split('\n')[0]).toBe(
      'ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,sequence',
    );
  });
});

describe('which messages', () => {
  const at = (n: number): bigint => T0 + BigInt(n) * 1_000_000_000n;
  const definition = writeRecord(
    { rtype: 0x13, publisher_id: 1, instrument_id: 7, ts_event: at(0), ts_recv: at(0), raw_symbol: 'SEVEN' },
    3,
  );
  const mbo = (instrument: number, n: number): Uint8Array =>
    mboBytes({ action: 'A', id: BigInt(n), instrument, receiveTime: at(n), eventTime: at(n) });
  const system = writeRecord({ rtype: 0x17, ts_event: at(2), msg: 'Heartbeat', code: 0 }, 3);
  const path = file(
    'some.dbn',
    concat(headBytes(), definition, mbo(7, 1), system, recordBytes(0x99, 32), mbo(8, 3), mbo(7, 4)),
  );
  const names = async (options: Partial<RunOptions>): Promise<string[]> =>
    (await rowsOf(path, false, options)).map(({ schema, fields }) => `${schema} ${fields['order_id'] ?? ''}`);

  it('all that have a known type', async () => {
    expect(await names({})).toEqual(['definition ', 'mbo 1', 'system ', 'mbo 3', 'mbo 4']);
  });

  it('those of an instrument', async () => {
    expect(await names({ books: ({ symbol }) => symbol === 'SEVEN' })).toEqual([
      'definition ',
      'mbo 1',
      'mbo 4',
    ]);
  });

  it('those of a time', async () => {
    expect(await names({ from: at(1), until: at(3) })).toEqual(['mbo 1', 'system ', 'mbo 3']);
  });

  it('the first few', async () => {
    expect(await names({ messagesMax: 2 })).toEqual(['definition ', 'mbo 1']);
  });

  it('records with a sending time end with it', async () => {
    const metadata = { ...decodeMetadata(headBytes()), sendTimes: 1 };
    const record = writeRecord({ rtype: 0x17, msg: 'a', code: 9, ts_out: at(1) }, 3);
    const [row] = await rowsOf(file('out.dbn', concat(encodeMetadata(metadata), record)), true);
    expect(recordJson(row!)).toBe(
      '{"hd":{"ts_event":null,"rtype":23,"publisher_id":0,"instrument_id":0},"msg":"a","code":9,"ts_out":"2025-09-24T19:30:01.000000000Z"}\n',
    );
  });

  it('CSV takes one schema', async () => {
    const { code, stdout, stderr } = await mdx([
      'replay',
      path,
      '--emit',
      'records',
      '--format',
      'csv',
      '-q',
    ]);
    expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 2, lines: 3 });
    expect(stderr).toBe(
      'error: writing CSV: a mbo message has other columns than the definition ones before it\nhint: Use --format ndjson, which takes messages of every schema.\n',
    );
  });
});

describe('ITCH messages', () => {
  const path = file(
    'itch.pcap',
    itchCapture([
      { port: 26_400, sequence: 1, time: OPEN, adds: [{ id: 5n, buy: true, price: 100_000 }] },
      { port: 26_400, sequence: 2, time: OPEN + 5n, adds: [{ id: 6n, buy: false, price: 110_000 }] },
    ]),
  );

  it('are their fields, prices with their decimals where they are pretty', async () => {
    const rows = await rowsOf(path);
    expect(rows.map(({ schema }) => schema)).toEqual(['Add Order', 'Add Order']);
    expect(rows[0]!.fields).toMatchObject({
      type: 'A',
      stockLocate: 1,
      orderReferenceNumber: 5n,
      buySellIndicator: 'B',
      shares: 1,
      price: 100_000,
    });
    expect((await rowsOf(path, true))[1]!.fields).toMatchObject({ buySellIndicator: 'S', price: '11.0000' });
  });

  it('are chosen by book', async () => {
    const none = await rowsOf(path, false, { books: ({ instrument }) => instrument === 2n });
    expect(none).toEqual([]);
    expect(await rowsOf(path, false, { books: ({ instrument }) => instrument === 1n })).toHaveLength(2);
  });
});
