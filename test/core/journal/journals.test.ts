import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { segmentFiles } from '../../../src/core/journal/directory.ts';
import { NODE_DISK } from '../../../src/core/journal/node-disk.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { buildJournal } from '../../world/journals.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-journals-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.each(['itch', 'eobi'] as const)(
  'the segments of a journal of %s are one stream of its events',
  async (feed) => {
    const input = join(folder, `${feed}.pcap`);
    writeFileSync(input, play({ feed, seed: 3, profile: { messages: 900 } }).a);
    const journal = await buildJournal(join(folder, feed), [input], { segmentEvents: 200 });
    const files = segmentFiles(NODE_DISK.list(journal.directory));
    expect(files.length).toBe(journal.firstEvents.length);
    expect(files.length).toBeGreaterThan(3);
    const all = join(folder, `${feed}.mdxj`);
    writeFileSync(all, Buffer.concat(files.map(({ name }) => readFileSync(join(journal.directory, name)))));
    const [direct, back] = [await run(runOptions([input])), await run(runOptions([all]))];
    expect(back.damage).toEqual([]);
    expect(back.books.markets.map(stateHash)).toEqual(direct.books.markets.map(stateHash));
    expect(back.books.markets.map(({ events }) => events)).toEqual(
      direct.books.markets.map(({ events }) => events),
    );
  },
);
