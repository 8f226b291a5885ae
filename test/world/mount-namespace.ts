import { execFileSync } from 'node:child_process';
import { type Finished, shell } from './real-process.ts';

/** May this test mount file systems that only its own processes see? */
export function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs lines of shell where what they mount is seen by nobody else, and gone behind them. */
export function mounted(...lines: string[]): Promise<Finished> {
  return shell(`unshare -m bash -c '${lines.join('; ')}'`);
}
