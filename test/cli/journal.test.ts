import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DURABLE_BYTES, type DurableRecord, readDurable } from '../../src/core/journal/directory.ts';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { canMount, mounted } from '../world/mount-namespace.ts';
import { type Finished, mdx, shell, started } from '../world/real-process.ts';
import { Running } from '../world/running.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-journal-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

/** What does not depend on whether the events were decoded here. */
const outcome = ({ events, anomalies, asOf, book, sources, instruments }: RunReport): object => {
  return { events, anomalies, asOf, book, sources, instruments };
};

async function reportOf(...args: string[]): Promise<RunReport> {
  const { code, stdout, stderr } = await mdx(['replay', ...args, '--json', '--all-instruments', '-q']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as RunReport;
}

const errorOf = ({ stdout }: Finished): { code: string; message: string; hint: string; exit: number } =>
  (JSON.parse(stdout) as { error: ReturnType<typeof errorOf> }).error;

/** What all segments of a journal hold, one behind the other. */
async function readBack(directory: string): Promise<RunReport> {
  const { stdout } = await shell(`cat ${directory}/*.mdxj | $MDX replay - --json --all-instruments -q`);
  return JSON.parse(stdout) as RunReport;
}

/** What is in a directory besides what can be made again. */
const filesOf = (directory: string): string[] =>
  readdirSync(directory).filter((name) => !name.endsWith('.idx'));

function durableOf(directory: string): DurableRecord {
  const bytes = new Uint8Array(readFileSync(join(directory, 'durable')));
  expect(bytes).toHaveLength(DURABLE_BYTES);
  return readDurable(new DataView(bytes.buffer))!;
}

/** Resolves when a file with this name is made in a directory. */
async function appears(directory: string, name: string): Promise<void> {
  for await (const { filename } of watch(directory)) if (filename === name) return;
}

const FEEDS: readonly (readonly [feed: string, ...flags: string[]])[] = [
  ['itch', '--loss', '0.01'],
  ['eobi', '--loss', '0.01'],
  ['dbn'],
];

describe.each(FEEDS)('a journal of %s', (feed, ...flags) => {
  it('has the events of its input, over all segments', async () => {
    const input = at(`${feed}.${feed === 'dbn' ? 'dbn' : 'pcap'}`);
    const kind = feed === 'dbn' ? [] : ['--feed', feed];
    await mdx(['simulate', '--messages', '10000', '--seed', '9', ...kind, ...flags, '-o', input, '-q']);
    const journal = `${at(feed)}/`;
    const direct = await reportOf(input, '-o', journal, '--segment-events', '3000', '--fsync', 'batch');
    const total = direct.events['total']!;
    expect(direct.output).toMatchObject({
      path: journal,
      format: 'journal',
      written: total,
      journal: { lastEvent: total, durableEvent: total, segments: expect.any(Number) },
    });
    const names = readdirSync(journal).filter((name) => name.endsWith('.mdxj'));
    expect(names.length).toBeGreaterThanOrEqual(3);
    expect(direct.output!.journal!.segments).toBe(names.length);
    expect(filesOf(journal)).toEqual([...names, 'durable']);
    const read = await readBack(journal);
    expect(outcome(read)).toEqual(outcome(direct));
    expect(read.inputs[0]).toMatchObject({ format: 'journal', truncated: false, skipped: {} });
  });
});

describe('what writes a journal', () => {
  const input = at('itch.pcap');
  const journal = `${at('itch')}/`;

  /** A process that writes a journal of what a pipe brought it so far, and waits for more. */
  async function begun(directory: string): Promise<Running> {
    mkdirSync(directory);
    const hasSegment = appears(directory, '00000001.mdxj');
    const running = new Running(started(['replay', '-', '-o', directory, '-q']));
    running.child.stdin!.write(readFileSync(input).subarray(0, 100_000));
    await hasSegment;
    return running;
  }

  it('refuses to write over one, unless forced to', async () => {
    const before = durableOf(journal);
    const refused = await mdx(['replay', input, '-o', journal, '--json']);
    expect(refused.code).toBe(2);
    expect(errorOf(refused)).toMatchObject({
      code: 'output-exists',
      hint: expect.stringContaining('--resume'),
    });
    expect(durableOf(journal)).toEqual(before);
    const limited = await reportOf(input, '-o', journal, '--force', '--limit', '100');
    expect(filesOf(journal)).toEqual(['00000001.mdxj', 'durable']);
    expect(durableOf(journal).event).toBe(limited.events['total']);
  });

  it('says where it is and what is durable', async () => {
    const { stdout } = await mdx(['replay', input, '-o', at('told'), '--format', 'journal', '--limit', '10']);
    expect(stdout).toMatch(/^written +10 to .*told \(journal\) · 1 segment · durable to event 10$/m);
  });

  it.each([
    [['-o', 'x.csv', '--fsync', 'batch'], '--fsync is about journals, and what is written is csv'],
    [['--format', 'journal', '-o', '-'], 'a journal is a directory, and standard output is none'],
    [['-o', 'x/', '--emit', 'bbo'], '--emit bbo makes rows, and journal has no place for them'],
    [
      ['-o', 'x/', '--fsync', 'often'],
      '--fsync often: expected never, interval=MS such as interval=100, or batch',
    ],
    [['-o', 'x/', '--keep', '7'.repeat(14)], 'expected a size such as 50GB, or an age such as 7d or 36h'],
    [['-o', 'x/', '--keep', '0'], 'expected a size such as 50GB, or an age such as 7d or 36h'],
    [['-o', 'x/', '--min-free', 'much'], '--min-free much: expected a size such as 8MB'],
    [['-o', 'x/', '--depth', '3'], '--depth is about price levels'],
    [
      ['--segment-size', '1MB'],
      '--segment-size is about what is written, and without -o or --emit that is nothing',
    ],
    [['-o', folder], 'a name with / at its end for a journal'],
  ])('cannot be asked for %j', async (flags, text) => {
    const { code, stderr } = await mdx(['replay', input, ...flags]);
    expect(code).toBe(2);
    expect(stderr.replace(/\s+/g, ' ')).toContain(text);
  });

  it('has a directory of its own', async () => {
    mkdirSync(at('letters'));
    writeFileSync(at('letters/a.txt'), 'x');
    const full = await mdx(['replay', input, '-o', `${at('letters')}/`, '--force', '--json']);
    expect([full.code, errorOf(full).message]).toEqual([
      2,
      expect.stringContaining('other files are in it (a.txt)'),
    ]);
    const inFile = await mdx(['replay', input, '-o', `${at('letters/a.txt')}/`, '--json']);
    expect(errorOf(inFile)).toMatchObject({
      code: 'journal-failed',
      exit: 4,
      hint: 'A journal is a directory, and a file is in its place: name another.',
    });
    expect(readdirSync(at('letters'))).toEqual(['a.txt']);
  });

  it('is one at a time; one that was killed leaves nothing in the way', async () => {
    const shared = `${at('shared')}/`;
    const { child: first, end } = await begun(shared);
    const second = await mdx(['replay', input, '-o', shared, '--json']);
    expect(second.code).toBe(4);
    expect(errorOf(second)).toMatchObject({
      code: 'journal-busy',
      message: `writing the journal ${shared}: process ${first.pid} writes it`,
    });
    first.kill('SIGKILL');
    await end;
    expect(readdirSync(shared)).toContain('lock');
    await reportOf(input, '-o', shared, '--force');
    expect(filesOf(shared)).toEqual(['00000001.mdxj', 'durable']);
  });

  it('closes it when it is interrupted', async () => {
    const stopped = `${at('stopped')}/`;
    const { child, end } = await begun(stopped);
    child.kill('SIGINT');
    expect((await end).code).toBe(130);
    expect(filesOf(stopped)).toEqual(['00000001.mdxj', 'durable']);
    const read = await readBack(stopped);
    expect(read.inputs[0]).toMatchObject({ truncated: false });
    expect(read.damage).toEqual([]);
    expect(read.events['total']).toBe(durableOf(stopped).event);
  });
});

describe.skipIf(!canMount())('a disk', () => {
  const input = at('itch.pcap');
  const small = at('disk');
  const write = (flags: string): string => `$MDX replay ${input} -o ${small}/j/ --json ${flags}`;
  const keep = (name: string): string => `code=$?; cp -r ${small}/j ${at(name)}; exit $code`;
  const mount = (size: string): string => {
    mkdirSync(small, { recursive: true });
    return `mount -t tmpfs -o size=${size} tmpfs ${small}`;
  };

  it('that is full is told, and what was durable is there', async () => {
    const result = await mounted(mount('300k'), write('--fsync batch'), keep('full'));
    expect(result.code).toBe(4);
    expect(errorOf(result)).toMatchObject({
      code: 'journal-full',
      exit: 4,
      message: expect.stringMatching(/ENOSPC: no space left on device; events up to \d+ are durable$/),
    });
    const durable = durableOf(at('full'));
    expect(durable).toMatchObject({ failed: true });
    expect(errorOf(result).message).toContain(`up to ${durable.event} are`);
    expect(filesOf(at('full'))).toEqual(['00000001.mdxj', 'durable']);
    // What is torn behind it does not keep anybody from going on elsewhere.
    expect((await readBack(at('full'))).events['total']).toBeGreaterThanOrEqual(durable.event);
    cpSync(at('full'), at('elsewhere'), { recursive: true });
    const resumed = await mdx([
      'replay',
      input,
      '--resume',
      `${at('elsewhere')}/`,
      '--json',
      '--all-instruments',
    ]);
    expect(resumed.stderr).toMatch(/bytes at the end of 00000001\.mdxj were not whole and are cut off|^$/);
    const direct = await reportOf(input);
    const { book } = JSON.parse(resumed.stdout) as RunReport;
    expect(book).toEqual(direct.book);
  });

  it('with too little room left is not filled', async () => {
    const none = await mounted(mount('1m'), write('--min-free 2MB'), keep('none'));
    expect(none.code).toBe(4);
    expect(errorOf(none)).toMatchObject({
      code: 'journal-full',
      message: expect.stringContaining('have to stay so'),
    });
    const some = await mounted(mount('600k'), write('--min-free 400k --segment-events 1000'), keep('some'));
    expect(some.code).toBe(4);
    expect(some.stderr).toMatch(
      /warning: the journal .* stops when 409600 bytes are left on its disk, and \d+ are free/,
    );
    expect(errorOf(some)).toMatchObject({ code: 'journal-full' });
    const durable = durableOf(at('some'));
    expect(durable.event).toBeGreaterThan(0);
    const read = await readBack(at('some'));
    expect(read.damage).toEqual([]);
    expect(read.events['total']).toBe(durable.event);
  });

  it('that may only be read is told at once', async () => {
    mkdirSync(small, { recursive: true });
    const result = await mounted(
      `mount --bind ${small} ${small}`,
      `mount -o remount,ro,bind ${small}`,
      write(''),
    );
    expect(result.code).toBe(4);
    expect(errorOf(result)).toMatchObject({
      code: 'journal-failed',
      message: expect.stringContaining('EROFS: read-only file system'),
      hint: 'The file system is mounted read-only: name another directory.',
    });
  });
});
