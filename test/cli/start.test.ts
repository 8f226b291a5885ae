import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, finished, ROOT, shell } from '../world/real-process.ts';

/** A Node of this machine that is too old for mdx, null where there is none. */
const OLD_NODE: string | null =
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((node) =>
      /^v(1[89]|20|21)\./.test(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? ''),
    ) ?? null;

/** A package with the real bin/run.js whose program is the commands for tests. */
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-start-'));
  mkdirSync(join(folder, 'dist/cli'), { recursive: true });
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  const main = pathToFileURL(join(ROOT, 'src/cli/main.ts')).href;
  const commands = join(ROOT, 'test/world/commands');
  writeFileSync(
    join(folder, 'dist/cli/main.js'),
    `import { start as run } from '${main}';\nexport const start = (options) => run({ ...options, commands: '${commands}' });\n`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const withBroughtNode = (): void => symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));

const started = (node: string, args: readonly string[], detached = false) =>
  spawn(node, [join(folder, 'bin/run.js'), ...args], {
    env: { ...environment(), MDX_FROM_SOURCES: '' },
    detached,
  });

describe('mdx --version', () => {
  it('tells the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const { code, stdout } = await finished(started(process.execPath, ['--version']), null);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `mdx ${version}\n` });
  });
});

describe.skipIf(OLD_NODE === null)('under a Node that is too old', () => {
  it('and with no other in reach: says what is needed, exit 2', async () => {
    const { code, stdout, stderr } = await finished(started(OLD_NODE!, ['rows']), null);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^error: mdx needs Node \^22\.22\.0 \|\| >=24\.6\.0; this is \d+\.\S+ \(.*\)\nhint: /,
    );
    expect((await finished(started(OLD_NODE!, ['--version']), null)).code).toBe(0);
  });

  describe('and with the Node that npm installed beside', () => {
    beforeAll(withBroughtNode);

    it('runs the same, with its streams and its exit code', async () => {
      const child = started(OLD_NODE!, ['rows', '--count', '20000', '--stdin', '--problem']);
      const { code, stdout, stderr } = await finished(child, Buffer.alloc(200_000));
      expect(code).toBe(1);
      expect(stdout.split('\n').length - 1).toBe(20_000);
      expect(stderr).toContain('rows=20000 stdin=200000 ');
    });

    it.each([
      ['sent to the process', false],
      ['from a terminal, to the whole group', true],
    ])('a signal %s counts once', async (_name, group) => {
      const child = started(OLD_NODE!, ['rows', '--count', '1000000000'], true);
      const end = finished(child, null);
      await once(child.stdout!, 'data');
      process.kill(group ? -child.pid! : child.pid!, 'SIGINT');
      const { code, signal, stderr } = await end;
      expect({ code, signal }).toEqual({ code: 130, signal: null });
      expect(stderr).toMatch(/^rows=\d+ .* SIGINT\n$/);
    });

    it.each([false, true])('the second leaves at once (to the group: %s)', async (group) => {
      const child = started(OLD_NODE!, ['rows', '--count', '1000000000', '--tell-stop'], true);
      const terminate = (): void => void process.kill(group ? -child.pid! : child.pid!, 'SIGTERM');
      await once(child.stdout!, 'data');
      child.stdout!.pause();
      terminate();
      // Signals of one kind that are not yet taken count once.
      await once(child.stderr!, 'data');
      terminate();
      const [code, signal] = await once(child, 'exit');
      expect({ code, signal }).toEqual({ code: 143, signal: null });
    });

    it('dies as its child died', async () => {
      const child = started(OLD_NODE!, ['rows', '--count', '1000000000']);
      await once(child.stdout!, 'data');
      const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
      process.kill(Number(pid), 'SIGKILL');
      const [code, signal] = await once(child, 'exit');
      expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
    });
  });
});

describe('the folders of users', () => {
  it('are searched for no plugins', async () => {
    const home = join(folder, 'home');
    mkdirSync(join(home, '.local/share/mdx'), { recursive: true });
    const plugins = {
      oclif: { plugins: [{ type: 'user', name: 'nothing' }] },
      dependencies: { nothing: '1' },
    };
    writeFileSync(join(home, '.local/share/mdx/package.json'), JSON.stringify(plugins));
    const { code, stderr } = await shell('$MDX feeds', { HOME: home, XDG_DATA_HOME: '' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
