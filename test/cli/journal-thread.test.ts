import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { segmentFiles } from '../../src/core/journal/directory.ts';
import { NODE_DISK } from '../../src/core/journal/node-disk.ts';
import { openSegmentBytes } from '../../src/core/journal/segment-bytes.ts';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { readBack } from '../core/journal/streams.ts';
import { mdx } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-live-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

/** The events of all segments, as tests write them down. */
function eventsIn(directory: string): ReturnType<typeof readBack>['events'] {
  const parts = segmentFiles(readdirSync(directory)).map((file) => {
    const segment = openSegmentBytes(NODE_DISK, directory, file);
    const bytes = new Uint8Array(segment.bytes);
    segment.read(bytes, 0);
    segment.close();
    return bytes;
  });
  const { events, problem, closed } = readBack(new Uint8Array(Buffer.concat(parts)));
  expect({ problem, closed }).toEqual({ problem: null, closed: true });
  return events;
}

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
