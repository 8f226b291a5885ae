import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatHash } from '../../src/core/binary/fnv64.ts';
import { stateHash } from '../../src/core/book/state-hash.ts';
import { LOCK_NAME, segmentName } from '../../src/core/journal/directory.ts';
import { bootId, thisMachine } from '../../src/core/journal/machine.ts';
import type { VerifyReport } from '../../src/core/journal/verify-report.ts';
import { run } from '../../src/core/pipeline/run.ts';
import { play } from '../core/simulate/session.ts';
import { type BuiltJournal, buildJournal } from '../world/journals.ts';
import { type Finished, mdx } from '../world/real-process.ts';
import { runOptions } from '../world/run-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-verify-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

let whole: BuiltJournal;
let hash = '';

beforeAll(async () => {
  const input = at('session.pcap');
  writeFileSync(input, play({ feed: 'itch', seed: 4, profile: { messages: 1200 } }).a);
  const { books } = await run(runOptions([input]));
  hash = formatHash(stateHash(books.markets[0]!).hash);
  whole = await buildJournal(at('whole'), [input], { segmentEvents: 300 });
});

/** A copy of the journal. */
function copied(name: string): string {
  cpSync(whole.directory, at(name), { recursive: true });
  return at(name);
}

/** A copy whose last segment lacks its end; what is durable ends in the one before. */
function torn(name: string): string {
  const directory = copied(name);
  const { bytes } = whole;
  truncateSync(join(directory, segmentName(bytes.length)), bytes.at(-1)! - 40);
  rmSync(join(directory, 'durable'));
  return directory;
}

function filesIn(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name)).toString('base64')]),
  );
}

const verify = (...args: readonly string[]): Promise<Finished> => mdx(['verify-journal', ...args]);

async function reportOf(
  ...args: readonly string[]
): Promise<VerifyReport & { readonly code: number | null }> {
  const { code, stdout } = await verify(...args, '--json');
  return { ...(JSON.parse(stdout) as VerifyReport), code };
}

describe('mdx verify-journal', () => {
  it('passes what is whole, in as many threads as one likes, and changes nothing', async () => {
    const before = filesIn(whole.directory);
    const snapshot = join(whole.directory, segmentName(2));
    const flags = [whole.directory, '--expect-hash', hash, '--from-snapshot', snapshot];
    const [one, three] = [await reportOf(...flags, '--jobs', '1'), await reportOf(...flags, '--jobs', '3')];
    expect({ ...three, timing: null }).toEqual({ ...one, timing: null });
    expect(one).toMatchObject({
      code: 0,
      verdict: 'pass',
      segments: whole.firstEvents.length,
      events: whole.events,
      lastEvent: String(whole.events),
      nonMonotonic: 0,
      finalHash: hash,
      expectedHash: hash,
      checks: { failed: 0 },
      restart: {
        anchored: true,
        anchor: 'event',
        anchorSequence: String(whole.firstEvents[1]),
        replayedEvents: whole.events - whole.firstEvents[1]! + 1,
        finalHash: hash,
        matched: true,
        problem: null,
      },
    });
    expect(one.checks.byName).toMatchObject({ 'expected hash': 1, restart: 1, durable: 1 });
    expect(filesIn(whole.directory)).toEqual(before);
  });

  it('fails where the books are others than was asked for', async () => {
    const { code, stdout } = await verify(whole.directory, '--expect-hash', '0x0000000000000001');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^verdict +fail/);
    expect(stdout).toContain(`expected hash  0x0000000000000001  ${hash}`);
  });

  it('warns of a torn tail, and cuts it off only when it is told to', async () => {
    const directory = torn('torn');
    const before = filesIn(directory);
    const found = await verify(directory);
    expect(found.code).toBe(0);
    expect(found.stderr).toMatch(
      /^warning: segment \d+ is torn at byte \d+: \d+ bytes were being written\n$/,
    );
    expect(await verify(directory, '--strict', '-q')).toMatchObject({ code: 1, stderr: '' });
    expect(await verify(directory, '--repair')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no terminal to ask at'),
    });
    expect(filesIn(directory)).toEqual(before);
    const repaired = await reportOf(directory, '--repair', '--yes');
    const { tornTail } = await reportOf(torn('torn-too'));
    expect(repaired).toMatchObject({ code: 0, verdict: 'pass', tornTail: null, repaired: tornTail });
    const last = segmentName(whole.bytes.length);
    const after = filesIn(directory);
    const kept = Buffer.from(before[last]!, 'base64').subarray(0, Number(tornTail!.offset));
    expect(after).toEqual({ ...before, [last]: kept.toString('base64') });
  });

  it('restarts from a snapshot of the books at any event of the journal', async () => {
    const event = whole.firstEvents[1]! + 3;
    const snapshot = at('between.snap');
    expect(await mdx(['book', whole.directory, '--at', `@${event}`, '-o', snapshot])).toMatchObject({
      code: 0,
    });
    const { restart } = await reportOf(whole.directory, '--from-snapshot', snapshot);
    expect(restart).toMatchObject({
      anchor: 'event',
      anchorSequence: String(event + 1),
      replayedEvents: whole.events - event,
      finalHash: hash,
      matched: true,
    });
  });

  it('names the first byte that is damaged, and leaves damage alone', async () => {
    const directory = copied('damaged');
    const path = join(directory, segmentName(2));
    const bytes = readFileSync(path);
    bytes[bytes.length - 100]! ^= 1;
    writeFileSync(path, bytes);
    const before = filesIn(directory);
    const found = await reportOf(
      directory,
      '--repair',
      '--yes',
      '--from-snapshot',
      join(directory, segmentName(1)),
    );
    expect(found).toMatchObject({
      code: 3,
      verdict: 'damaged',
      damage: [{ segment: 2, kind: 'sum' }],
      finalHash: hash,
      restart: { anchored: true, matched: false, problem: 'the journal is damaged behind it' },
    });
    expect(filesIn(directory)).toEqual(before);
  });

  it('reads what a living process is writing up to its last whole frame, and does not touch it', async () => {
    const directory = torn('live');
    writeFileSync(join(directory, LOCK_NAME), `${JSON.stringify(thisMachine(bootId()).self)}\n`);
    const found = await reportOf(directory, '--strict');
    expect(found).toMatchObject({ code: 0, verdict: 'pass', isBeingWritten: true });
    expect(found.tornTail).not.toBeNull();
    const { code, stderr } = await verify(directory, '--repair', '--yes');
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: expect.stringContaining(`process ${process.pid} writes it`),
    });
  });

  it('dumps frames, bad places and events as they were written', async () => {
    const directory = copied('dumped');
    const path = join(directory, segmentName(2));
    const bytes = readFileSync(path);
    const second = 64 + bytes.readUInt32LE(8);
    bytes[second + 80]! ^= 1;
    writeFileSync(path, bytes);
    const rows = async (...flags: readonly string[]): Promise<Record<string, unknown>[]> => {
      const { code, stdout } = await verify(directory, '--dump', '--format', 'ndjson', ...flags);
      expect(code).toBe(0);
      return stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    const frames = await rows();
    expect(frames[0]).toMatchObject({ segment: segmentName(1), offset: '0', type: 'segment', frame: '1' });
    const bad = frames.filter(({ problem }) => problem !== null);
    expect(bad.map(({ segment, offset }) => `${segment} ${offset}`)).toContain(`${segmentName(2)} ${second}`);
    const types = new Set(frames.map(({ type }) => type));
    expect([...types]).toEqual(expect.arrayContaining(['dictionary', 'image', 'events', 'close', 'bad']));
    const events = await rows('--range', '10..14');
    expect(events.map(({ event }) => event)).toEqual(['10', '11', '12', '13', '14']);
    expect(events[0]).toMatchObject({ kind: expect.any(String), channel: 0, sequence: '10' });
    expect(await verify(directory, '--range', '3')).toMatchObject({ code: 2 });
  });

  it('says what it cannot read', async () => {
    expect(await verify(at('nothing'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not exist'),
    });
    expect(await verify(folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no segment of a journal in it'),
    });
  });
});
