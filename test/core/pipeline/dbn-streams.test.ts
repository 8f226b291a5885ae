import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { RECORD_KINDS } from '../../../src/core/feeds/dbn/layout.ts';
import { decodeMetadata, encodeMetadata } from '../../../src/core/feeds/dbn/metadata.ts';
import { recordTable } from '../../../src/core/feeds/dbn/record-tables.ts';
import { type RecordValues, writeRecord } from '../../../src/core/feeds/dbn/records.ts';
import { type RunReport, reportOf } from '../../../src/core/pipeline/report.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { runOptions } from '../../world/run-options.ts';
import { concat, headBytes, PRICE_UNDEFINED, T0 } from '../feeds/dbn/stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-dbn-streams-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function reportFor(
  name: string,
  bytes: Uint8Array,
  options: Partial<RunOptions> = {},
): Promise<Omit<RunReport, 'timing' | 'inputs'>> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const {
    timing: _timing,
    inputs: _inputs,
    ...report
  } = reportOf(await run(runOptions([path], options)), {
    command: 'replay',
    version: '0',
    allInstruments: true,
  });
  return report;
}

const MBP_10 = 0x0a;
const NO_LEVEL = { bid_px: PRICE_UNDEFINED, ask_px: PRICE_UNDEFINED };

/** A head whose records begin at no multiple of four, and a record of every kind. */
const HEAD = encodeMetadata({ ...decodeMetadata(headBytes(2)), schema: 0xffff, symbols: ['A', 'B', 'C'] });
const RECORDS = RECORD_KINDS.map(({ rtype }, index) =>
  writeRecord(
    { rtype, publisher_id: 1, instrument_id: 1 + (index % 3), ts_event: T0, ...body(rtype, index) },
    2,
  ),
);
const BYTES = concat(HEAD, ...RECORDS);

/** What a record needs to be understood. */
function body(rtype: number, index: number): RecordValues {
  const values: Record<string, RecordValues[string]> = {};
  for (const { name, type } of recordTable(rtype, 2)!.fields) {
    if (name === 'ts_recv') values[name] = T0 + BigInt(index);
    else if (type === 'levels') values[name] = [];
    else if (type === 'char') values[name] = name === 'action' ? 'A' : 'B';
  }
  if (rtype === MBP_10) values['levels'] = Array.from({ length: 10 }, () => NO_LEVEL);
  return values;
}

describe('DBN files of all records', () => {
  it('several frames of zstd are one stream, wherever they end', async () => {
    const expected = await reportFor('plain.dbn', BYTES);
    expect(expected.feed.messages).toBe(RECORD_KINDS.length);
    expect(expected.feed.protocol).toBe('dbn-mixed');
    for (const size of [1, 100, 333, 1000]) {
      const frames: Uint8Array[] = [];
      for (let at = 0; at < BYTES.length; at += size)
        frames.push(zstdCompressSync(BYTES.subarray(at, at + size)));
      expect(await reportFor(`frames-${size}.dbn.zst`, concat(...frames))).toEqual(expected);
    }
  });

  it('--limit stops behind that many records, wherever the head ends', async () => {
    expect(HEAD.length % 4).not.toBe(0);
    for (let messages = 1; messages <= RECORDS.length; messages += 1) {
      const expected = await reportFor('cut.dbn', concat(HEAD, ...RECORDS.slice(0, messages)));
      const limited = await reportFor('limit.dbn', BYTES, { messagesMax: messages });
      expect({ ...limited, stopped: null }).toEqual(expected);
    }
  });

  it('empty files and cut ones', async () => {
    expect(await reportFor('empty.dbn', HEAD)).toMatchObject({ damage: [], feed: { messages: 0 } });
    const cut = await reportFor('cut.dbn', BYTES.subarray(0, HEAD.length + RECORDS[0]!.length + 9));
    expect(cut.feed.messages).toBe(1);
    expect(cut.damage).toMatchObject([
      {
        offset: String(HEAD.length + RECORDS[0]!.length),
        problem: expect.stringMatching(/^DBN record of 80 bytes cut after 9 bytes at offset \d+$/),
      },
    ]);
  });
});
