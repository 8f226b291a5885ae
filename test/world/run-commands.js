// Runs the commands of test/world/commands through the real start sequence.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../../src/cli/main.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
await start({
  root,
  pjson,
  argv: process.argv.slice(2),
  fromSources: true,
  commands: './test/world/commands',
});
