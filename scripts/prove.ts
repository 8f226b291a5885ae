/*
 * Shows what mdx does, and that it is right: makes a session at a made-up exchange, replays it, and holds the books of
 * the replay against those of the exchange; then again with packets that got lost, and for somebody who comes late.
 *
 *     npm run prove [-- PROGRAM]
 *
 * Every command stands before its output as it can be typed. PROGRAM is another mdx to prove. Exit code 1 when
 * anything differs, or a command fails.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { styleFor } from '../src/cli/style.ts';
import { table } from '../src/cli/table.ts';
import { ROOT } from './generated.ts';
import {
  type BookReport,
  type Comparison,
  compareEnd,
  compareLoss,
  compareWhole,
  type ReplayReport,
  type Truth,
} from './proof.ts';

const program = resolve(process.argv[2] ?? join(ROOT, 'bin/run.js'));
const style = styleFor('auto', process.stdout);
const folder = mkdtempSync(join(tmpdir(), 'mdx-demo-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
// A reader that leaves has seen enough.
process.stdout.on('error', () => process.exit(0));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

title('A session at a made-up exchange: 200,000 messages, packed as Nasdaq sends them');
shown(`alias mdx='node ${program}'`);
mdx('simulate --seed 42 --messages 200000 -o session.pcap --truth truth.json');

title('Its books, built from the packets');
mdx('replay session.pcap');
mdx('book session.pcap --symbol AAA --depth 5');

title('The proof: the books that the exchange itself kept');
mdx('book session.pcap --orders --json > books.json');
const isWhole = prove(compareWhole(read<Truth>('truth.json'), read<BookReport>('books.json')));

title('Packets get lost: the report names exactly what is missing');
mdx('simulate --seed 42 --messages 200000 --loss 0.01% -o lossy.pcap --truth lossy-truth.json');
mdx('replay lossy.pcap --json > lossy-report.json');
const isNamed = prove(compareLoss(read<Truth>('lossy-truth.json'), read<ReplayReport>('lossy-report.json')));

title('Who comes late to a day as Eurex sends it begins with a snapshot, and ends in the same books');
mdx('simulate --feed eobi --seed 42 --messages 30000 -o eobi.pcap --truth eobi-truth.json');
mdx('replay eobi.pcap --from 2026-01-05T14:30:00.1Z --start snapshot --json > late-report.json');
const isJoined = prove(compareEnd(read<Truth>('eobi-truth.json'), read<ReplayReport>('late-report.json')));

if (!isWhole || !isNamed || !isJoined) {
  say(style.bad('The replay differs from the truth: this is a fault of mdx.'));
  process.exit(1);
}
say(style.good('Everything is equal.'));
title('What to try next');
shown('mdx replay YOUR.pcap.zst        # pcap, pcapng, DBN, ITCH files; plain, gz or zst');
shown('mdx simulate -o - | mdx replay - --emit bbo | head -3');
shown('mdx book --help');

/** Runs mdx with these words in the folder of the demo and passes its output on, or writes it to the file after `>`. */
function mdx(line: string): void {
  shown(`mdx ${line}`);
  const [words, file] = line.split(' > ') as [string, string | undefined];
  const { status, stdout } = spawnSync(process.execPath, [program, ...words.split(' ')], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: Number.POSITIVE_INFINITY,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) {
    say(style.bad(`mdx ended with exit code ${status}.`));
    process.exit(1);
  }
  if (file === undefined) say(stdout.trimEnd());
  else writeFileSync(join(folder, file), stdout);
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;
}

/** Prints what was compared. @returns whether all of it is equal. */
function prove(comparisons: readonly Comparison[]): boolean {
  const rows = comparisons.map(({ what, truth, replay, equal }) => [
    what,
    truth,
    replay,
    equal ? style.good('equal') : style.bad('DIFFERENT'),
  ]);
  const heads = [
    { head: '' },
    { head: 'truth', align: 'right' as const },
    { head: 'replay', align: 'right' as const },
    { head: '' },
  ];
  say(table(heads, rows, style).trimEnd());
  return comparisons.every(({ equal }) => equal);
}

function title(text: string): void {
  say(`\n${style.bold(text)}`);
}

function shown(command: string): void {
  say(style.dim(`$ ${command}`));
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
