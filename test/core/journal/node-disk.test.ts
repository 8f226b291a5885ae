import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NODE_DISK } from '../../../src/core/journal/node-disk.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mdx-disk-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('directories are made with those above them, or it is said that they cannot be', () => {
  const path = join(directory, 'a/b/c');
  NODE_DISK.makeDirectory(path);
  NODE_DISK.makeDirectory(path);
  expect(NODE_DISK.list(join(directory, 'a/b'))).toEqual(['c']);
  NODE_DISK.open(join(directory, 'file'), 'create').close();
  expect(() => NODE_DISK.makeDirectory(join(directory, 'file'))).toThrow(/EEXIST/);
  // Nothing can be made there, which the system says as if the directory were not there.
  if (process.platform === 'linux') expect(() => NODE_DISK.makeDirectory('/proc/none/a')).toThrow(/ENOENT/);
});

test('files are made once, grow at their end, are written in place, cut and renamed', () => {
  const path = join(directory, 'a');
  expect(NODE_DISK.list(join(directory, 'none'))).toEqual([]);
  expect(() => NODE_DISK.open(path, 'modify')).toThrow(/ENOENT/);
  const file = NODE_DISK.open(path, 'create');
  expect(() => NODE_DISK.open(path, 'create')).toThrow(/EEXIST/);
  file.append(Uint8Array.of(1, 2, 3));
  file.append(Uint8Array.of(4, 5));
  file.write(Uint8Array.of(9), 1);
  file.sync();
  const into = new Uint8Array(4);
  expect([file.read(into, 2), ...into]).toEqual([3, 3, 4, 5, 0]);
  file.truncate(4);
  expect(file.bytes).toBe(4);
  file.close();
  NODE_DISK.rename(path, join(directory, 'b'));
  NODE_DISK.syncDirectory(directory);
  expect(NODE_DISK.list(directory)).toEqual(['b']);
  expect([...readFileSync(join(directory, 'b'))]).toEqual([1, 9, 3, 4]);
  expect(NODE_DISK.free(directory)).toBeGreaterThan(0);
  NODE_DISK.remove(join(directory, 'b'));
  expect(NODE_DISK.list(directory)).toEqual([]);
});
