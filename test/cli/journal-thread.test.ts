import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { segmentFiles } from '../../src/core/journal/directory.ts';
import { NODE_DISK } from '../../src/core/journal/node-disk.ts';
import { openSegmentBytes } from '../../src/core/journal/segment-bytes.ts';
import { readDurableOf } from '../../src/core/journal/verify.ts';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { readBack } from '../core/journal/streams.ts';
import { finished, mdx, started } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-live-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

/** Resolves when a journal has promised an event. */
async function promises(directory: string): Promise<void> {
  for await (const _ of watch(directory)) if ((readDurableOf(NODE_DISK, directory)?.event ?? 0) > 0) return;
}

/** What all segments hold, as tests write it down. */
function readSegments(directory: string): ReturnType<typeof readBack> {
  const parts = segmentFiles(readdirSync(directory)).map((file) => {
    const segment = openSegmentBytes(NODE_DISK, directory, file);
    const bytes = new Uint8Array(segment.bytes);
    segment.read(bytes, 0);
    segment.close();
    return bytes;
  });
  return readBack(new Uint8Array(Buffer.concat(parts)));
}

/** The events of a journal that was closed. */
function eventsIn(directory: string): ReturnType<typeof readBack>['events'] {
  const { events, problem, closed } = readSegments(directory);
  expect({ problem, closed }).toEqual({ problem: null, closed: true });
  return events;
}

it('a journal whose directory goes away says so, and ends', async () => {
  const capture = at('gone.pcap');
  const made = await mdx(['simulate', '--messages', '12000', '-o', capture, '-q']);
  expect(made.code).toBe(0);
  const bytes = readFileSync(capture);
  const directory = `${at('gone')}/`;
  mkdirSync(directory);
  const hasPromised = promises(directory);
  const flags = ['--segment-events', '500', '--fsync', 'batch', '--json', '-q'];
  const child = started(['replay', '-', '-o', directory, ...flags]);
  // It may end before it has taken everything.
  child.stdin!.on('error', () => {});
  child.stdin!.write(bytes.subarray(0, bytes.length >> 1));
  await hasPromised;
  renameSync(directory, at('elsewhere'));
  const { code, stdout } = await finished(child, bytes.subarray(bytes.length >> 1));
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({
    error: {
      code: 'journal-failed',
      message: expect.stringMatching(/^writing the journal .*gone\/: (its lock is gone|ENOENT: )/),
    },
  });
  // What was promised before is where the directory is now.
  const { events } = readSegments(at('elsewhere'));
  const durable = readDurableOf(NODE_DISK, at('elsewhere'))!;
  expect(durable.event).toBeGreaterThan(0);
  expect(events.length).toBeGreaterThanOrEqual(durable.event);
});

it('a pipe is written on a thread of its own, and the journal has what that of a file has', async () => {
  const capture = at('session.pcap');
  const made = await mdx(['simulate', '--messages', '12000', '--loss', '0.01', '-o', capture, '-q']);
  expect(made.code).toBe(0);
  const report = async (name: string, input: Uint8Array | null): Promise<RunReport> => {
    const from = input === null ? capture : '-';
    const flags = ['--segment-events', '5000', '--compress', '--json', '-q'];
    const { code, stdout, stderr } = await mdx(['replay', from, '-o', at(name), ...flags], input);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as RunReport;
  };
  const ofFile = await report('file/', null);
  const ofPipe = await report('pipe/', readFileSync(capture));
  expect(ofFile.output?.journal?.stalls).toBeUndefined();
  expect(ofPipe.output?.journal).toMatchObject({
    lastEvent: ofFile.output?.journal?.lastEvent,
    durableEvent: ofFile.output?.journal?.lastEvent,
    stalls: expect.any(Number),
  });
  expect(ofPipe.book.stateHash).toBe(ofFile.book.stateHash);
  expect(eventsIn(at('pipe'))).toEqual(eventsIn(at('file')));
  expect(
    readdirSync(at('pipe')).filter((name) => !/^(\d{8}\.mdxj\.zst|\d{8}\.idx|durable)$/.test(name)),
  ).toEqual([]);
});
