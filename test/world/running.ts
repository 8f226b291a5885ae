import type { ChildProcess } from 'node:child_process';
import type { Finished } from './real-process.ts';

interface Waiting {
  readonly pattern: RegExp;
  readonly resolve: (found: RegExpExecArray) => void;
}

/** A process that is still running: what it prints is collected, and what it says on stderr can be waited for. */
export class Running {
  readonly child: ChildProcess;
  readonly end: Promise<Finished>;
  stdout = '';
  stderr = '';
  #waiting: Waiting[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdin?.on('error', () => {});
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#look();
    });
    this.end = new Promise((resolve) => {
      child.on('close', (code, signal) =>
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }),
      );
    });
  }

  /** Resolves when it has said this on stderr; rejects when it ends before. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      this.#waiting.push({ pattern, resolve });
      this.#look();
    });
    const ended = this.end.then(({ stderr }) => {
      throw new Error(`it ended without saying ${pattern}: ${stderr}`);
    });
    return Promise.race([found, ended]);
  }

  /** Asks a merge how far it is until so many numbers were delivered. */
  async delivered(numbers: number): Promise<void> {
    for (;;) {
      const before = this.stderr.length;
      this.child.kill('SIGUSR2');
      await this.said(new RegExp(`^[\\s\\S]{${before}}merging: .* ([\\d,]+) numbers`));
      const now = [...this.stderr.matchAll(/([\d,]+) numbers/g)].at(-1)![1]!;
      if (Number(now.replaceAll(',', '')) >= numbers) return;
    }
  }

  #look(): void {
    this.#waiting = this.#waiting.filter(({ pattern, resolve }) => {
      const found = pattern.exec(this.stderr);
      if (found !== null) resolve(found);
      return found === null;
    });
  }
}
