import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { finished, fixture, shell } from '../world/real-process.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-output-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const rows = (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  finished(fixture(['rows', ...args]), null);

describe('-o FILE', () => {
  it('writes the file and nothing to stdout', async () => {
    const file = join(folder, 'out.ndjson');
    expect(await rows('--count', '100000', '-o', file)).toMatchObject({ code: 0, stdout: '' });
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.length).toBe(100_001);
    expect(JSON.parse(lines[99_999]!)).toMatchObject({ row: 99_999 });
    expect(readdirSync(folder)).toEqual(['out.ndjson']);
  });

  it('keeps a file that exists, exit 2, before anything was done', async () => {
    const file = join(folder, 'out');
    writeFileSync(file, 'mine');
    const { code, stderr } = await rows('-o', file);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `error: writing ${file}: the file exists\nhint: Use --force to replace it, or another name.\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('replaces it with --force, only when the new one is whole', async () => {
    const file = join(folder, 'out');
    writeFileSync(file, 'mine');
    expect((await rows('-o', file, '--force', '--fail-at', '5')).code).toBe(3);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await rows('-o', file, '--force', '--count', '1')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^\{"row":0,/);
    expect(readdirSync(folder)).toEqual(['out']);
  });

  it('does not replace a file that came while it wrote', async () => {
    const file = join(folder, 'out');
    const run = rows('-o', file, '--count', '2', '--chunk', '1', '--wait-ms', '700');
    while (readdirSync(folder).length === 0) await new Promise(setImmediate);
    writeFileSync(file, 'mine');
    expect((await run).code).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readdirSync(folder)).toEqual(['out']);
  });

  it('keeps what was written when it is interrupted once, nothing when twice', async () => {
    const file = join(folder, 'out');
    const child = fixture(['rows', '-o', file, '--count', '1000000', '--chunk', '1', '--wait-ms', '10']);
    const end = finished(child, null);
    while (readdirSync(folder).length === 0) await new Promise(setImmediate);
    child.kill('SIGINT');
    expect((await end).code).toBe(130);
    expect(existsSync(file)).toBe(true);

    const second = fixture([
      'rows',
      '-o',
      `${file}2`,
      '--count',
      '1000000',
      '--chunk',
      '1',
      '--wait-ms',
      '10000',
    ]);
    const secondEnd = finished(second, null);
    while (readdirSync(folder).length === 1) await new Promise(setImmediate);
    const again = setInterval(() => second.kill('SIGINT'), 20);
    expect((await secondEnd).code).toBe(130);
    clearInterval(again);
    expect(readdirSync(folder)).toEqual(['out']);
  });

  it('- is stdout', async () => {
    expect((await rows('-o', '-', '--count', '1')).stdout).toMatch(/^\{"row":0,/);
  });

  it('may be a pipe with a name', async () => {
    const { code, stdout } = await shell(
      `mkfifo ${folder}/pipe && { $FIXTURE rows --count 20000 -o ${folder}/pipe & wc -l < ${folder}/pipe; wait $!; }`,
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '20000\n' });
  });

  it.each([
    ['a folder that is not there', () => join(folder, 'none/out'), 4, 'ENOENT: no such file or directory'],
    ['a folder', () => folder, 2, 'it is a directory'],
    ['a full device', () => '/dev/full', 4, 'ENOSPC: no space left on device'],
  ])('%s: says what went wrong', async (_name, path, code, what) => {
    const result = await rows('-o', path());
    expect(result.code).toBe(code);
    expect(result.stderr.match(/^error: .*$/gm)).toEqual([`error: writing ${path()}: ${what}`]);
  });

  it.skipIf(!canMount())('a file system that is full: exit 4, nothing left behind', async () => {
    const { stdout, stderr } = await shell(
      inSmallFileSystem(`$FIXTURE rows --count 100000 -o ${folder}/out; echo $?; ls ${folder}`),
    );
    expect(stdout).toBe('4\n');
    expect(stderr).toContain(`error: writing ${folder}/out: ENOSPC: no space left on device\n`);
  });
});

/** A line of shell in a mount namespace where `folder` is a file system of 256 KiB. */
function inSmallFileSystem(line: string): string {
  return `unshare -rm bash -c 'mount -t tmpfs -o size=256k none ${folder} && { ${line}; }'`;
}

function canMount(): boolean {
  folder = tmpdir();
  return spawnSync('bash', ['-c', inSmallFileSystem('true')]).status === 0;
}
