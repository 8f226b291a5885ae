import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { itchCapture, OPEN } from '../world/itch-capture.ts';
import { finished, fixture, started } from '../world/real-process.ts';

const BID = { id: 1n, buy: true, price: 100 };
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

  it('does not wait for a pipe that brings nothing at all', async () => {
    const child = started(['replay', '-', '--json', '--progress', 'always']);
    const report = text(child.stdout!);
    // The progress stands there before it waits for its first byte.
    await once(child.stderr!, 'data');
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
    expect(JSON.parse(await report)).toMatchObject({ inputs: [], stopped: 'request' });
  });

  it('says at SIGUSR2 how far it is, and goes on', async () => {
    const child = started(['replay', '-', '--json', '--progress', 'always']);
    const report = text(child.stdout!);
    // The progress stands there when signals are already listened to.
    await once(child.stderr!, 'data');
    child.kill('SIGUSR2');
    for await (const said of child.stderr!) if (String(said).includes('nothing read yet\n')) break;
    child.stdin!.end(itchCapture([{ port: 1, sequence: 1, adds: [BID], time: OPEN }]));
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(JSON.parse(await report)).toMatchObject({ feed: { messages: 1 } });
  });

  it('reads a capture as it comes from a pipe, and does not wait for the rest', async () => {
    const child = started(['replay', '-', '--emit', 'events', '--format', 'ndjson']);
    const row = once(child.stdout!, 'data');
    child.stdin!.write(itchCapture([{ port: 1, sequence: 1, adds: [BID], time: OPEN }]));
    expect(JSON.parse(String(await row))).toMatchObject({ kind: 'add' });
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
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
