import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { play } from '../core/simulate/session.ts';
import { mdx } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-read-'));
afterAll(() => rmSync(folder, { recursive: true }));

const input = join(folder, 'session.pcap');
const journal = join(folder, 'journal');

beforeAll(async () => {
  writeFileSync(input, play({ seed: 4, profile: { messages: 2000, instruments: 3 } }).a);
  const made = await mdx(['replay', input, '-o', `${journal}/`, '--segment-events', '300', '-q']);
  expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
});

async function reportOf(...args: string[]): Promise<RunReport> {
  const { code, stdout, stderr } = await mdx([...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as RunReport;
}

it('a journal that mdx wrote is read as its input, and shown at any point from an image near it', async () => {
  const [direct, back] = [await reportOf('replay', input), await reportOf('replay', journal)];
  expect(back.book).toEqual(direct.book);
  expect(back.events).toEqual(direct.events);
  const there = await reportOf('book', journal, '--at', '@1500', '--orders');
  const here = await reportOf('book', input, '--at', '#1500', '--orders');
  expect([there.instruments, there.asOf, there.book]).toEqual([here.instruments, here.asOf, here.book]);
  expect(Number(there.inputs[0]!.image!.event)).toBeGreaterThan(1000);
  expect(there.events['total']).toBeLessThan(500);
  // What goes on with nothing new leaves a segment without events.
  expect((await mdx(['replay', input, '--resume', journal, '-q'])).code).toBe(0);
  const [end, newest] = [await reportOf('book', input), await reportOf('book', journal)];
  expect([newest.instruments, newest.asOf]).toEqual([end.instruments, end.asOf]);
});

it('a journal whose newest image is damaged is read from the one before, and exit code and stderr say so', async () => {
  const name = readdirSync(journal).findLast((each) => each.endsWith('.mdxj'))!;
  const path = join(journal, name);
  const bytes = readFileSync(path);
  // The first frames of a segment are its head and its dictionary.
  let image = 0;
  while (bytes[image + 16] !== 3) image += 64 + bytes.readUInt32LE(image + 8);
  const direct = await mdx(['book', input, '--format', 'csv', '--orders']);
  bytes[image + 70]! ^= 1;
  writeFileSync(path, bytes);
  const { code, stdout, stderr } = await mdx(['book', journal, '--format', 'csv', '--orders']);
  expect({ code, stdout }).toEqual({ code: 3, stdout: direct.stdout });
  expect(stderr).toContain(`${name} has no image that books can be built from; the one before is used`);
  expect(stderr).toContain(`warning: ${path}: damaged at byte ${image}: `);
});
