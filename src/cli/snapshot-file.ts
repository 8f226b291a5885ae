import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Market } from '../core/book/market.ts';
import { levelsOn } from '../core/book/view.ts';
import type { SnapshotOutput } from '../core/convert/snapshot-output.ts';
import { MdxError } from '../core/errors.ts';
import type { ImageFacts } from '../core/pipeline/image-input.ts';
import type { OutputReport } from '../core/pipeline/report.ts';
import type { RunResult } from '../core/pipeline/run.ts';

/** The flags of `mdx book` that a snapshot is written by. */
export interface SnapshotFlags {
  readonly output: string | undefined;
  readonly force: boolean;
  readonly compat: string | undefined;
  readonly symbol: string[] | undefined;
  readonly instrument: bigint[] | undefined;
}

/** What does not fit a snapshot. Throws MdxError `usage` or `output-exists`, before anything is read. */
export function checkSnapshot(flags: SnapshotFlags): string {
  const { output: path, force, compat, symbol, instrument } = flags;
  if (path === undefined || path === '-') {
    throw new MdxError('usage', 'a snapshot is a file that is there whole or not at all', {
      hint: 'Name it with -o FILE.snap.',
    });
  }
  if (compat === undefined && (symbol !== undefined || instrument !== undefined)) {
    throw new MdxError('usage', 'a snapshot is of all books, and --symbol or --instrument leaves some out', {
      hint: 'With --compat v2 it may be of some.',
    });
  }
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat !== undefined && (!force || !stat.isFile())) {
    const what = stat.isDirectory() ? 'it is a directory' : 'the file exists';
    throw new MdxError('output-exists', `writing ${path}: ${what}`, {
      hint: stat.isFile() ? 'Use --force to replace it, or another name.' : 'Name a file with -o.',
    });
  }
  return path;
}

/** Writes the books at the end of a run. */
export async function saveSnapshot(
  path: string,
  compat: string | undefined,
  result: RunResult,
  snapshot: SnapshotOutput,
  version: string,
): Promise<OutputReport> {
  const { writeWhole } = await import('../core/journal/whole-file.ts');
  const { NODE_DISK } = await import('../core/journal/node-disk.ts');
  const { writeObsnap } = await import('../core/journal/obsnap-writer.ts');
  const { markets } = result.books;
  const image: ImageFacts | null = result.inputs.find((input) => input.image !== undefined)?.image ?? null;
  const wallTime = BigInt(Date.now()) * 1_000_000n;
  const partial = `${path}.${randomBytes(4).toString('hex')}.partial`;
  writeWhole(NODE_DISK, path, partial, (sink) => {
    if (compat === 'v2') writeObsnap(sink, markets, { wallTime, cursor: null });
    else snapshot.write(sink, image, result.epoch, wallTime, version);
  });
  const written = markets.reduce((sum, market) => sum + entriesIn(market), 0);
  return { path, format: compat === 'v2' ? 'snapshot-v2' : 'snapshot', written };
}

/** Orders, and levels of books that have nothing else. */
function entriesIn(market: Market): number {
  let entries = market.orders.live;
  for (let book = 0; book < market.books; book += 1) {
    if (market.bookKind[book] === 0) continue;
    entries += levelsOn(market, book, false) + levelsOn(market, book, true);
  }
  return entries;
}
