import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { mdx, started } from '../world/real-process.ts';
import { Running } from '../world/running.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-resume-'));
const session = join(folder, 'session.pcap');
const journal = join(folder, 'journal');
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly resume: object;
  readonly book: { readonly stateHash: string };
}

it('goes on with a journal: begun, written by another, and whole, but not damaged', async () => {
  expect((await mdx(['simulate', '--messages', '2000', '-o', session, '-q'])).code).toBe(0);
  const begun = await mdx(['replay', session, '--limit', '800', '--resume', journal, '--fsync', 'never']);
  expect(begun).toMatchObject({ code: 0, stderr: expect.stringContaining('a new journal') as string });

  // A writer that waits for its input has the journal.
  const writer = new Running(started(['replay', '-', '--resume', journal]));
  await writer.said(/goes on behind event 800/);
  const second = await mdx(['replay', session, '--resume', journal]);
  expect(second).toMatchObject({ code: 4, stderr: expect.stringMatching(/process \d+ writes it/) as string });
  writer.child.kill('SIGKILL');
  await writer.end;

  const unfit = await mdx(['replay', session, '--resume', journal, '--symbol', 'AAA']);
  expect(unfit).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--symbol does not fit') as string,
  });

  const rest = await mdx(['replay', session, '--resume', journal, '--json']);
  expect(rest.code).toBe(0);
  const report = JSON.parse(rest.stdout) as Report;
  expect(report.resume).toMatchObject({
    journal,
    lastEvent: 800,
    image: { segment: 1, eventsBehind: 800 },
    badImages: [],
    trimmed: null,
    isNewEpoch: false,
    skipped: 800,
    channels: [{ channel: 0, state: 'same', skipped: 800, old: 0, messages: null }],
  });
  const whole = await mdx(['replay', session, '--json']);
  expect(report.book).toEqual((JSON.parse(whole.stdout) as Report).book);
  const read = await mdx(['replay', journal, '--json']);
  expect((JSON.parse(read.stdout) as Report).book).toEqual(report.book);

  // Behind a frame that closes a segment nothing is torn.
  appendFileSync(join(journal, '00000002.mdxj'), 'MDXJ and more');
  const damaged = await mdx(['replay', session, '--resume', journal]);
  expect(damaged).toMatchObject({ code: 3, stderr: expect.stringContaining('is damaged at byte') as string });
});
