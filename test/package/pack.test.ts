import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../world/real-process.ts';

/** The tracked files in a folder of their own, packed there and unpacked beside. */
let clone = '';
let unpacked = '';
let names: string[] = [];

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'mdx-pack-'));
  for (const name of trackedFiles()) cpSync(join(ROOT, name), join(clone, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  const packed = execFileSync('npm', ['pack', '--silent'], { cwd: clone, encoding: 'utf8' });
  const tarball = packed.trim().split('\n').at(-1)!;
  execFileSync('tar', ['xzf', tarball], { cwd: clone });
  unpacked = join(clone, 'package');
  names = execFileSync('tar', ['tzf', tarball], { cwd: clone, encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''));
});
afterAll(() => rmSync(clone, { recursive: true }));

/** What the repository holds; without git, what is there and not made. */
function trackedFiles(): string[] {
  const { status, stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' });
  if (status === 0) return stdout.split('\0').filter((name) => name !== '' && existsSync(join(ROOT, name)));
  return readdirSync(ROOT).filter((name) => !['node_modules', 'dist', '.git', '.tmp'].includes(name));
}

const manifest = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

describe('the published package', () => {
  it('holds the program, its man pages, its license, and nothing else', () => {
    expect(names).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'package.json',
        'bin/run.js',
        'dist/cli/main.js',
        'dist/commands.json',
        'man/mdx.1',
        'man/mdx-replay.1',
      ]),
    );
    const others = names.filter(
      (name) =>
        !/^(LICENSE|README\.md|package\.json|bin\/run\.js|man\/mdx[a-z-]*\.1|dist\/.*\.js|dist\/commands\.json)$/.test(
          name,
        ),
    );
    expect(others).toEqual([]);
  });

  it('does not bring a Node', () => {
    expect(manifest(unpacked)['optionalDependencies']).toBeUndefined();
    expect(manifest(clone)['optionalDependencies']).toEqual(manifest(ROOT)['optionalDependencies']);
    expect(readFileSync(join(clone, 'package.json'), 'utf8')).toBe(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
  });

  it('names exact versions of what it needs', () => {
    const { dependencies, devDependencies } = manifest(unpacked) as Record<string, Record<string, string>>;
    for (const version of Object.values({ ...dependencies, ...devDependencies }))
      expect(version).toMatch(/^\d/);
  });

  it('runs', () => {
    const modules = join(dirname(unpacked), 'node_modules');
    expect(existsSync(modules)).toBe(true);
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(unpacked, 'bin/run.js'), ...args], { encoding: 'utf8' });
    expect(run('replay', '--help')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^mdx replay: /),
    });
    expect(run('feeds', '--json').status).toBe(0);
    expect(JSON.parse(run('feeds', '--json').stdout).feeds.length).toBeGreaterThan(0);
    expect(run('feds')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('Did you mean mdx feeds?'),
    });
  });

  it('leaves no build behind in the clone', () => {
    expect(existsSync(join(clone, 'dist'))).toBe(false);
  });
});

describe('the lockfile', () => {
  it('names no download addresses', () => {
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"/);
  });
});

/** Which of the readers of man pages are here. */
const READERS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['mandoc', ['-Tlint', '-Wwarning']],
  ['man', ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z']],
];

describe.each(READERS)('%s', (reader, args) => {
  it.skipIf(spawnSync(reader, ['--version']).error !== undefined)(
    'has nothing to say about the man pages',
    () => {
      for (const name of names.filter((each) => each.startsWith('man/'))) {
        const { stderr, stdout } = spawnSync(reader, [...args, join(unpacked, name)], { encoding: 'utf8' });
        const said = (reader === 'mandoc' ? stdout + stderr : stderr).split('\n');
        // The pages have no date on purpose: they are the same whenever they are made.
        expect(said.filter((line) => line !== '' && !line.includes('missing date'))).toEqual([]);
      }
    },
  );
});
