import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { MdxError } from '../errors.ts';
import { Syscalls } from '../net/linux/syscalls.ts';

/** Where packets are sent and received to measure receiving. */
export interface Wire {
  readonly group: string;
  readonly port: number;
  /** Interfaces that sockets are bound to. */
  readonly sendFrom: string;
  readonly receiveOn: string;
  /** What it is, for people. */
  readonly what: string;
}

const CLONE_NEWNET = 0x40000000;
const GROUP = '239.255.77.64';
const PORT = 31_064;
const NAMES: readonly string[] = ['mdx-send', 'mdx-take'];

/**
 * A cable (veth) in a network namespace that only the calling thread and the threads it starts from now on are in, and that
 * ends with them; the loopback interface where the right for it, or the program `ip`, is missing.
 */
export async function openWire(): Promise<Wire> {
  const why = await enterNamespace();
  if (why !== null) return loopback(why);
  const queues = ['numtxqueues', '1', 'numrxqueues', '1'];
  const [left, right] = NAMES as [string, string];
  ip('link', 'add', left, ...queues, 'type', 'veth', 'peer', 'name', right, ...queues);
  for (const [index, name] of NAMES.entries()) {
    // Both ends are here: what comes is from an address of our own.
    for (const [setting, value] of [
      ['ipv4', 'rp_filter', '0'],
      ['ipv4', 'accept_local', '1'],
      ['ipv6', 'disable_ipv6', '1'],
    ].map(([family, key, to]) => [`/proc/sys/net/${family}/conf/${name}/${key}`, to!] as const)) {
      set(setting, value);
    }
    ip('addr', 'add', `10.77.64.${index + 1}/24`, 'dev', name);
    ip('link', 'set', name, 'up');
  }
  ip('link', 'set', 'lo', 'up');
  set('/proc/sys/net/ipv4/conf/all/rp_filter', '0');
  return { group: GROUP, port: PORT, sendFrom: left, receiveOn: right, what: 'veth' };
}

/** @returns null, or why it cannot be. */
async function enterNamespace(): Promise<string | null> {
  try {
    ip('-V');
  } catch {
    return 'the program ip is missing';
  }
  try {
    const result = (await Syscalls.load()).unshare(CLONE_NEWNET);
    return result === 0 ? null : 'no right to make a network namespace';
  } catch (error) {
    if (error instanceof MdxError) return error.message;
    throw error;
  }
}

/** Every process has a group of its own, for on the loopback interface all of them meet. */
function loopback(why: string): Wire {
  const group = `239.255.${(process.pid >>> 8) & 255}.${process.pid & 255}`;
  const here = '127.0.0.1';
  return { group, port: PORT, sendFrom: here, receiveOn: here, what: `loopback (${why})` };
}

function set(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch (error) {
    // A kernel without IPv6 has no such settings.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
