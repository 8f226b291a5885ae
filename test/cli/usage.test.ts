import { describe, expect, it } from 'vitest';
import { finished, fixture, mdx } from '../world/real-process.ts';

describe('what cannot be run', () => {
  it.each([
    ['an unknown command', ['feds'], 'error: mdx feds: no such command\nhint: Did you mean mdx feeds?\n'],
    [
      'a word like no command',
      ['xyzzy'],
      'error: mdx xyzzy: no such command\nhint: See mdx --help for the list.\n',
    ],
    ['an unknown flag', ['feeds', '--jsn'], 'error: unknown flag: --jsn\nhint: Did you mean --json?\n'],
    [
      'a flag like no other',
      ['feeds', '--xyzzy'],
      'error: unknown flag: --xyzzy\nhint: See mdx feeds --help.\n',
    ],
    ['a flag alone', ['--jsn'], 'error: --jsn: expected a command first\nhint: See mdx --help.\n'],
    [
      'a wrong value',
      ['feeds', '--color', 'blue'],
      'error: expected --color=blue to be one of: auto, always, never\nhint: See mdx feeds --help.\n',
    ],
    ['an argument too many', ['feeds', 'x'], 'error: unexpected argument: x\nhint: See mdx feeds --help.\n'],
    [
      'no file',
      ['replay'],
      'error: FILE… is missing: captures, files and sockets to read, in order; - is standard input\nhint: See mdx replay --help.\n',
    ],
    [
      'no shell',
      ['completion'],
      'error: SHELL is missing: shell to complete in: bash, zsh, fish\nhint: See mdx completion --help.\n',
    ],
    [
      'an unknown feed',
      ['replay', 'x', '--feed', 'itch-5'],
      'error: --feed itch-5: no such feed; known are itch-5.0, eobi-14.1, eobi-6.0, eobi-6.0-2014, eobi-3.0, dbn, fast-like, raw-v1, obsnap\nhint: Did you mean --feed itch-5.0?\n',
    ],
    [
      'standard input twice',
      ['replay', '-', '-'],
      'error: standard input (-) can be read once, and it was given more than once\nhint: See mdx replay --help.\n',
    ],
    [
      'a number that no numbering starts with',
      ['replay', 'x', '--start', '0'],
      'error: --start 0: expected first-seen, snapshot or a number from 1 to 2^53 - 1\nhint: See mdx replay --help.\n',
    ],
  ])('%s: exit 2, what is wrong, and the way out', async (_name, args, stderr) => {
    expect(await mdx(args)).toMatchObject({ code: 2, stdout: '', stderr });
  });

  it('with --json is one document on stdout', async () => {
    const { code, stdout, stderr } = await mdx(['feeds', '--jsn', '--json']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'usage', message: 'unknown flag: --jsn', hint: 'Did you mean --json?', exit: 2 },
    });
  });

  it('a fault of mdx is told apart, its stack only with --verbose', async () => {
    const plain = await finished(fixture(['rows', '--count', '1', '--fault']), null);
    expect(plain).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: TypeError: .*\nhint: This is a fault of mdx\..*\n$/),
    });
    const verbose = await finished(fixture(['rows', '--count', '1', '--fault', '-v']), null);
    expect(verbose.stderr).toContain('rows.ts:');
  });
});

describe('help', () => {
  it.each([[['replay', '--help']], [['replay', '-h']], [['help', 'replay']]])(
    '%j is the same',
    async (args) => {
      const { code, stdout, stderr } = await mdx(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^mdx replay: .*\n\nUsage\n {2}mdx replay FILE… \[flags\]\n/);
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    },
  );

  it.each([[[]], [['--help']], [['help']]])('%j lists the commands', async (args) => {
    const { code, stdout } = await mdx(args);
    expect(code).toBe(0);
    expect(stdout).toContain('mdx simulate -o - | mdx replay -');
    expect(stdout).toMatch(/^ {2}feeds +list the wire formats/m);
  });
});

describe('a report', () => {
  it('is one JSON document with --json, 64-bit integers as strings', async () => {
    const { stdout } = await finished(fixture(['report', '--json']), null);
    expect(JSON.parse(stdout)).toEqual({
      command: 'report',
      big: '1152921504606846976',
      timing: { elapsedNs: '5' },
    });
  });

  it('of feeds follows the rules of reports', async () => {
    const { stdout } = await mdx(['feeds', '--json']);
    const report = JSON.parse(stdout);
    expect(Object.keys(report)).toEqual(['command', 'version', 'feeds', 'timing']);
    expect(report.feeds[0]).toMatchObject({
      name: 'itch-5.0',
      framings: ['moldudp64', 'soupbintcp', 'length-prefixed'],
      priceScale: 4,
      quantityScale: 0,
      idScope: 'source',
    });
  });

  it.each([
    [[], 'warning: a caution\n'],
    [['-v'], 'a detail\nwarning: a caution\n'],
    [['-q'], ''],
    [['-q', '-v'], ''],
  ])('with %j says on stderr what was asked for', async (flags, stderr) => {
    expect(await finished(fixture(['report', ...flags]), null)).toMatchObject({
      code: 0,
      stdout: 'name  count\none       1\n',
      stderr,
    });
  });
});
