import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FEEDS } from '../../../src/core/feeds/registry.ts';
import { segmentName } from '../../../src/core/journal/directory.ts';
import { NODE_DISK } from '../../../src/core/journal/node-disk.ts';
import { writeObsnap } from '../../../src/core/journal/obsnap-writer.ts';
import { type Verified, verify } from '../../../src/core/journal/verify.ts';
import { verifyRestart } from '../../../src/core/journal/verify-restart.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { type BuiltJournal, buildJournal } from '../../world/journals.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-restart-'));
afterAll(() => rmSync(folder, { recursive: true }));

const input = join(folder, 'session.pcap');
let journal: BuiltJournal;
let found: Verified;

const options = () => ({
  disk: NODE_DISK,
  path: journal.directory,
  isDirectory: true,
  isLive: false,
  bootId: '',
  rulesOf: (name: string) => FEEDS.find((feed) => feed.name === name)?.rules ?? null,
  jobs: 1,
  progress: () => undefined,
  stop: () => false,
});

beforeAll(async () => {
  writeFileSync(input, play({ feed: 'eobi', seed: 8, profile: { messages: 900 } }).a);
  journal = await buildJournal(join(folder, 'journal'), [input], { segmentEvents: 200 });
  found = (await verify(options()))!;
});

/** The books of an input as an older engine writes them. */
async function oldSnapshot(name: string, path: string): Promise<string> {
  const { books } = await run(runOptions([path]));
  const parts: Uint8Array[] = [];
  writeObsnap((bytes) => parts.push(bytes.slice()), books.markets, { wallTime: 1n, cursor: null });
  writeFileSync(join(folder, name), Buffer.concat(parts));
  return join(folder, name);
}

it('goes on from the image of any segment, and ends with the books of the journal', async () => {
  for (const [index, event] of journal.firstEvents.entries()) {
    const snapshot = join(journal.directory, segmentName(index + 1));
    const restart = await verifyRestart(snapshot, found, options());
    expect(restart).toMatchObject({
      anchor: 'event',
      anchorSequence: String(event),
      replayedEvents: journal.events - event + 1,
      matched: true,
    });
    const before = found.segments.slice(0, index).reduce((sum, { records }) => sum + records, 0);
    expect(restart!.skippedRecords).toBe(before);
  }
});

it('finds the place of an older snapshot by its books, and of none where there is none', async () => {
  // The third segment alone begins with the books that the first two led to.
  const image = join(folder, 'two.mdxj');
  writeFileSync(
    image,
    Buffer.concat([1, 2].map((number) => readFileSync(join(journal.directory, segmentName(number))))),
  );
  const third = await verifyRestart(await oldSnapshot('third.snap', image), found, options());
  expect(third).toMatchObject({
    anchor: 'hash',
    anchorSequence: String(journal.firstEvents[2]),
    matched: true,
    problem: null,
  });
  const other = join(folder, 'other.pcap');
  writeFileSync(other, play({ feed: 'eobi', seed: 9, profile: { messages: 300 } }).a);
  expect(await verifyRestart(await oldSnapshot('other.snap', other), found, options())).toMatchObject({
    anchored: false,
    matched: false,
    problem: 'no image of the journal has its books, or its cursor',
  });
});

it('says what is wrong with a snapshot', async () => {
  const bytes = readFileSync(join(journal.directory, segmentName(2)));
  const cut = join(folder, 'cut.snap');
  writeFileSync(cut, bytes.subarray(0, 700));
  const restart = await verifyRestart(cut, found, options());
  expect(restart).toMatchObject({
    anchored: false,
    matched: false,
    problem: expect.stringMatching(/byte \d+|image/),
  });
});
