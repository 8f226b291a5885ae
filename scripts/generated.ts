import { existsSync, mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the package. */
export const ROOT: string = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Writes generated files, or with `--check` on the command line compares them with what is there and sets exit
 * code 1 where they differ.
 * @param files path below the root → content.
 * @param folder if given, other files in it are left over from earlier and go.
 */
export function settle(files: ReadonlyMap<string, string>, folder: string | null): void {
  const check = process.argv.includes('--check');
  const stale = [...files].filter(([path, content]) => contentOf(path) !== content).map(([path]) => path);
  const left = folder === null || !existsSync(join(ROOT, folder)) ? [] : readdirSync(join(ROOT, folder));
  const extra = left.map((name) => join(folder!, name)).filter((path) => !files.has(path));
  if (check) {
    for (const path of [...stale, ...extra]) process.stderr.write(`${path} is not up to date\n`);
    if (stale.length + extra.length > 0) {
      process.stderr.write(`run: node ${relative(ROOT, process.argv[1]!)}\n`);
      process.exitCode = 1;
    }
    return;
  }
  for (const path of stale) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), files.get(path)!);
  }
  for (const path of extra) unlinkSync(join(ROOT, path));
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}

function contentOf(path: string): string | null {
  return existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : null;
}
