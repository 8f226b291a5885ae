import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { finished, mdx, shell, started } from '../world/real-process.ts';
import { listening } from '../world/sockets.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-events-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

async function reportOf(...args: string[]): Promise<RunReport> {
  const { code, stdout, stderr } = await mdx(['replay', ...args, '--json', '--all-instruments', '-q']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as RunReport;
}

/** What does not depend on whether the events were decoded here. */
const outcome = ({ events, anomalies, asOf, book, sources, instruments }: RunReport): object => {
  return { events, anomalies, asOf, book, sources, instruments };
};

/** Sessions with losses, so that gaps and stale books are among the events. */
const SESSIONS: readonly (readonly [feed: string, ...flags: string[]])[] = [
  ['itch', '--loss', '0.01'],
  ['eobi', '--loss', '0.01'],
  ['fast-like', '--loss', '0.01'],
  ['dbn'],
];

describe.each(SESSIONS)('the events of %s', (feed, ...flags) => {
  const input = at(`${feed}.${feed === 'dbn' ? 'dbn' : 'pcap'}`);
  const events = at(`${feed}.mdxj`);

  it('from a file have the same books, rows and numbers', async () => {
    const kind = feed === 'dbn' ? [] : ['--feed', feed];
    const made = await mdx([
      'simulate',
      '--messages',
      '10000',
      '--seed',
      '9',
      ...kind,
      ...flags,
      '-o',
      input,
      '-q',
    ]);
    expect(made.stderr).toBe('');
    const direct = await reportOf(input);
    const { output } = await reportOf(input, '-o', events);
    expect(output).toMatchObject({ format: 'events', written: direct.events['total'] });
    const read = await reportOf(events);
    expect(outcome(read)).toEqual(outcome(direct));
    expect(read.feed).toMatchObject({ framing: 'journal', malformed: 0 });
    expect(direct.feed.protocol!.startsWith(read.feed.protocol!)).toBe(true);
    expect(read.inputs[0]).toMatchObject({ format: 'journal', truncated: false });
    const rows = (path: string): Promise<string> =>
      mdx(['replay', path, '--emit', 'events', '--format', 'csv', '-q']).then(({ stdout }) => stdout);
    expect(await rows(events)).toBe(await rows(input));
  });

  it('are the same bytes each time, also through themselves', async () => {
    const again = at(`${feed}-again.mdxj`);
    await reportOf(events, '-o', again);
    expect(readFileSync(again).equals(readFileSync(events))).toBe(true);
  });

  it('in a pipe and through a socket end in the same books', async () => {
    const direct = await reportOf(input);
    const piped = await shell(
      `$MDX replay ${input} -o - --format events -q | $MDX replay - --json --all-instruments`,
    );
    expect(outcome(JSON.parse(piped.stdout) as RunReport)).toEqual(outcome(direct));
    const reader = started(['replay', 'tcp+listen://127.0.0.1:0', '--json', '--all-instruments']);
    const result = finished(reader, null);
    const where = await listening(reader);
    expect((await mdx(['replay', input, '-o', `${where}?as=events`, '-q'])).code).toBe(0);
    const { code, stdout } = await result;
    expect(code).toBe(0);
    expect(outcome(JSON.parse(stdout) as RunReport)).toEqual(outcome(direct));
  });
});

describe('a stream of events', () => {
  const events = at('itch.mdxj');

  it('can be asked for a part and a point', async () => {
    const input = at('itch.pcap');
    const book = async (path: string, ...flags: string[]): Promise<unknown> => {
      const { stdout } = await mdx(['book', path, ...flags, '--json']);
      const { instruments, asOf, events: counts } = JSON.parse(stdout) as RunReport;
      return { instruments, asOf, counts };
    };
    for (const flags of [
      ['--at', '#5000'],
      ['--symbol', 'S001'],
    ]) {
      expect(await book(events, ...flags)).toEqual(await book(input, ...flags));
    }
  });

  it('ends after as many messages, or at the time, as the file it was made of', async () => {
    for (const flags of [
      ['--limit', '4000'],
      ['--until', '2026-01-05T14:30:00.05Z'],
    ]) {
      const limited = async (path: string): Promise<object> => outcome(await reportOf(path, ...flags));
      expect(await limited(at('dbn.mdxj'))).toEqual(await limited(at('dbn.dbn')));
    }
  });

  it('that is cut or damaged is said so, and what came before is there', async () => {
    const bytes = readFileSync(events);
    writeFileSync(at('cut.mdxj'), bytes.subarray(0, 200_001));
    const cut = await mdx(['replay', at('cut.mdxj'), '--json']);
    expect(cut.code).toBe(3);
    expect(JSON.parse(cut.stdout).inputs[0].truncated).toBe(true);
    const turned = Buffer.from(bytes);
    turned[200_000]! ^= 1;
    writeFileSync(at('turned.mdxj'), turned);
    const damaged = await mdx(['replay', at('turned.mdxj'), '--json']);
    expect(damaged.code).toBe(3);
    expect(damaged.stderr).toMatch(/damaged at byte \d+: the payload of the frame has another sum/);
    expect(JSON.parse(damaged.stdout).events).toEqual(JSON.parse(cut.stdout).events);
  });

  it.each([
    [['--port', '1'], '--port chooses among packets'],
    [['--emit', 'records'], 'what is asked for is made of messages'],
    [['--feed', 'dbn'], 'events of itch-5.0, and what came before is dbn'],
  ])('has nothing for %j', async (flags, text) => {
    const { code, stderr } = await mdx(['replay', events, ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain(text);
  });
});
