import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT: string = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const MDX: string = join(ROOT, 'bin/run.js');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real program with a real pipe on each end. */
export function mdx(args: readonly string[], input: Uint8Array | null = null): Promise<Finished> {
  return finished(spawn(process.execPath, [MDX, ...args], { env: environment() }), input);
}

/** Runs a line of shell in which `$MDX` is the program. */
export function shell(line: string): Promise<Finished> {
  const env = { ...environment(), MDX: `${process.execPath} ${MDX}` };
  return finished(spawn('bash', ['-o', 'pipefail', '-c', line], { env }), null);
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, NO_COLOR: '1' };
}

function finished(child: ReturnType<typeof spawn>, input: Uint8Array | null): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A program that leaves early closes its end of the pipe; what was not taken is then its own business.
  child.stdin!.on('error', () => {});
  child.stdin!.end(input ?? undefined);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}
