import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { openByteSource } from '../../../src/core/pipeline/byte-source.ts';
import { concat, hex, u32 } from '../capture/bytes.ts';
import { readSource, type SourceResult } from './read-source.ts';

const script = fileURLToPath(new URL('read-source.ts', import.meta.url));
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-byte-source-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(...parts: Uint8Array[]): string {
  files += 1;
  const path = join(folder, `file-${files}`);
  writeFileSync(path, concat(...parts));
  return path;
}

/** Compresses to about two thirds, and no piece of it is like another. */
function noise(length: number, seed: number): Uint8Array<ArrayBuffer> {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 24) & 0x5b;
  });
}

const FIRST = noise(700_001, 1);
const SECOND = noise(300_000, 2);
const BOTH = concat(FIRST, SECOND);

function expectContent(result: SourceResult, content: Uint8Array): void {
  expect(result.length).toBe(content.length);
  expect(result.sha256).toBe(createHash('sha256').update(content).digest('hex'));
  expect(result.ended).toBe(true);
}

const skippable = (low: number, length: number): Uint8Array =>
  concat([0x50 | low, 0x2a, 0x4d, 0x18], u32(length, 'little'), new Uint8Array(length).fill(7));
const zstd = (data: Uint8Array, checksum: number): Uint8Array =>
  zstdCompressSync(data, { params: { [constants.ZSTD_c_checksumFlag]: checksum } });

describe('content', () => {
  const plain = (): Uint8Array[] => [FIRST, SECOND];
  const kinds: [string, () => Uint8Array[]][] = [
    ['plain', plain],
    ['gzip', () => [gzipSync(BOTH)]],
    ['gzip, two members', () => [gzipSync(FIRST), gzipSync(SECOND)]],
    ['gzip, empty members between', () => [gzipSync(FIRST), gzipSync(''), gzipSync(''), gzipSync(SECOND)]],
    ['gzip, padded with zeros', () => [gzipSync(BOTH), new Uint8Array(70_000)]],
    ['zstd', () => [zstd(BOTH, 0)]],
    ['zstd with checksum', () => [zstd(BOTH, 1)]],
    ['zstd, two frames', () => [zstd(FIRST, 1), zstd(SECOND, 0)]],
    ['zstd, a skippable frame in front', () => [skippable(0, 5), zstd(BOTH, 1)]],
    [
      'zstd, skippable frames anywhere, one longer than the window',
      () => [
        skippable(1, 0),
        zstd(FIRST, 0),
        skippable(15, 400_000),
        skippable(2, 9),
        zstd(SECOND, 1),
        skippable(0, 1),
      ],
    ],
  ];

  test.each(kinds)('%s', async (_, parts) => {
    const path = fileOf(...parts());
    const size = concat(...parts()).length;
    for (const windowBytes of [1 << 20, 1000]) {
      const result = await readSource(path, windowBytes);
      expectContent(result, BOTH);
      expect(result).toMatchObject({ bytes: size, total: size, damage: null });
      expect(result.largest).toBeLessThanOrEqual(windowBytes);
    }
  });

  test.each(kinds)('%s, through a pipe in small pieces', async (_, parts) => {
    const whole = concat(...parts());
    const result = await throughPipe(['-'], [whole.subarray(0, 1), whole.subarray(1, 3), whole.subarray(3)]);
    expectContent(result, BOTH);
    expect(result).toMatchObject({ bytes: whole.length, total: null, damage: null });
  });

  test.each([0, 1, 2, 3])('%i bytes', async (length) => {
    expectContent(await readSource(fileOf(FIRST.subarray(0, length))), FIRST.subarray(0, length));
  });

  test('only empty things', async () => {
    expectContent(await readSource(fileOf(gzipSync(''))), new Uint8Array(0));
    expectContent(await readSource(fileOf(skippable(3, 12))), new Uint8Array(0));
    expectContent(await readSource(fileOf(zstd(new Uint8Array(0), 1))), new Uint8Array(0));
    expectContent(await readSource('/dev/null'), new Uint8Array(0));
  });

  test('gzip members that end exactly with a piece given to the codec', async () => {
    // A stored block has a length that can be chosen: 10 head, 5 block head, 8 tail around the bytes.
    for (const off of [-1, 0, 1]) {
      const member = gzipSync(FIRST.subarray(0, 32768 - 23 + off), { level: 0 });
      expect(member).toHaveLength(32768 + off);
      const result = await readSource(fileOf(member, gzipSync(SECOND)));
      expectContent(result, concat(FIRST.subarray(0, 32768 - 23 + off), SECOND));
    }
  });

  test('many small zstd frames', async () => {
    const pieces = Array.from({ length: 300 }, (_, index) => FIRST.subarray(index * 50, index * 50 + 50));
    const result = await readSource(fileOf(...pieces.map((piece, index) => zstd(piece, index & 1))));
    expectContent(result, FIRST.subarray(0, 15_000));
  });

  test('hand-written zstd: a raw block and a run', async () => {
    const frame = hex('28b52ffd 00 58  18 0000 616263  2b 0000 78');
    expectContent(await readSource(fileOf(Uint8Array.from(frame))), new TextEncoder().encode('abcxxxxx'));
  });
});

describe('damage', () => {
  test('a cut gzip file gives all that can be decoded', async () => {
    const whole = gzipSync(BOTH, { level: 0 });
    for (const length of [11, 30_000, 500_000, whole.length - 1]) {
      const result = await readSource(fileOf(whole.subarray(0, length)));
      expect(result.damage).toMatchObject({ truncated: true });
      expect(length - result.damage!.offset).toBeOneOf([0, 7]);
      // Nothing is lost but the 10 bytes of the head and 5 of each stored block.
      expect(result.length).toBeGreaterThanOrEqual(
        Math.min(length - 10 - 8 - 5 * Math.ceil(length / 16_000), BOTH.length),
      );
      expectContent(result, BOTH.subarray(0, result.length));
    }
  });

  test('a second gzip member that is cut', async () => {
    const result = await readSource(fileOf(gzipSync(FIRST), gzipSync(SECOND).subarray(0, 5)));
    expectContent(result, FIRST);
    expect(result.damage).toMatchObject({ truncated: true });
  });

  test('a zstd file cut at every kind of place gives every whole block', async () => {
    const frame = concat(hex('28b52ffd 04 58 180000 616263 180000 646566 110000 676800000000'));
    const cuts: [number, string, boolean][] = [
      [7, '', true],
      [8, '', true],
      [11, '', true],
      [12, 'abc', true],
      [17, 'abc', true],
      [18, 'abcdef', true],
      [22, 'abcdef', true],
      [23, 'abcdefgh', true],
      [26, 'abcdefgh', true],
    ];
    for (const [length, text, truncated] of cuts) {
      const result = await readSource(fileOf(frame.subarray(0, length)));
      expectContent(result, new TextEncoder().encode(text));
      expect([length, result.damage?.truncated]).toEqual([length, truncated]);
    }
    const wrongChecksum = await readSource(fileOf(frame));
    expectContent(wrongChecksum, new TextEncoder().encode('abcdefgh'));
    expect(wrongChecksum.damage).toMatchObject({ truncated: false, offset: 23 });
  });

  test.each<[string, () => Uint8Array[], number]>([
    [
      'no zstd frame behind a frame',
      () => [zstd(BOTH, 1), Uint8Array.from(hex('00112233 44556677'))],
      BOTH.length,
    ],
    [
      'a zstd block of the reserved type',
      () => [zstd(BOTH, 1), Uint8Array.from(hex('28b52ffd 00 58 0e0000'))],
      BOTH.length,
    ],
    ['a zstd block that is too large', () => [Uint8Array.from(hex('28b52ffd 00 58 f8ffff')), FIRST], 0],
    [
      'no gzip member behind a member',
      () => [gzipSync(BOTH), Uint8Array.from(hex('6761726261676521'))],
      BOTH.length,
    ],
    ['a wrong gzip CRC', () => [gzipSync(BOTH).subarray(0, -8), new Uint8Array(8)], BOTH.length],
    ['a wrong gzip length', () => [gzipSync(BOTH).subarray(0, -4), new Uint8Array(4)], BOTH.length],
    ['gzip of another method', () => [Uint8Array.from(hex('1f8b0700 00000000 0003')), FIRST], 0],
    ['bytes behind zeros behind gzip', () => [gzipSync(BOTH), new Uint8Array(50_000), FIRST], BOTH.length],
  ])('%s', async (_, parts, length) => {
    const result = await readSource(fileOf(...parts()));
    expectContent(result, BOTH.subarray(0, length));
    expect(result.damage).toMatchObject({ truncated: false });
  });

  test.each<[string, () => Uint8Array]>([
    ['gzip', () => gzipSync(BOTH)],
    ['zstd', () => zstd(BOTH, 1)],
  ])('a %s file with changed bytes is damaged', async (_, make) => {
    for (const place of [0.1, 0.5, 0.9]) {
      const bytes = Uint8Array.from(make());
      const at = Math.floor(bytes.length * place);
      for (let index = at; index < at + 40; index += 1) bytes[index]! ^= 0xff;
      const result = await readSource(fileOf(bytes));
      expect(result.damage).toMatchObject({ truncated: false });
      expect(result.damage!.message).toContain('compressed byte');
      expect(result.ended).toBe(true);
    }
  });

  test.each<[string, Uint8Array]>([
    ['gzip', concat(gzipSync(FIRST.subarray(0, 500)), gzipSync(SECOND.subarray(0, 300)), new Uint8Array(5))],
    ['zstd', concat(zstd(FIRST.subarray(0, 500), 1), skippable(4, 6), zstd(SECOND.subarray(0, 300), 0))],
  ])('%s with any bytes changed is read to an end', async (_, whole) => {
    const change = fc.record({ at: fc.integer({ min: 4, max: whole.length - 1 }), value: fc.nat(255) });
    const path = fileOf();
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 3 }), fc.nat(whole.length), async (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const { at, value } of changes) if (at < length) bytes[at] = value;
        writeFileSync(path, bytes);
        const { ended, damage, bytes: read } = await readSource(path, 700);
        expect([ended, read]).toEqual([true, length]);
        if (damage !== null) expect(damage.offset).toBeLessThanOrEqual(length);
      }),
      { numRuns: 300 },
    );
  });

  test('the error stays, and the window has ended', async () => {
    const source = await openByteSource(fileOf(gzipSync(FIRST.subarray(0, 10)).subarray(0, 15)));
    const window = new ByteWindow(1000);
    const outcomes: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      outcomes.push(await source.fill(window).then(String, (error: Error) => error.name));
    }
    await source.close();
    expect(outcomes.slice(-2)).toEqual(['DamagedInput', 'DamagedInput']);
    expect(window.ended).toBe(true);
  });
});

describe('bombs', () => {
  test.each<[string, () => Uint8Array]>([
    ['gzip', () => gzipSync(new Uint8Array(50_000_000))],
    ['zstd', () => zstd(new Uint8Array(50_000_000), 1)],
  ])('%s: no more than the window is given at once', async (_, make) => {
    const result = await readSource(fileOf(make()), 65_536);
    expect(result).toMatchObject({ length: 50_000_000, damage: null });
    expect(result.largest).toBeLessThanOrEqual(65_536);
  });
});

describe('what cannot be read', () => {
  test('a missing file', async () => {
    await expect(openByteSource(join(folder, 'none'))).rejects.toMatchObject({
      code: 'input-missing',
      message: `reading ${join(folder, 'none')}: there is no such file`,
    });
  });

  test('a directory, also as stdin', async () => {
    await expect(openByteSource(folder)).rejects.toMatchObject({ code: 'input-directory' });
    await expect(throughFile(folder)).rejects.toThrow('it is a directory');
  });

  test('a path through a file', async () => {
    await expect(openByteSource(join(fileOf(FIRST), 'x'))).rejects.toMatchObject({
      code: 'input-unreadable',
    });
  });

  test('a full window is a fault of the caller', async () => {
    for (const path of [fileOf(FIRST), fileOf(gzipSync(FIRST))]) {
      const source = await openByteSource(path);
      const window = new ByteWindow(10);
      expect(await source.fill(window)).toBe(true);
      await expect(source.fill(window)).rejects.toThrow('full');
      await source.close();
    }
  });
});

describe('stdin', () => {
  test('a file, with its size', async () => {
    const result = await throughFile(fileOf(gzipSync(BOTH)));
    expectContent(result, BOTH);
    expect(result.total).toBe(gzipSync(BOTH).length);
  });

  test.each(['-', '/dev/fd/0'])('a pipe of the shell, as %s', async (path) => {
    const command = 'cat "$0" | "$1" "$2" "$3"';
    const args = ['-c', command, fileOf(zstd(FIRST, 1), zstd(SECOND, 1)), process.execPath, script, path];
    expectContent(await resultOf(spawn('sh', args, { stdio: ['ignore', 'pipe', 'pipe'] })), BOTH);
  });

  test('a silent pipe does not hold up the end', async () => {
    const child = spawn(process.execPath, [script, '-', 'close'], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.write('12345');
    expect(await resultOf(child)).toMatchObject({ length: 5, ended: true, damage: null });
  });
});

/** Lets a process of its own read a pipe that gets the chunks one after the other. */
function throughPipe(args: readonly string[], chunks: readonly Uint8Array[]): Promise<SourceResult> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const writeNext = (index: number): void => {
    if (index === chunks.length) child.stdin.end();
    else child.stdin.write(chunks[index]!, () => writeNext(index + 1));
  };
  writeNext(0);
  return resultOf(child);
}

function throughFile(path: string): Promise<SourceResult> {
  const fd = openSync(path, 'r');
  const child = spawn(process.execPath, [script, '-'], { stdio: [fd, 'pipe', 'pipe'] });
  closeSync(fd);
  return resultOf(child);
}

function resultOf(child: ReturnType<typeof spawn>): Promise<SourceResult> {
  let out = '';
  let problem = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    problem += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(out) as SourceResult);
      else reject(new Error(problem));
    });
  });
}
