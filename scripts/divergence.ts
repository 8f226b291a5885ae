/*
 * One order among millions of events is larger by one share: mdx diff has to find it, and name it.
 *
 *     npm run divergence [-- --messages 10000000] [--place 0.9] [--folder DIR]
 *
 * Makes a session, a copy with the change at that share of its messages, and compares the two; the session with itself; and
 * for the measure replays it. Needs about 60 bytes of disk and memory per message and file. Exit 1 where something else was found.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { DiffReport } from '../src/core/pipeline/diff/diff-report.ts';
import { type ChangedOrder, changeOneOrder } from '../test/world/changed-order.ts';

const MDX: string = join(resolve(dirname(fileURLToPath(import.meta.url)), '..'), 'bin/run.js');
const LOOK_MS = 50;
/** Ticks of the processor times in /proc. */
const TICKS_PER_SECOND = 100;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000000' },
    place: { type: 'string', default: '0.9' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const messages = Number(values.messages);
const place = Number(values.place);
if (!Number.isSafeInteger(messages) || messages < 1000 || !(place >= 0 && place < 1)) {
  throw new Error('--messages: a number of at least 1000; --place: a share below 1');
}

const folder: string = mkdtempSync(join(values.folder, 'mdx-divergence-'));
try {
  process.exitCode = await prove();
} finally {
  rmSync(folder, { recursive: true });
}

async function prove(): Promise<number> {
  const [a, b] = [join(folder, 'a.pcap'), join(folder, 'b.pcap')];
  await mdx('simulate', ['simulate', '--messages', String(messages), '-o', a, '-q']);
  const bytes = readFileSync(a);
  const change = changeOneOrder(bytes, Math.floor(messages * place));
  writeFileSync(b, bytes);
  const replay = await mdx('replay', ['replay', a, '--json']);
  const same = await mdx('diff, the same twice', ['diff', a, a, '--json']);
  const other = await mdx('diff, one order changed', ['diff', a, b, '--json']);
  print(
    `processor time of the same twice: ${(same.seconds / replay.seconds / 2).toFixed(2)} times that of two replays`,
  );
  const isSame = same.code === 0 && (JSON.parse(same.stdout) as DiffReport).verdict === 'equal';
  const isFound = other.code === 1 && isNamed(JSON.parse(other.stdout) as DiffReport, change);
  print(
    isFound
      ? `found: message ${change.number}, instrument ${change.instrument}, now ${change.shares} shares`
      : `not found: ${JSON.stringify(change)} in ${other.stdout}`,
  );
  return isSame && isFound ? 0 : 1;
}

/** Is it that order of that instrument after that message, and nothing else? */
function isNamed({ differences }: DiffReport, { number, instrument, shares }: ChangedOrder): boolean {
  const [first, ...others] = differences;
  if (first === undefined || others.length > 0 || first.instrument !== String(instrument)) return false;
  const { a, b } = first.group;
  const changed = first.levels?.filter(({ differs }) => differs) ?? [];
  return (
    a?.sequence === String(number) &&
    b?.sequence === String(number) &&
    changed.length === 1 &&
    changed[0]!.b?.queue?.some(({ quantity }) => quantity === String(shares)) === true
  );
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  /** Of the processor. */
  readonly seconds: number;
}

/** Runs mdx, and prints how long it took and how much memory it had at most. */
function mdx(what: string, args: readonly string[]): Promise<Ended> {
  const started = performance.now();
  const child = spawn(process.execPath, [MDX, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  let peak = 0;
  let ticks = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      ticks = Number(fields[11]) + Number(fields[12]);
    } catch {
      // It has ended, or this is no Linux: then only the time is known.
    }
  }, LOOK_MS);
  return new Promise((done) => {
    child.on('close', (code) => {
      clearInterval(timer);
      const seconds = ticks / TICKS_PER_SECOND;
      const wall = ((performance.now() - started) / 1000).toFixed(1);
      print(
        `${what}: exit ${code}, ${wall} s, ${seconds.toFixed(1)} s of processor, ${Math.round(peak / 1024)} MiB at most`,
      );
      done({ code, stdout, seconds });
    });
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
