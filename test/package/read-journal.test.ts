import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { formatHash } from '../../src/core/binary/fnv64.ts';
import { stateHash } from '../../src/core/book/state-hash.ts';
import { ordersIn } from '../../src/core/book/view.ts';
import { segmentName } from '../../src/core/journal/directory.ts';
import { run } from '../../src/core/pipeline/run.ts';
import { play } from '../core/simulate/session.ts';
import { buildJournal } from '../world/journals.ts';
import { ROOT } from '../world/real-process.ts';
import { runOptions } from '../world/run-options.ts';

/* The reader of docs/journal.md in another language: what it finds is what was written, with nothing of ours to read it. */

const READER = join(ROOT, 'docs', 'read_journal.py');
const hasPython = spawnSync('python3', ['--version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'mdx-python-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('has at most 150 lines', () => {
  expect(readFileSync(READER, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

describe.skipIf(!hasPython)('a reader in Python', () => {
  it.each(['itch', 'eobi'] as const)('has the books of a journal of %s, order by order', async (feed) => {
    const input = join(folder, `${feed}.pcap`);
    writeFileSync(input, play({ feed, seed: 5, profile: { messages: 1500, ordersLive: 300 } }).a);
    const journal = await buildJournal(join(folder, feed), [input], { segmentEvents: 700 });
    expect(journal.firstEvents.length).toBeGreaterThan(2);
    const { books } = await run(runOptions([input]));
    const lines = execFileSync('python3', [READER, journal.directory], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const [market] = books.markets;
    const wanted = books.dictionary.books.map(
      ({ number, instrument, symbol }) => `book ${instrument} ${symbol ?? '-'} ${ordersIn(market!, number)}`,
    );
    expect(lines.slice(0, -1)).toEqual([...wanted, `state 0 ${formatHash(stateHash(market!).hash)}`]);
    expect(lines.at(-1)).toMatch(new RegExp(`^events ${journal.events} add=.* whole$`));
  });

  it('names the byte where a journal is damaged', async () => {
    const input = join(folder, 'damaged.pcap');
    writeFileSync(input, play({ feed: 'itch', seed: 6, profile: { messages: 300, ordersLive: 50 } }).a);
    const { directory } = await buildJournal(join(folder, 'damaged'), [input], { segmentEvents: 100 });
    const path = join(directory, segmentName(2));
    const bytes = readFileSync(path);
    const second = 64 + bytes.readUInt32LE(8);
    bytes[second + 70]! ^= 4;
    writeFileSync(path, bytes);
    const { status, stderr } = spawnSync('python3', [READER, directory], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain(
      `${segmentName(2)}: the payload has another sum, byte ${second}; good up to event`,
    );
  });
});
