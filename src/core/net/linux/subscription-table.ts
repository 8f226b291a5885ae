import { HashIndex } from '../../binary/hash-index.ts';
import type { Datagram } from '../../packet/datagram.ts';
import type { Subscription } from '../backend.ts';

/** Finds out whether a datagram is one that was asked for, by destination, port and source. */
export class SubscriptionTable {
  readonly #subscriptions: readonly Subscription[];
  readonly #index: HashIndex;
  /** Bound to no address: every destination fits, so every one is compared. */
  readonly #any: readonly Subscription[];

  constructor(subscriptions: readonly Subscription[]) {
    this.#subscriptions = subscriptions;
    this.#index = new HashIndex(subscriptions.length);
    this.#any = subscriptions.filter(({ group }) => group.words.every((word) => word === 0));
    for (const [number, { group, port }] of subscriptions.entries()) {
      this.#index.insert(tagOf(group.words[3]!, port), number + 1);
    }
  }

  has(datagram: Datagram): boolean {
    const { destination, destinationPort } = datagram;
    const index = this.#index;
    const tag = tagOf(destination[3]!, destinationPort);
    for (let at = index.first(tag); at >= 0; at = index.next(at, tag)) {
      const subscription = this.#subscriptions[index.slotAt(at) - 1]!;
      if (
        subscription.port === destinationPort &&
        subscription.group.ipVersion === datagram.ipVersion &&
        isSame(subscription.group.words, destination) &&
        isFrom(subscription, datagram)
      ) {
        return true;
      }
    }
    return this.#any.length > 0 && this.#hasAny(datagram);
  }

  #hasAny(datagram: Datagram): boolean {
    for (const each of this.#any) {
      if (
        each.port === datagram.destinationPort &&
        each.group.ipVersion === datagram.ipVersion &&
        isFrom(each, datagram)
      ) {
        return true;
      }
    }
    return false;
  }
}

function tagOf(word: number, port: number): number {
  return (Math.imul(word, 0x9e3779b1) ^ Math.imul(port, 0x85ebca6b)) | 0;
}

function isFrom({ source }: Subscription, datagram: Datagram): boolean {
  return source === null || isSame(source.words, datagram.source);
}

function isSame(a: Int32Array, b: Int32Array): boolean {
  return a[3] === b[3] && a[2] === b[2] && a[1] === b[1] && a[0] === b[0];
}
