import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { finished, fixture, shell } from '../world/real-process.ts';

const ROW_BYTES_MAX = 80;

function rowsWritten(stderr: string): number {
  return Number(/rows=(\d+)/.exec(stderr)![1]);
}

describe('a reader that leaves', () => {
  it('ends the command early and without a failure', async () => {
    const { code, stdout, stderr } = await shell('$FIXTURE rows --count 30000000 | head -1');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '{"row":0,"text":"some text that makes the row longer"}\n',
    });
    expect(stderr).toMatch(/ reader left\n$/);
    // What fits in the pipe and in our own buffers, far from 30 million rows.
    expect(rowsWritten(stderr) * ROW_BYTES_MAX).toBeLessThan(2_000_000);
  });

  it('that never reads is no failure either', async () => {
    expect((await shell('$FIXTURE rows --count 1000000 | true')).code).toBe(0);
  });

  it.each(['report -q', '', 'rows --help', 'report -q --json'])('of `%s` is no failure', async (command) => {
    const { code, stderr } = await shell(`$FIXTURE ${command} | true`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('of stderr is nothing to stop for', async () => {
    const { code, stdout } = await shell('$FIXTURE rows --count 20000 2> >(true) | wc -l');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '20000\n' });
  });
});

describe('a reader that is slow', () => {
  it('gets everything, and what waits for it stays bounded', async () => {
    const { code, stdout, stderr } = await shell('$FIXTURE rows --count 3000000 | (sleep 1; wc -l)');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '3000000\n' });
    expect(Number(/maxRssKb=(\d+)/.exec(stderr)![1])).toBeLessThan(200_000);
  });

  it('may stall for longer than ten seconds', async () => {
    const { code, stdout } = await shell('$FIXTURE rows --count 20000 | (sleep 11; wc -l)');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '20000\n' });
  });
});

describe('the end of a run cuts nothing off', () => {
  it('when a problem was found', async () => {
    const { code, stdout } = await shell('$FIXTURE rows --count 20000 --problem | (sleep 0.3; wc -l)');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '20000\n' });
  });

  it('when an error came after the rows', async () => {
    const { code, stdout, stderr } = await shell(
      '$FIXTURE rows --count 20000 --fail-at 19999 | (sleep 0.3; wc -l)',
    );
    expect({ code, stdout }).toEqual({ code: 3, stdout: '19999\n' });
    expect(stderr).toBe('error: reading row 19999: it is damaged\nhint: Try less.\n');
  });
});

describe('rows in a pipe', () => {
  it('arrive before their block is full', async () => {
    const child = fixture(['rows', '--count', '2', '--chunk', '1', '--wait-ms', '1500']);
    const end = finished(child, null);
    const [first] = (await once(child.stdout!, 'data')) as [string];
    expect(first).toBe('{"row":0,"text":"some text that makes the row longer"}\n');
    expect(child.exitCode).toBeNull();
    expect((await end).code).toBe(0);
  });

  it('come one by one with --unbuffered', async () => {
    const child = fixture(['rows', '--count', '3', '--unbuffered', '--chunk', '1', '--wait-ms', '20']);
    const chunks: string[] = [];
    child.stdout!.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
    await finished(child, null);
    expect(chunks.map((text) => text.split('\n').length - 1)).toEqual([1, 1, 1]);
  });
});

describe('standard input', () => {
  it('is not taken for an argument that was left out', async () => {
    const { code, stderr } = await shell('head -c 3000000 /dev/zero | $FIXTURE rows --stdin --count 0');
    expect(code).toBe(0);
    expect(stderr).toContain('stdin=3000000 file= ');
  });
});

describe('a full disk', () => {
  it.each(['rows --count 100000', 'report', 'report --json', 'rows --help', '', 'rows --fail-at 0 --json'])(
    'under `%s`: exit 4, with one line that says so',
    async (command) => {
      const { code, stderr } = await shell(`$FIXTURE ${command} > /dev/full`);
      expect(code).toBe(4);
      expect(stderr.match(/^error: .*$/gm)).toEqual([
        'error: writing stdout: ENOSPC: no space left on device',
      ]);
    },
  );

  it('under --version, too', async () => {
    const { code, stderr } = await shell('$MDX --version > /dev/full');
    expect(code).toBe(4);
    expect(stderr).toMatch(/^error: writing stdout: ENOSPC: .*\n$/);
  });
});
