import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

const CLONE_NEWNET = 0x40000000;
let made = 0;

/**
 * A network namespace that a test makes for itself, with its own interfaces and sysctls, and removes again. Sockets
 * that are opened `inside` belong to it for good.
 */
export class NetworkNamespace {
  readonly name: string;
  #isThere = true;

  private constructor(name: string) {
    this.name = name;
  }

  /** @returns null where the right (or `ip`) is missing: tests that need a namespace are skipped then. */
  static create(): NetworkNamespace | null {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return null;
    made += 1;
    const namespace = new NetworkNamespace(`mdx-${process.pid}-${made}`);
    try {
      ip('netns', 'add', namespace.name);
    } catch {
      return null;
    }
    // Also where no test ran, so that nothing calls `remove`.
    process.once('exit', () => namespace.remove());
    namespace.ip('link', 'set', 'lo', 'up');
    return namespace;
  }

  /** A cable with two interfaces, one queue each: 10.9.`number`.1 and .2, fd00:6d64::1 and ::2 on the first cable. */
  cable(left: string, right: string, number: number): void {
    const queues = ['numtxqueues', '1', 'numrxqueues', '1'];
    this.ip('link', 'add', left, ...queues, 'type', 'veth', 'peer', 'name', right, ...queues);
    for (const [index, device] of [left, right].entries()) {
      this.run(
        'sysctl',
        '-qw',
        `net.ipv4.conf.${device}.rp_filter=0`,
        `net.ipv4.conf.${device}.accept_local=1`,
      );
      this.run('sysctl', '-qw', `net.ipv6.conf.${device}.addr_gen_mode=1`);
      this.ip('addr', 'add', `10.9.${number}.${index + 1}/24`, 'dev', device);
      if (number === 1) this.ip('-6', 'addr', 'add', `fd00:6d64::${index + 1}/64`, 'dev', device, 'nodad');
      this.ip('link', 'set', device, 'up');
    }
  }

  ip(...words: string[]): string {
    return ip('-n', this.name, ...words);
  }

  /** Runs a command inside. @returns its output. */
  run(command: string, ...words: string[]): string {
    return ip('netns', 'exec', this.name, command, ...words);
  }

  /** Runs `work` with this thread in the namespace. */
  async inside<T>(work: () => T | Promise<T>): Promise<T> {
    const home = openSync('/proc/thread-self/ns/net', 'r');
    const there = openSync(`/run/netns/${this.name}`, 'r');
    const setns = koffi.load(null).func('int setns(int, int)');
    try {
      if (setns(there, CLONE_NEWNET) !== 0) throw new Error(`setns ${this.name} failed`);
      return await work();
    } finally {
      setns(home, CLONE_NEWNET);
      closeSync(home);
      closeSync(there);
    }
  }

  remove(): void {
    if (!this.#isThere) return;
    this.#isThere = false;
    ip('netns', 'del', this.name);
  }
}

function ip(...words: string[]): string {
  return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
