import { networkInterfaces } from 'node:os';
import { type Address, formatAddress, parseAddress } from '../../capture/address.ts';
import { MdxError } from '../../errors.ts';
import { SIOCGIFMTU } from './constants.ts';
import type { NativeMemory } from './memory.ts';
import type { Syscalls } from './syscalls.ts';

/** An interface of this network namespace. */
export interface NetworkInterface {
  readonly name: string;
  /** Its number, from 1. */
  readonly index: number;
  /** The local IPv4 address that was named, else the first one of the interface; null where it has none. */
  readonly ipv4: Address | null;
}

/**
 * Finds the interface that a user names by its name or by a local address on it.
 * Throws MdxError `interface-missing` with the ones there are.
 */
export function findInterface(calls: Syscalls, text: string): NetworkInterface {
  const address = parseAddress(text);
  const name = address === null ? text : nameOf(formatAddress(address.words, address.ipVersion));
  const index = name === null ? 0 : calls.interfaceIndex(name);
  if (name !== null && index > 0) {
    return { name, index, ipv4: address?.ipVersion === 4 ? address : firstIpv4(name) };
  }
  const known = Object.entries(networkInterfaces()).map(
    ([each, addresses]) => `${each} (${(addresses ?? []).map((one) => one.address).join(', ')})`,
  );
  throw new MdxError(
    'interface-missing',
    address === null ? `there is no interface ${text}` : `no interface has the address ${text}`,
    { hint: known.length === 0 ? 'No interface is up.' : `Up are ${known.join(', ')}.` },
  );
}

/** ifreq 40 for ioctl: name@0, what it is about @16. */
export function interfaceRequest(calls: Syscalls, name: string): NativeMemory {
  const request = calls.allocate(40);
  request.bytes.set(new TextEncoder().encode(name).subarray(0, 15));
  return request;
}

/** Largest IP packet that an interface carries. @param fd any socket. */
export function interfaceMtu(calls: Syscalls, fd: number, name: string): number {
  const request = interfaceRequest(calls, name);
  return calls.ioctl(fd, SIOCGIFMTU, request) < 0 ? 1500 : request.words[4]!;
}

function firstIpv4(name: string): Address | null {
  const found = networkInterfaces()[name]?.find(({ family }) => family === 'IPv4');
  return found === undefined ? null : parseAddress(found.address);
}

/** Name of the interface with a local address, null if none has it; all of 127.0.0.0/8 is the loopback interface's. */
function nameOf(wanted: string): string | null {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some(({ address }) => address === wanted)) return name;
  }
  return wanted.startsWith('127.') ? 'lo' : null;
}
