/*
 * Second half of the build: writes what the built commands say about themselves beside them, so that help starts
 * without loading a command.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Built from '../src/cli/command-set.ts';
import { ROOT } from './generated.ts';

const built = (await import(pathToFileURL(join(ROOT, 'dist/cli/command-set.js')).href)) as typeof Built;
const file = join(ROOT, 'dist', built.DEFINITIONS_FILE);
if (existsSync(file)) rmSync(file);
writeFileSync(file, JSON.stringify(await new built.CommandSet().definitions()));
