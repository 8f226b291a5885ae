import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../../src/core/binary/random.ts';
import { type FsyncPolicy, JournalWriter } from '../../../src/core/journal/journal-writer.ts';
import { NODE_DISK } from '../../../src/core/journal/node-disk.ts';
import { type Recovery, recover } from './recovery.ts';
import { verdictOf } from './verdict.ts';
import { journalBooks, stateOf, Workload } from './workload.ts';

const WRITER = join(dirname(fileURLToPath(import.meta.url)), 'writer-process.ts');
/** Kills of writers of one journal, one after the other. */
const KILLS_PER_JOURNAL = 10;
const EVENTS = 600;
/** Where writers of one journal are killed, in turn. */
const KINDS = ['inside', 'unsynced', 'inside', 'unsynced', 'time'] as const;
/** Share of the kills that has to leave a part of a frame, and to fall between a write and its sync. */
const AIMED_MIN = 0.3;
const BOOT_ID = '0123456789abcdef0123456789abcdef';

/** How one writer runs, and where it waits for its end; all drawn from a seed. */
export interface KillPlan {
  readonly seed: number;
  readonly directory: string;
  /** Seed of the session that the journal is of. */
  readonly session: number;
  readonly events: number;
  readonly bootId: string;
  readonly fsync: FsyncPolicy;
  readonly segmentBytes: number;
  readonly compress: boolean;
  /** Inside a write, between a write and its sync, or at any time. */
  readonly kind: 'inside' | 'unsynced' | 'time';
  /** Number of the place where it waits, counted from 1; with `time`, ms behind its first word. */
  readonly place: number;
}

export interface KillResult {
  kills: number;
  /** Kills that left a part of a frame; that fell between a write and its sync. */
  torn: number;
  unsynced: number;
  atAnyTime: number;
  /** Writers that were done before their end came. */
  finished: number;
  journals: number;
  acknowledged: number;
  /** Events behind the last acknowledged one that were there. */
  beyond: number;
}

/** Did enough kills fall where it matters? */
export function isWellAimed({ kills, torn, unsynced }: KillResult): boolean {
  return torn >= kills * AIMED_MIN && unsynced >= kills * AIMED_MIN;
}

export function killSummary(sum: KillResult): string {
  return [
    `${sum.torn} left a part of a frame, ${sum.unsynced} fell between a write and its sync, ${sum.atAnyTime} at any time`,
    `${sum.journals} journals, ${sum.acknowledged} events acknowledged in the end`,
    `${sum.beyond} that nobody had acknowledged were there, ${sum.finished} writers were done before`,
  ].join('; ');
}

/**
 * Kills writers of journals until so many have died, two journals at a time, and looks what each of them has left.
 * @param failed is told of each journal that failed. @param done of the sum behind each one. @returns the sum of them.
 */
export async function runKills(
  count: number,
  seed: number,
  failed: (seed: number, error: unknown) => void,
  done: (sum: KillResult) => void = () => {},
): Promise<KillResult> {
  const sum: KillResult = {
    kills: 0,
    torn: 0,
    unsynced: 0,
    atAnyTime: 0,
    finished: 0,
    journals: 0,
    acknowledged: 0,
    beyond: 0,
  };
  const root = mkdtempSync(join(tmpdir(), 'mdx-kills-'));
  let next = seed;
  const work = async (): Promise<void> => {
    while (sum.kills < count) {
      const session = next;
      next += 1;
      try {
        await runJournal(root, session, sum);
      } catch (error) {
        failed(session, error);
      }
      done(sum);
    }
  };
  try {
    await Promise.all([work(), work()]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return sum;
}

/** Writers of one journal are killed, one after the other; then the rest is written. */
async function runJournal(root: string, session: number, sum: KillResult): Promise<void> {
  const random = new Random(session);
  const directory = join(root, String(session));
  const workload = new Workload(session, EVENTS);
  sum.journals += 1;
  try {
    let acknowledged = 0;
    let before: Recovery | null = null;
    for (let life = 0; life < KILLS_PER_JOURNAL; life += 1) {
      const plan = planOf(random, KINDS[life % KINDS.length]!, session, workload.events, directory);
      const said = await killed(plan, root);
      const last = said.at(-1);
      if (last === 'e') sum.finished += 1;
      else sum.kills += 1;
      const tells = said.filter((line) => line.startsWith('a ')).map((line) => Number(line.slice(2)));
      const first = said.find((line) => line.startsWith('r '));
      if (first !== undefined && before !== null)
        assert.equal(Number(first.slice(2)), before.firstEvent + before.rows.length - 1);
      acknowledged = Math.max(acknowledged, ...tells);
      before = check(plan.directory, workload, acknowledged);
      sum.torn += before.tail === null ? 0 : 1;
      sum.unsynced += last === 'u' ? 1 : 0;
      sum.atAnyTime += plan.kind === 'time' && last !== 'e' ? 1 : 0;
      sum.beyond += Math.max(0, before.rows.length - acknowledged);
    }
    finish(directory, workload);
    const whole = check(directory, workload, workload.events);
    assert.equal(whole.tail, null);
    assert.ok(whole.segments.at(-1)!.isClosed);
    sum.acknowledged += workload.events;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function planOf(
  random: Random,
  kind: KillPlan['kind'],
  session: number,
  events: number,
  directory: string,
): KillPlan {
  const one = <T>(choices: readonly T[]): T => choices[random.below(choices.length)]!;
  return {
    seed: random.word(),
    directory,
    session,
    events,
    bootId: BOOT_ID,
    fsync: one([{ kind: 'never' }, { kind: 'batch' }, { kind: 'batch' }, { kind: 'interval', ms: 2 }]),
    segmentBytes: one([256e6, 16_000, 5000]),
    compress: one([true, false]),
    kind,
    place: 1 + random.below(kind === 'time' ? 20 : 12),
  };
}

/** Runs a writer and kills it where its plan says. @returns what it said. */
function killed(plan: KillPlan, root: string): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Most of what a writer does is to start.
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'cache') },
  });
  let text = '';
  let trouble = '';
  let timer: NodeJS.Timeout | null = null;
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    trouble += chunk;
  });
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (plan.kind === 'time') timer ??= setTimeout(() => child.kill('SIGKILL'), plan.place);
    else if (/^[iu]$/m.test(text)) child.kill('SIGKILL');
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      if (timer !== null) clearTimeout(timer);
      const lines = text.split('\n').slice(0, -1);
      if (signal === 'SIGKILL' || (code === 0 && lines.at(-1) === 'e')) done(lines);
      else fail(new Error(`the writer ended with ${code ?? signal}: ${trouble}\n${JSON.stringify(plan)}`));
    });
  });
}

/** What is on the disk is an exact beginning of the session, as long as was promised, with the books of it. */
function check(directory: string, workload: Workload, acknowledged: number): Recovery {
  const found = recover(NODE_DISK, directory, workload);
  const { firstEvent, rows, books } = found;
  const last = firstEvent + rows.length - 1;
  assert.ok(last >= acknowledged, `${acknowledged} acknowledged, ${last} there`);
  assert.deepEqual(rows, workload.rows.slice(0, last));
  assert.equal(stateOf(books), stateOf(workload.booksAt(last)));
  const verdict = verdictOf(NODE_DISK, directory, workload.rules, BOOT_ID);
  assert.match(verdict, found.tail === null ? /^(pass|torn)$/ : /^torn$/, found.tail ?? '');
  return found;
}

/** Writes the rest in this process. */
function finish(directory: string, workload: Workload): void {
  const { books } = recover(NODE_DISK, directory, workload);
  const writer = JournalWriter.open({
    disk: NODE_DISK,
    directory,
    version: '0.0.0',
    bootId: BOOT_ID,
    wallTime: () => BigInt(Date.now()) * 1_000_000n,
    now: () => performance.now(),
    fsync: { kind: 'never' },
    commitMs: 10,
    segmentBytes: 256e6,
    segmentEvents: 5e6,
    keepBytes: null,
    keepNs: null,
    compress: false,
    minFreeBytes: 0,
    tell: () => {},
  });
  writer.begin({ timeBase: 'utc', sources: [{ feed: 'x', name: 'x' }] }, journalBooks(books));
  workload.play(books, writer.found.lastEvent, workload.events, (batch, from, to) =>
    writer.append(batch, from, to),
  );
  writer.close();
  assert.equal(writer.failure, null);
  assert.equal(writer.durable, workload.events);
}
