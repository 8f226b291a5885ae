/*
 * What is published differs from the repository in one thing: the Node that it brings for development stays out.
 * Afterwards the build goes, because a clone runs what was built in place of its sources.
 *
 *     node scripts/published.ts strip     (prepack)
 *     node scripts/published.ts restore   (postpack)
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './generated.ts';

const file = join(ROOT, 'package.json');
const saved = join(ROOT, '.package.json.saved');
// Also before a strip: an earlier one may have been interrupted.
if (existsSync(saved)) renameSync(saved, file);
if (process.argv[2] === 'strip') {
  const text = readFileSync(file, 'utf8');
  const { optionalDependencies: _, ...published } = JSON.parse(text) as Record<string, unknown>;
  writeFileSync(saved, text);
  writeFileSync(file, `${JSON.stringify(published, null, 2)}\n`);
}
if (process.argv[2] === 'restore') rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
