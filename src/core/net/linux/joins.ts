import { isMulticast } from '../../capture/address.ts';
import { MdxError } from '../../errors.ts';
import type { BackendName, Subscription } from '../backend.ts';
import { findInterface, type NetworkInterface } from './interfaces.ts';
import type { Syscalls } from './syscalls.ts';
import { joinOnly, placeOf } from './udp-socket.ts';

/**
 * Memberships for backends that read packets below the IP stack: UDP sockets, one per group, that join and receive nothing.
 * They make the kernel ask the network for the groups (IGMP, MLD), and the interface let them in.
 */
export class JoinSockets {
  readonly #calls: Syscalls;
  readonly #fds: number[] = [];

  constructor(calls: Syscalls) {
    this.#calls = calls;
  }

  /** Throws MdxError. */
  join(where: string, subscriptions: readonly Subscription[], ifindex: number): void {
    for (const subscription of subscriptions) {
      const { group } = subscription;
      if (!isMulticast(group.words, group.ipVersion)) continue;
      this.#fds.push(joinOnly(this.#calls, where, subscription, ifindex));
    }
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) this.#calls.close(fd);
  }
}

/** Sorts subscriptions by interface, which these backends must be told. Throws MdxError. */
export function subscriptionsByInterface(
  calls: Syscalls,
  backend: BackendName,
  subscriptions: readonly Subscription[],
): Map<NetworkInterface, Subscription[]> {
  const byIndex = new Map<number, [NetworkInterface, Subscription[]]>();
  for (const subscription of subscriptions) {
    const { iface, port } = subscription;
    if (iface === null || port === 0) {
      throw new MdxError(
        'usage',
        `${placeOf(subscription)}: the ${backend} backend needs an interface and a port`,
        {
          hint: 'Name it: udp://GROUP:PORT?iface=eth0.',
        },
      );
    }
    const device = findInterface(calls, iface);
    const entry = byIndex.get(device.index);
    if (entry === undefined) byIndex.set(device.index, [device, [subscription]]);
    else entry[1].push(subscription);
  }
  return new Map(byIndex.values());
}
