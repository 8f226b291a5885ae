import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT: string = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Folder with real captures and files: `$MDX_DATA`, else `shared/data` beside the checkout; null where there is none. */
export const DATA: string | null = findData();

function findData(): string | null {
  const folder = process.env['MDX_DATA'] ?? join(ROOT, '../shared/data');
  if (existsSync(folder)) return folder;
  process.stderr.write(`no real data at ${folder}: tests that need it are skipped (set MDX_DATA)\n`);
  return null;
}

/** Path of a real file; call it only where DATA is known to exist. */
export function dataPath(...parts: string[]): string {
  if (DATA === null) throw new Error('no real data here');
  return join(DATA, ...parts);
}
