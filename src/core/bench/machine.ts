import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** What absolute figures depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly kernel: string;
  readonly node: string;
}

export function machine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memory: totalmem(),
    kernel: `${type()} ${release()}`,
    node: process.versions.node,
  };
}

/** Are absolute figures of the two comparable? */
export function sameMachine(a: Machine, b: Machine): boolean {
  return a.cpu === b.cpu && a.cores === b.cores && majorOf(a.node) === majorOf(b.node);
}

/** Running jobs, averaged over the last minute; above 1 others share the cores. */
export function load(): number {
  return loadavg()[0]!;
}

/** The commit that a clone in `folder` has checked out, with `+` where files differ from it; null without git. */
export function commitOf(folder: string): string | null {
  const git = (args: readonly string[]): string | null => {
    const { status, stdout } = spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
    return status === 0 ? stdout.trim() : null;
  };
  // An installed package may lie inside of somebody else's repository.
  if (git(['rev-parse', '--show-prefix']) !== '') return null;
  const commit = git(['rev-parse', '--short=12', 'HEAD']);
  return commit === null
    ? null
    : commit + (git(['status', '--porcelain', '-uno', '--', 'src']) === '' ? '' : '+');
}

function majorOf(version: string): string {
  return version.split('.')[0]!;
}
