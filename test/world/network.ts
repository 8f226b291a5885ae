import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { environment, MDX } from './real-process.ts';

/** Why hosts of a test's own cannot be made here; null = they can. */
export const noNetwork: string | null = findObstacle();

/** The two ends of a network of a test's own. */
export type Host = 'exchange' | 'desk';
export type Wire = 'a' | 'b';

/** Address of a host on a wire. */
export const ADDRESS: Readonly<Record<Host, Readonly<Record<Wire, string>>>> = {
  exchange: { a: '10.71.1.1', b: '10.71.2.1' },
  desk: { a: '10.71.1.2', b: '10.71.2.2' },
};

/** Name of a wire's interface, on both hosts. */
export const DEVICE: Readonly<Record<Wire, string>> = { a: 'line-a', b: 'line-b' };

let made = 0;

/**
 * Two hosts and two wires between them, each through a switch of its own, in network namespaces that end with the test:
 *
 *     exchange  line-a ── switch a ── line-a  desk
 *               line-b ── switch b ── line-b
 *
 * A wire is cut at its switch: neither host's configuration or carrier changes, packets just do not come.
 */
export class Network implements Disposable {
  readonly #prefix: string;
  readonly #children: ChildProcess[] = [];

  constructor() {
    made += 1;
    this.#prefix = `mdx${process.pid}n${made}`;
    try {
      for (const name of ['exchange', 'desk', 'switch']) ip('netns', 'add', this.#name(name));
      for (const host of ['exchange', 'desk'] as const) ip('-n', this.#name(host), 'link', 'set', 'lo', 'up');
      for (const wire of ['a', 'b'] as const) this.#lay(wire);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Starts mdx on a host. */
  mdx(host: Host, args: readonly string[]): ChildProcess {
    return this.run(host, [process.execPath, MDX, ...args]);
  }

  /** Starts a program on a host. */
  run(host: Host, command: readonly string[], extra: NodeJS.ProcessEnv = {}): ChildProcess {
    const env = { ...environment(), ...extra };
    const child = spawn('ip', ['netns', 'exec', this.#name(host), ...command], { env });
    this.#children.push(child);
    return child;
  }

  /** Runs a line of shell on a host, in which `$MDX` is mdx. */
  shell(host: Host, line: string): ChildProcess {
    return this.run(host, ['bash', '-o', 'pipefail', '-c', line], { MDX: `${process.execPath} ${MDX}` });
  }

  /** From now on nothing passes the wire. */
  cut(wire: Wire): void {
    this.#switchState(wire, 'disabled');
  }

  mend(wire: Wire): void {
    this.#switchState(wire, 'forwarding');
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of ['exchange', 'desk', 'switch']) {
      spawnSync('ip', ['netns', 'del', this.#name(name)]);
    }
  }

  #lay(wire: Wire): void {
    const middle = this.#name('switch');
    ip('-n', middle, 'link', 'add', `sw-${wire}`, 'type', 'bridge', 'mcast_snooping', '0');
    ip('-n', middle, 'link', 'set', `sw-${wire}`, 'up');
    for (const host of ['exchange', 'desk'] as const) {
      const port = `${host[0]}-${wire}`;
      const there = this.#name(host);
      ip(
        '-n',
        middle,
        'link',
        'add',
        'dev',
        port,
        'type',
        'veth',
        'peer',
        'name',
        DEVICE[wire],
        'netns',
        there,
      );
      ip('-n', middle, 'link', 'set', 'dev', port, 'master', `sw-${wire}`, 'up');
      ip('-n', there, 'addr', 'add', `${ADDRESS[host][wire]}/24`, 'dev', DEVICE[wire]);
      ip('-n', there, 'link', 'set', 'dev', DEVICE[wire], 'up');
    }
  }

  #switchState(wire: Wire, state: 'disabled' | 'forwarding'): void {
    const args = ['link', 'set', 'dev', `e-${wire}`, 'state', state === 'disabled' ? '0' : '3'];
    execFileSync('bridge', ['-n', this.#name('switch'), ...args]);
  }

  #name(part: string): string {
    return `${this.#prefix}${part[0]}`;
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args);
}

function findObstacle(): string | null {
  if (process.platform !== 'linux') return 'only Linux has network namespaces';
  for (const program of ['ip', 'bridge']) {
    if (spawnSync(program, ['-V']).error !== undefined) return `${program} (iproute2) is missing`;
  }
  const name = `mdx${process.pid}probe`;
  const added = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (added.status !== 0) return `no right to make a network namespace: ${added.stderr.trim()}`;
  const bridged = spawnSync('ip', ['-n', name, 'link', 'add', 'sw', 'type', 'bridge'], { encoding: 'utf8' });
  spawnSync('ip', ['netns', 'del', name]);
  return bridged.status === 0 ? null : `no switch in a namespace: ${bridged.stderr.trim()}`;
}
