#!/usr/bin/env node
// An mdx that leaves out the end of what it reads: a proof about it has to fail.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const args = process.argv.slice(2);
if (args[0] !== 'simulate') args.push('--limit', '199000');
const { status } = spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' });
process.exit(status ?? 1);
