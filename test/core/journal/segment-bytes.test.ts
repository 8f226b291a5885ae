import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { segmentFiles } from '../../../src/core/journal/directory.ts';
import { NODE_DISK } from '../../../src/core/journal/node-disk.ts';
import { openSegmentBytes } from '../../../src/core/journal/segment-bytes.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mdx-segment-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a plain segment is read as it is, from any offset', () => {
  writeFileSync(join(directory, '00000001.mdxj'), Uint8Array.of(1, 2, 3, 4, 5));
  const [file] = segmentFiles(NODE_DISK.list(directory));
  const segment = openSegmentBytes(NODE_DISK, directory, file!);
  expect(segment.bytes).toBe(5);
  const into = new Uint8Array(3);
  expect([segment.read(into, 1), ...into]).toEqual([3, 2, 3, 4]);
  expect([segment.read(into, 4), into[0]]).toEqual([1, 5]);
  expect(segment.read(into, 9)).toBe(0);
  segment.close();
});
