import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { mdx, ROOT } from '../world/real-process.ts';

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

describe('bash completion', () => {
  let script = '';
  beforeAll(async () => {
    script = (await mdx(['completion', 'bash'])).stdout;
  });

  /** What a real bash would offer for the last of these words. */
  function offers(...words: string[]): string[] {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const run = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _mdx; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', run], { encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.trim().split('\n');
  }

  it('offers commands', () => {
    expect(offers('mdx', 'fe')).toEqual(['feeds']);
    expect(offers('mdx', 'help', 'rep')).toEqual(['replay']);
    expect(offers('mdx', '')).toEqual(expect.arrayContaining(['bench', 'simulate', 'completion']));
  });

  it('offers flags, values of flags, and words', () => {
    expect(offers('mdx', 'replay', '--gap')).toEqual(['--gap-timeout']);
    expect(offers('mdx', 'replay', '--color', 'a')).toEqual(['auto', 'always']);
    expect(offers('mdx', 'completion', 'z')).toEqual(['zsh']);
    expect(offers('mdx', 'simulate', '--output-format', 'p')).toEqual(['pcap', 'pcapng']);
    expect(offers('mdx', 'bench', '--sh')).toEqual(['--short']);
  });

  it('offers files elsewhere', () => {
    expect(offers('mdx', 'replay', 'package.j')).toEqual(['package.json']);
    expect(offers('mdx', 'replay', '--date', 'package.j')).toEqual(['package.json']);
  });
});

it.skipIf(!has('zsh'))('zsh reads its script', async () => {
  const { stdout } = await mdx(['completion', 'zsh']);
  expect(spawnSync('zsh', ['-n'], { input: stdout, encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
  });
});

it.skipIf(!has('fish'))('fish offers commands, flags, values of flags, and files', async () => {
  const { stdout } = await mdx(['completion', 'fish']);
  const offers = (line: string): string[] => {
    const run = `${stdout}\ncomplete -C '${line}'`;
    const found = spawnSync('fish', ['--no-config', '-c', run], { cwd: ROOT, encoding: 'utf8' });
    return found.stdout
      .trim()
      .split('\n')
      .map((offer) => offer.split('\t')[0]!);
  };
  expect(offers('mdx sim')).toEqual(['simulate']);
  expect(offers('mdx simulate --lin')).toEqual(['--line-b']);
  expect(offers('mdx simulate --output-format p')).toEqual(['pcap', 'pcapng']);
  expect(offers('mdx replay package.j')).toEqual(['package.json']);
  expect(offers('mdx simulate --truth package.j')).toEqual(['package.json']);
});

it.skipIf(!has('fish'))('fish reads its script', async () => {
  const { stdout } = await mdx(['completion', 'fish']);
  expect(spawnSync('fish', ['--no-config', '-n', '-c', stdout], { encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
  });
});

it.each([
  ['zsh', /^#compdef mdx\n/, "    'feeds:list the wire formats that mdx reads'"],
  ['fish', /^# completion of mdx for fish\n/, 'complete -c mdx -n __fish_use_subcommand -f -a feeds '],
])('%s has its head and every command', async (shell, head, line) => {
  const { stdout } = await mdx(['completion', shell]);
  expect(stdout).toMatch(head);
  expect(stdout).toContain(line);
});

it('an unknown shell: exit 2', async () => {
  expect((await mdx(['completion', 'tcsh'])).code).toBe(2);
});
