import { describe, expect, it } from 'vitest';
import { shell } from '../world/real-process.ts';

const ESC = '\u001b';

/** Runs a line with a terminal for all three standard streams, `columns` wide. */
async function onTerminal(
  line: string,
  environment: NodeJS.ProcessEnv = {},
  columns: number = 80,
): Promise<string> {
  const { stdout } = await shell(`script -qec "stty cols ${columns}; ${line}" /dev/null < /dev/null`, {
    TERM: 'xterm',
    NO_COLOR: '',
    ...environment,
  });
  return stdout.replaceAll('\r\n', '\n');
}

describe('on a terminal', () => {
  it('reports have colours', async () => {
    expect(await onTerminal('$FIXTURE report -q')).toContain(`${ESC}[32mone${ESC}[39m`);
  });

  it.each([
    ['NO_COLOR', '$FIXTURE report -q --progress never', { NO_COLOR: '1' }],
    ['--color never', '$FIXTURE report -q --progress never --color never', {}],
    ['a terminal that is dumb', '$FIXTURE report -q --progress never', { TERM: 'dumb' }],
  ])('not with %s', async (_name, line, environment) => {
    expect(await onTerminal(line, environment)).not.toContain(ESC);
  });

  it('progress shows, unless told not to', async () => {
    expect(await onTerminal('$FIXTURE report')).toContain('working');
    expect(await onTerminal('$FIXTURE report --progress never')).not.toContain('working');
    expect(await onTerminal('$FIXTURE report --quiet')).not.toContain('working');
  });

  it('of unknown width there is no progress', async () => {
    const text = await onTerminal('$FIXTURE report', {}, 0);
    expect(text).toContain('one');
    expect(text).not.toContain('working');
  });

  it('help is as wide as the terminal', async () => {
    const lengths = async (columns: number): Promise<number> =>
      Math.max(
        ...(await onTerminal('$FIXTURE rows -h --color never', {}, columns)).split('\n').map((l) => l.length),
      );
    expect(await lengths(60)).toBeLessThanOrEqual(60);
    expect(await lengths(95)).toBeGreaterThan(80);
    expect(await lengths(0)).toBe(80);
  });

  it('rows come line by line', async () => {
    // The last row before the error is there, and before the error.
    expect(await onTerminal('$FIXTURE rows --count 3 --fail-at 2')).toMatch(/\{"row":1,.*\n.*error/s);
  });

  it('mdx alone is an overview', async () => {
    expect(await onTerminal('$MDX', { NO_COLOR: '1' })).toMatch(/^mdx \d+\.\d+\.\d+: market data/);
  });
});

describe('in a pipe', () => {
  it('nothing has colours, and progress is silent', async () => {
    const { stdout, stderr } = await shell('$FIXTURE report', { NO_COLOR: '' });
    expect(stdout + stderr).toBe('name  count\none       1\nwarning: a caution\n');
  });

  it('--color always has colours, also against NO_COLOR', async () => {
    const { stdout } = await shell('$FIXTURE report --color always', { NO_COLOR: '1' });
    expect(stdout).toContain(`${ESC}[32mone`);
  });

  it('--progress always shows it on stderr only', async () => {
    const { stdout, stderr } = await shell('$FIXTURE report --progress always', { NO_COLOR: '1' });
    expect(stdout).toBe('name  count\none       1\n');
    expect(stderr).toContain('working');
  });
});
