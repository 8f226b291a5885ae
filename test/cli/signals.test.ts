import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { finished, fixture } from '../world/real-process.ts';

const ENDLESS = ['rows', '--count', '1000000000'];

describe('a finite command', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('finishes with its report at the first %s: exit %i', async (signal, code) => {
    const child = fixture(ENDLESS);
    const end = finished(child, null);
    await once(child.stdout!, 'data');
    child.kill(signal);
    const result = await end;
    expect({ code: result.code, signal: result.signal }).toEqual({ code, signal: null });
    expect(result.stderr).toMatch(new RegExp(`^rows=\\d+ .* ${signal}\n$`));
    // Every row that the report counts is there, the last one whole.
    const rows = Number(/rows=(\d+)/.exec(result.stderr)![1]);
    expect(result.stdout.split('\n').length - 1).toBe(rows);
  });

  it('leaves at once at the second, also when its reader stalls', async () => {
    // One chunk is more than pipe and buffers hold: the command stands still in the middle of its rows.
    const child = fixture([...ENDLESS, '--chunk', '50000', '--tell-stop']);
    await once(child.stdout!, 'data');
    child.stdout!.pause();
    let stderr = '';
    child.stderr!.on('data', (chunk) => {
      stderr += chunk;
    });
    child.kill('SIGINT');
    // Signals of one kind that are not yet taken count once.
    await once(child.stderr!, 'data');
    child.kill('SIGINT');
    const [code, signal] = await once(child, 'exit');
    expect({ code, signal, stderr }).toEqual({ code: 130, signal: null, stderr: 'stopping\n' });
  });
});
