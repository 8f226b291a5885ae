import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const MDX: string = join(ROOT, 'bin/run.js');
/** The commands of test/world/commands, through the same start sequence. */
export const FIXTURE: string = join(ROOT, 'test/world/run-commands.js');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real program with a real pipe on each end. */
export function mdx(args: readonly string[], input: Uint8Array | null = null): Promise<Finished> {
  return finished(started(args), input);
}

/** Starts the real program. */
export function started(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MDX, ...args], { env: environment() });
}

/** Starts a command of test/world/commands. */
export function fixture(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [FIXTURE, ...args], { env: environment() });
}

/** Runs a line of shell in which `$MDX` is the program and `$FIXTURE` the one with the commands for tests. */
export function shell(line: string, extra: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const env = {
    ...environment(),
    MDX: `${process.execPath} ${MDX}`,
    FIXTURE: `${process.execPath} ${FIXTURE}`,
    ...extra,
  };
  return finished(spawn('bash', ['-o', 'pipefail', '-c', line], { env }), null);
}

/** Always the sources, also where a build is present; no colours unless a test asks for them. */
export function environment(): NodeJS.ProcessEnv {
  return { ...process.env, NO_COLOR: '1', MDX_FROM_SOURCES: '1' };
}

/** Collects what a process prints until it ends. */
export function finished(child: ChildProcess, input: Uint8Array | null): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A program that leaves early closes its end of the pipe; what was not taken is then its own business.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input ?? undefined);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
}
