import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA, dataPath } from '../world/data.ts';
import { mdx } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-snapshot-'));
const itch = join(folder, 'itch.pcap');
const eobi = join(folder, 'eobi.pcap');
/** The snapshot of the ITCH session, and the report of the session itself. */
const ours = join(folder, 'ours.snap');
let whole: Report;
beforeAll(async () => {
  for (const [feed, path] of [
    ['itch', itch],
    ['eobi', eobi],
  ] as const) {
    const args = ['simulate', '--feed', feed, '--messages', '3000', '--seed', '7', '-o', path, '-q'];
    expect((await mdx(args)).code).toBe(0);
  }
  whole = await reportOf(itch);
  await save(itch, ours);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly book: { readonly stateHash: string; readonly orders: number };
  readonly instruments: unknown;
  readonly inputs: readonly { readonly image?: { readonly event: string; readonly records: number } }[];
  readonly events: { readonly total: number };
}

async function reportOf(...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await mdx(['book', ...args, '--orders', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Report;
}

async function save(input: string, path: string, ...flags: string[]): Promise<void> {
  const done = await mdx(['book', input, '-o', path, '-q', ...flags]);
  expect(done).toMatchObject({ code: 0, stdout: '', stderr: '' });
}

/** Books, queues and hash of a session are those of its snapshot. */
async function holds(session: Report, path: string): Promise<void> {
  expect(session.book.orders).toBeGreaterThan(100);
  const { book, instruments, inputs } = await reportOf(path);
  expect(book).toEqual(session.book);
  expect(instruments).toEqual(session.instruments);
  expect(inputs[0]!.image).toMatchObject({ event: String(session.events.total), records: book.orders });
}

describe('mdx book -o FILE.snap', () => {
  it('keeps the books of an ITCH session, also from snapshot to snapshot', async () => {
    const again = join(folder, 'again.snap');
    await save(ours, again);
    await holds(whole, again);
  });

  it('keeps the books of a T7 session', async () => {
    const path = join(folder, 'eobi.snap');
    await save(eobi, path);
    await holds(await reportOf(eobi), path);
  });

  it.skipIf(DATA === null)('keeps the books of a DBN session', async () => {
    const session = dataPath('dbn', 'CLX5_mbo.dbn');
    const path = join(folder, 'dbn.snap');
    await save(session, path);
    await holds(await reportOf(session), path);
  });

  it('is the books of a journal at the event that is asked for', async () => {
    const journal = join(folder, 'journal/');
    const path = join(folder, 'at.snap');
    expect((await mdx(['replay', itch, '-o', journal, '-q'])).code).toBe(0);
    expect((await mdx(['book', journal, '--at', '@2000', '-o', path])).code).toBe(0);
    const { book, inputs } = await reportOf(path);
    expect(book).toEqual((await reportOf(journal, '--at', '@2000')).book);
    expect(inputs[0]!.image!.event).toBe('2000');
  });

  it('replaces no file unless asked to, and leaves nothing beside it', async () => {
    const path = join(folder, 'kept.snap');
    writeFileSync(path, 'kept');
    const refused = await mdx(['book', itch, '-o', path]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('the file exists')]);
    expect(readFileSync(path, 'utf8')).toBe('kept');
    expect((await mdx(['book', itch, '-o', path, '--force'])).code).toBe(0);
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('is not written of an input that is damaged', async () => {
    const cut = join(folder, 'cut.pcap');
    const path = join(folder, 'cut.snap');
    writeFileSync(cut, readFileSync(itch).subarray(0, -5));
    const { code, stderr } = await mdx(['book', cut, '-o', path]);
    expect([code, stderr]).toEqual([3, expect.stringContaining('was not written')]);
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    [['--symbol', 'A'], 'leaves some out'],
    [['--orders'], '--orders is about what is printed'],
    [['--compat', 'v3'], '--compat'],
  ])('refuses %j', async (flags, problem) => {
    const { code, stderr } = await mdx(['book', itch, '-o', join(folder, 'no.snap'), ...flags]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)]);
  });
});

describe('mdx book --compat v2', () => {
  it('writes what reads back as the same books', async () => {
    const path = join(folder, 'itch.v2.snap');
    await save(ours, path, '--compat', 'v2');
    expect(readFileSync(path).subarray(0, 12).toString('hex')).toBe('4f42534e4150000000000002');
    expect((await reportOf(path)).book).toEqual(whole.book);
    const back = join(folder, 'back.snap');
    await save(path, back);
    expect((await reportOf(back)).book).toEqual(whole.book);
  });

  it.skipIf(DATA === null)('says what it cannot hold, and writes nothing', async () => {
    const path = join(folder, 'dbn.v2.snap');
    const { code, stderr } = await mdx([
      'book',
      dataPath('dbn', 'CLX5_mbo.dbn'),
      '-o',
      path,
      '--compat',
      'v2',
    ]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('instrument 432669 is of publisher 1')]);
    expect(existsSync(path)).toBe(false);
  });
});

describe('a snapshot as input', () => {
  it('is not turned into events alone', async () => {
    const { code, stderr } = await mdx(['replay', ours, '-o', join(folder, 'events.mdxj')]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('begins with an image')]);
  });

  it('goes on as a journal', async () => {
    const journal = join(folder, 'on/');
    expect((await mdx(['replay', ours, '-o', journal, '-q'])).code).toBe(0);
    expect((await reportOf(journal)).book).toEqual(whole.book);
  });

  it('says after which event its books are', async () => {
    const { stdout } = await mdx(['book', ours]);
    expect(stdout).toMatch(/^after event \d+, written 20\d\d-/);
  });
});
