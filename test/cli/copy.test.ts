import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { RECORD_KINDS } from '../../src/core/feeds/dbn/layout.ts';
import { writeRecord } from '../../src/core/feeds/dbn/records.ts';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { concat, headBytes, mboBytes, recordBytes, sample, T0 } from '../core/feeds/dbn/stream.ts';
import { DATA, dataPath } from '../world/data.ts';
import { itchCapture, OPEN } from '../world/itch-capture.ts';
import { mdx, shell } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-copy-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const at = (n: number): bigint => T0 + BigInt(n) * 1_000_000_000n;
const mbo = (instrument: number, n: number): Uint8Array =>
  mboBytes({ action: 'A', id: BigInt(n), instrument, receiveTime: at(n), eventTime: at(n) });
/** A record of every kind, one of an unknown type and one that is too short. */
const ZOO: readonly Uint8Array[] = [
  ...RECORD_KINDS.map(({ rtype }) => writeRecord({ rtype, instrument_id: 5, ts_event: T0 }, 3)),
  recordBytes(0x99, 36, 0x42),
  recordBytes(0x13, 100),
];

async function copied(input: string, ...flags: string[]): Promise<{ code: number | null; bytes: Buffer }> {
  const output = join(folder, 'copy.dbn');
  const { code } = await mdx(['replay', input, '-o', output, '--force', '-q', ...flags]);
  return { code, bytes: readFileSync(output) };
}

describe('DBN to DBN', () => {
  it('every record is the same bytes, known or not', async () => {
    const bytes = concat(headBytes(), ...ZOO);
    const { code, bytes: copy } = await copied(file('zoo.dbn', bytes));
    expect(code).toBe(0);
    expect(copy.equals(bytes)).toBe(true);
  });

  it('a file without records is the same bytes', async () => {
    const { code, bytes } = await copied(file('empty.dbn', headBytes(1)));
    expect(code).toBe(0);
    expect(bytes.equals(headBytes(1))).toBe(true);
  });

  it('records are chosen, the metadata are not', async () => {
    const records = [mbo(7, 1), mbo(8, 2), mbo(7, 3), mbo(8, 4), mbo(7, 5)];
    const input = file('five.dbn', concat(headBytes(), ...records));
    const chosen = async (...flags: string[]): Promise<number[]> => {
      const { code, bytes } = await copied(input, ...flags);
      expect(code).toBe(0);
      expect(bytes.subarray(0, 128).equals(headBytes())).toBe(true);
      return Array.from({ length: (bytes.length - 128) / 56 }, (_, index) =>
        Number(bytes.readBigUInt64LE(128 + index * 56 + 16)),
      );
    };
    expect(await chosen('--instrument', '8')).toEqual([2, 4]);
    expect(await chosen('--from', String(at(2)), '--until', String(at(4)))).toEqual([2, 3, 4]);
    expect(await chosen('--limit', '2')).toEqual([1, 2]);
    expect(await chosen('--instrument', '7', '--until', String(at(3)))).toEqual([1, 3]);
  });

  it('a cut file gives its whole records and exit code 3', async () => {
    const bytes = concat(headBytes(), mbo(7, 1), mbo(7, 2), mbo(7, 3).subarray(0, 20));
    const { code, bytes: copy } = await copied(file('cut.dbn', bytes));
    expect(code).toBe(3);
    expect(copy.equals(bytes.subarray(0, 128 + 112))).toBe(true);
  });

  it('the report counts the records', async () => {
    const input = file('two.dbn', concat(headBytes(), mbo(7, 1), recordBytes(0x99, 16)));
    const output = join(folder, 'two-out.dbn');
    const { stdout } = await mdx(['replay', input, '-o', output, '--json']);
    expect((JSON.parse(stdout) as RunReport).output).toEqual({ path: output, format: 'dbn', written: 2 });
  });

  it('what does not fit is refused', async () => {
    const input = file('one.dbn', concat(headBytes(), mbo(7, 1)));
    const output = join(folder, 'refused.dbn');
    const refusal = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await mdx(['replay', ...args, '-o', output]);
      expect([code, existsSync(output)]).toEqual([2, false]);
      return stderr.split('\n')[0]!;
    };
    expect(await refusal(input, '--lossy')).toBe(
      'error: --lossy is about the conversion of other feeds, and the input is DBN already',
    );
    expect(await refusal(input, '--size-scale', '0')).toMatch(
      '--size-scale is about the conversion of other feeds',
    );
    expect(await refusal(input, input)).toBe(
      'error: writing DBN: a copy has the metadata of one file, and there are several',
    );
    const capture = file(
      'a.pcap',
      itchCapture([{ port: 1, sequence: 1, time: OPEN, adds: [{ id: 1n, buy: true, price: 1 }] }]),
    );
    expect(await refusal(capture, '--upgrade')).toBe(
      'error: --upgrade is about DBN records, and the input is itch-5.0',
    );
  });
});

describe.skipIf(DATA === null)('real files', () => {
  it('CLX5 is the same file again, through pipes and compressed, too', async () => {
    const input = dataPath('dbn/CLX5_mbo.dbn');
    const packed = join(folder, 'clx5.dbn.zst');
    const { code, stdout } = await shell(
      `$MDX replay ${input} -o - --format dbn -q | $MDX replay - -o ${packed} -q > /dev/null && $MDX replay ${packed} -o - --format dbn -q | cmp - ${input} && echo same`,
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'same\n' });
    expect(zstdDecompressSync(readFileSync(packed)).equals(readFileSync(input))).toBe(true);
  });

  it.each(['test_data.definition.v1.dbn.zst', 'test_data.mbp-10.v1.dbn.zst', 'test_data.trades.dbn'])(
    '%s keeps its version',
    async (name) => {
      const { bytes } = await copied(dataPath('dbn', name));
      expect(bytes.equals(sample(name))).toBe(true);
    },
  );

  it('--upgrade makes the sample of version 3 of that of version 1', async () => {
    const { code, bytes } = await copied(dataPath('dbn/test_data.definition.v1.dbn.zst'), '--upgrade');
    expect(code).toBe(0);
    expect(bytes.equals(sample('test_data.definition.v3.dbn.zst'))).toBe(true);
  });
});
