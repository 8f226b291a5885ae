import { join } from 'node:path';
import { MdxError } from '../errors.ts';
import type { Disk } from '../journal/disk.ts';
import { FRAME_HEADER_BYTES, getU64, isFrame } from '../journal/frame.ts';
import { type RunResult, run } from './run.ts';
import type { RunOptions } from './run-options.ts';

/** What was found in a directory of snapshots. */
export interface NewestSnapshot {
  /** The newest one that is whole and its books; null where there is none. */
  readonly found: { readonly path: string; readonly result: RunResult } | null;
  /** What is wrong with those that would have been newer. */
  readonly bad: readonly { readonly path: string; readonly problem: string }[];
}

/** Reads the newest snapshot of a directory, `*.snap`, by the event that it stands behind; of a damaged one the one before. */
export async function newestSnapshot(
  disk: Disk,
  directory: string,
  options: Omit<RunOptions, 'paths'>,
): Promise<NewestSnapshot> {
  const paths = disk
    .list(directory)
    .filter((name) => name.endsWith('.snap'))
    .map((name) => join(directory, name));
  const candidates = paths.map((path) => ({ path, event: eventBehind(disk, path) }));
  // What does not tell may be the newest.
  candidates.sort((left, right) => (right.event ?? Infinity) - (left.event ?? Infinity) || 0);
  const bad: { readonly path: string; readonly problem: string }[] = [];
  for (const { path } of candidates) {
    const outcome = await read(path, options);
    if (typeof outcome !== 'string') return { found: { path, result: outcome }, bad };
    bad.push({ path, problem: outcome });
  }
  return { found: null, bad };
}

/** Number of the event behind a snapshot; null where its first bytes do not tell. */
function eventBehind(disk: Disk, path: string): number | null {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  try {
    const file = disk.open(path, 'read');
    try {
      if (file.read(header, 0) < header.length || !isFrame(header)) return null;
    } finally {
      file.close();
    }
  } catch {
    // Reading it will tell why.
    return null;
  }
  return getU64(new DataView(header.buffer), 32);
}

/** @returns what is wrong with the file as text. */
async function read(path: string, options: Omit<RunOptions, 'paths'>): Promise<RunResult | string> {
  try {
    const result = await run({ ...options, paths: [path] });
    const [damage] = result.damage;
    if (damage !== undefined) return `damaged at byte ${damage.offset}: ${damage.problem}`;
    return result.inputs[0]?.image === undefined ? 'it has no image' : result;
  } catch (error) {
    if (error instanceof MdxError) return error.message;
    throw error;
  }
}
