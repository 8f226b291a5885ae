/*
 * Puts deliberate mistakes into a copy of the sources, one after the other, and looks whether the tests turn red;
 * where the list says so, whether the fuzzers find it within a minute, too.
 *
 *     npm run canary [-- WORD …]      only mistakes whose name or file has one of the words
 *
 * Exit 1 when a mistake stays unseen, or when its line is not in the source any more.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyMutation, MUTATIONS, type Mutation } from '../test/canary/mutations.ts';
import { DATA } from '../test/world/data.ts';
import { ROOT } from './generated.ts';

const COPIED = [
  'src',
  'test',
  'proto',
  'docs',
  'scripts',
  'bin',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];
const TEST_MS_MAX = 120_000;
/** All tests that any mistake concerns, without one. */
const SOUND_MS_MAX = 1_200_000;
const FUZZ_MS_MAX = 60_000;
const FUZZ_SEED = 1;
const REPORT = 'report.json';

interface TestReport {
  readonly numFailedTests: number;
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** How the tests went: red names the first test that failed. */
type Verdict =
  | { readonly color: 'green' }
  | { readonly color: 'red'; readonly by: string }
  | { readonly color: 'broken'; readonly why: string };

const words = process.argv.slice(2).map((word) => word.toLowerCase());
const mutations = MUTATIONS.filter(({ name, file }) => {
  const text = `${name} ${file}`.toLowerCase();
  return words.length === 0 || words.some((word) => text.includes(word));
});
const copy = mkdtempSync(join(tmpdir(), 'mdx-canary-'));
const started = performance.now();
try {
  process.exitCode = await run();
} finally {
  rmSync(copy, { recursive: true, force: true });
}

async function run(): Promise<number> {
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const sound = await runTests([...new Set(mutations.flatMap(({ tests }) => tests))], SOUND_MS_MAX);
  if (sound.color !== 'green') {
    print(`without any mistake the tests are ${sound.color}: ${'by' in sound ? sound.by : sound.why}`);
    return 1;
  }
  let unseen = 0;
  for (const mutation of mutations) unseen += (await tryMutation(mutation)) ? 0 : 1;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  print(`\n${mutations.length - unseen} of ${mutations.length} mistakes seen, ${seconds} s`);
  return unseen === 0 && mutations.length > 0 ? 0 : 1;
}

/** @returns whether the mistake was seen by everything that has to see it. */
async function tryMutation(mutation: Mutation): Promise<boolean> {
  const path = join(copy, mutation.file);
  const source = readFileSync(path, 'utf8');
  let mutated: string;
  try {
    mutated = applyMutation(source, mutation);
  } catch (error) {
    print(`LINE GONE  ${(error as Error).message}`);
    return false;
  }
  writeFileSync(path, mutated);
  try {
    const seen = mutation.tests.length === 0 || (await turnsRed(mutation));
    if (mutation.tests.length === 0) print(`fuzz only  ${mutation.name}`);
    return mutation.fuzz === undefined ? seen : (await fuzz()) && seen;
  } finally {
    writeFileSync(path, source);
  }
}

async function turnsRed({ name, tests }: Mutation): Promise<boolean> {
  const verdict = await runTests(tests);
  if (verdict.color === 'red') print(`red        ${name}\n             by ${verdict.by}`);
  else if (verdict.color === 'green') print(`UNSEEN     ${name}`);
  else print(`BROKEN     ${name}\n             ${verdict.why}`);
  return verdict.color === 'red';
}

async function runTests(files: readonly string[], msMax: number = TEST_MS_MAX): Promise<Verdict> {
  if (files.length === 0) return { color: 'green' };
  const report = join(copy, REPORT);
  rmSync(report, { force: true });
  const vitest = join(ROOT, 'node_modules/.bin/vitest');
  const options = ['run', '--bail=1', '--reporter=json', `--outputFile=${report}`];
  const { ended, status } = await runAlone(vitest, [...options, ...files], msMax);
  if (!ended) return { color: 'red', by: 'a test that does not end' };
  const { numFailedTests, numPassedTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  ) as TestReport;
  if (numFailedTests > 0) {
    const failed = testResults.flatMap(({ assertionResults }) => assertionResults);
    return { color: 'red', by: failed.find(({ status }) => status === 'failed')!.fullName };
  }
  const stuck = testResults.find(({ assertionResults }) => assertionResults.length === 0);
  if (stuck !== undefined) return { color: 'broken', why: stuck.message };
  if (status !== 0) return { color: 'red', by: 'a test that ends its process' };
  return numPassedTests > 0 ? { color: 'green' } : { color: 'broken', why: 'no test ran' };
}

/** @returns whether a campaign of a minute at most finds something. */
async function fuzz(): Promise<boolean> {
  const campaign = ['scripts/fuzz.ts', '--count', '2000000', '--seed', String(FUZZ_SEED)];
  const { status, stdout } = await runAlone(process.execPath, campaign, FUZZ_MS_MAX);
  const found = /FOUND in .*/.exec(stdout);
  const seen = status === 1 && found !== null;
  print(seen ? `             fuzzers: ${found[0].replace(/:$/, '')}` : '  UNSEEN by the fuzzers');
  return seen;
}

/** Runs it in the copy, so long at most, and ends whatever it has started and left behind. */
async function runAlone(
  command: string,
  args: readonly string[],
  msMax: number,
): Promise<{ readonly ended: boolean; readonly status: number | null; readonly stdout: string }> {
  const child = spawn(command, args, {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
    env: { ...process.env, ...(DATA !== null && { MDX_DATA: DATA }) },
  });
  const endAll = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  };
  let stdout = '';
  let ended = true;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const timer = setTimeout(() => {
    ended = false;
    endAll();
  }, msMax);
  const closed = once(child, 'close');
  const [status] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  endAll();
  await closed;
  return { ended, status, stdout };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
