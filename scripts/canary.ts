/*
 * Puts deliberate mistakes into a copy of the sources, one after the other, and looks whether the tests turn red;
 * where the list says so, whether the fuzzers find it within a minute, too.
 *
 *     npm run canary [-- WORD …]      only mistakes whose name or file has one of the words
 *
 * Exit 1 when a mistake stays unseen, or when its line is not in the source any more.
 */
import { spawnSync } from 'node:child_process';
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
  process.exitCode = run();
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function run(): number {
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const sound = runTests([...new Set(mutations.flatMap(({ tests }) => tests))], SOUND_MS_MAX);
  if (sound.color !== 'green') {
    print(`without any mistake the tests are ${sound.color}: ${'by' in sound ? sound.by : sound.why}`);
    return 1;
  }
  let unseen = 0;
  for (const mutation of mutations) unseen += tryMutation(mutation) ? 0 : 1;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  print(`\n${mutations.length - unseen} of ${mutations.length} mistakes seen, ${seconds} s`);
  return unseen === 0 && mutations.length > 0 ? 0 : 1;
}

/** @returns whether the mistake was seen by everything that has to see it. */
function tryMutation(mutation: Mutation): boolean {
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
    const seen = mutation.tests.length === 0 || turnsRed(mutation);
    if (mutation.tests.length === 0) print(`fuzz only  ${mutation.name}`);
    return mutation.fuzz === undefined ? seen : fuzz() && seen;
  } finally {
    writeFileSync(path, source);
  }
}

function turnsRed({ name, tests }: Mutation): boolean {
  const verdict = runTests(tests);
  if (verdict.color === 'red') print(`red        ${name}\n             by ${verdict.by}`);
  else if (verdict.color === 'green') print(`UNSEEN     ${name}`);
  else print(`BROKEN     ${name}\n             ${verdict.why}`);
  return verdict.color === 'red';
}

function runTests(files: readonly string[], msMax: number = TEST_MS_MAX): Verdict {
  if (files.length === 0) return { color: 'green' };
  const report = join(copy, REPORT);
  rmSync(report, { force: true });
  const { error } = spawnSync(
    join(ROOT, 'node_modules/.bin/vitest'),
    ['run', '--bail=1', '--reporter=json', `--outputFile=${report}`, ...files],
    {
      cwd: copy,
      stdio: 'ignore',
      timeout: msMax,
      killSignal: 'SIGKILL',
      env: { ...process.env, ...(DATA !== null && { MDX_DATA: DATA }) },
    },
  );
  if (error !== undefined) return { color: 'red', by: `a test that does not end: ${error.message}` };
  const { numFailedTests, numPassedTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  ) as TestReport;
  if (numFailedTests > 0) {
    const failed = testResults.flatMap(({ assertionResults }) => assertionResults);
    return { color: 'red', by: failed.find(({ status }) => status === 'failed')!.fullName };
  }
  const stuck = testResults.find(({ assertionResults }) => assertionResults.length === 0);
  if (stuck !== undefined) return { color: 'broken', why: stuck.message };
  return numPassedTests > 0 ? { color: 'green' } : { color: 'broken', why: 'no test ran' };
}

/** @returns whether a campaign of a minute at most finds something. */
function fuzz(): boolean {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['scripts/fuzz.ts', '--count', '2000000', '--seed', String(FUZZ_SEED)],
    {
      cwd: copy,
      encoding: 'utf8',
      timeout: FUZZ_MS_MAX,
      killSignal: 'SIGKILL',
      env: { ...process.env, ...(DATA !== null && { MDX_DATA: DATA }) },
    },
  );
  const found = /FOUND in .*/.exec(stdout ?? '');
  const seen = status === 1 && found !== null;
  print(seen ? `             fuzzers: ${found[0].replace(/:$/, '')}` : '  UNSEEN by the fuzzers');
  return seen;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
