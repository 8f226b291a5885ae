import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/core/pipeline/run.ts';
import { PseudoTerminal } from '../world/pseudo-terminal.ts';
import { mdx, started } from '../world/real-process.ts';
import { hashesOf, Resumes } from '../world/resumed.ts';
import { runOptions } from '../world/run-options.ts';
import { Running } from '../world/running.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-follow-'));
const session = join(folder, 'session.pcap');
const resumes = new Resumes();
let events = 0;
let hashes: readonly string[] = [];

beforeAll(async () => {
  const made = await mdx(['simulate', '--messages', '3000', '--orders-live', '300', '-o', session, '-q']);
  expect(made.code).toBe(0);
  const whole = await resumes.whole([session]);
  events = whole.events.length;
  hashes = whole.hashes;
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  resumes.remove();
});

/** Begins a journal of so many messages. */
async function begun(name: string, messages: number, ...flags: string[]): Promise<string> {
  const journal = `${join(folder, name)}/`;
  const { code } = await mdx(['replay', session, '--limit', String(messages), '-o', journal, '-q', ...flags]);
  expect(code).toBe(0);
  return journal;
}

describe('a journal that is followed', () => {
  it('is read as it is written, over segments that end, are compressed and begin, to the same books', async () => {
    const journal = await begun('segments', 100, '--segment-events', '70', '--compress');
    let seen = 0;
    const done = { is: false };
    const after = (): void => {
      seen += 1;
      if (seen === events) done.is = true;
    };
    const following = run(
      runOptions([journal], { follow: true, observers: [{ after }], stop: () => done.is }),
    );
    const resume = ['replay', session, '--resume', journal, '--segment-events', '300', '--compress', '-q'];
    const writing = mdx(resume);
    const { books, damage, stopped } = await following;
    expect({ seen, damage, stopped }).toEqual({ seen: events, damage: [], stopped: 'request' });
    expect(hashesOf(books)).toEqual(hashes);
    expect((await writing).code).toBe(0);
  });

  it('is shown as it grows, in rows and in the terminal, until somebody ends that in order', async () => {
    const journal = await begun('rows', 500);
    const terminal = new PseudoTerminal(['book', journal, '--watch', '--follow'], 100, 30);
    const follower = new Running(
      started(['replay', journal, '--follow', '--emit', 'events', '--format', 'ndjson', '-o', '-']),
    );
    const rows = (): number => follower.stdout.split('\n').length - 1;
    const arrived = async (count: number): Promise<void> => {
      while (rows() < count) await new Promise((resolve) => follower.child.stdout!.once('data', resolve));
    };
    const shown = (messages: number): Promise<string[]> =>
      terminal.until((lines) => lines[1]!.includes(`· ${messages.toLocaleString('en')} messages`));
    await arrived(500);
    await shown(500);
    expect(rows()).toBe(500);
    const { code } = await mdx(['replay', session, '--resume', journal, '-q']);
    expect(code).toBe(0);
    await arrived(events);
    await shown(events);
    follower.child.kill('SIGINT');
    terminal.type('q');
    const ended = await follower.end;
    expect(ended.code).toBe(0);
    expect(await terminal.ended).toBe(0);
    const whole = await mdx(['replay', session, '--emit', 'events', '--format', 'ndjson', '-o', '-', '-q']);
    expect(ended.stdout).toBe(whole.stdout);
  });
});

it.each([
  [['replay', 'SESSION', '--follow'], '--follow follows journals and event files'],
  [['book', 'SESSION', '--follow'], '--follow is about --watch'],
])('%j: exit 2', async (args, message) => {
  const { code, stderr } = await mdx(args.map((arg) => (arg === 'SESSION' ? session : arg)));
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
