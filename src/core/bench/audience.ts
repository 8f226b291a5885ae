import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventBatch } from '../event/batch.ts';
import { Readers } from './readers.ts';

/** What sends to all clients. */
export interface Source {
  readonly server: Server;
  readonly path: string;
  /** Sub-protocol that clients ask for; absent: none. */
  readonly protocol?: string;
  /** Publishes the events of a batch. */
  publish(batch: EventBatch): void;
  flush(): void;
  /** Bytes that each client has been sent so far. */
  readonly bytes: () => number;
  /** Is nothing held back for a client that has not taken what came before? */
  readonly isSettled: () => boolean;
}

/** Batches between two looks at how far the clients are: their ring holds several times what two of them bring. */
const BATCHES_PER_LOOK = 16;
/** Longest stretch of work between two turns of the event loop, as where a server follows its engine. */
const TURN_MS_MAX = 4;

/** Clients in another process that read what a source sends as fast as it comes. */
export class Audience {
  readonly #source: Source;
  readonly #readers: Readers = new Readers();
  /** Bytes that were sent before they came. */
  #before = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  async join(clients: number): Promise<void> {
    const { server, path, protocol, bytes } = this.#source;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#before = bytes();
    await this.#readers.join((server.address() as AddressInfo).port, path, clients, protocol);
  }

  say(text: string): void {
    this.#readers.say(text);
  }

  /** Publishes as fast as they read; resolves when they have everything. */
  async take(batches: readonly EventBatch[]): Promise<void> {
    const source = this.#source;
    let turnAt = performance.now();
    let published = 0;
    let looked = Promise.resolve();
    for (const batch of batches) {
      source.publish(batch);
      published += 1;
      if (performance.now() - turnAt > TURN_MS_MAX) {
        source.flush();
        await nextTurn();
        turnAt = performance.now();
      }
      if (published % BATCHES_PER_LOOK !== 0) continue;
      // Who has what the look before was for may still be at what came since.
      source.flush();
      await looked;
      looked = this.have(source.bytes());
    }
    source.flush();
    await looked;
    await this.#settle();
  }

  /** Resolves when they have so many of the bytes of the source. */
  have(bytes: number): Promise<void> {
    return this.#readers.have(bytes - this.#before);
  }

  async #settle(): Promise<void> {
    for (;;) {
      const bytes = this.#source.bytes();
      await this.have(bytes);
      if (this.#source.isSettled() && this.#source.bytes() === bytes) return;
    }
  }

  close(): void {
    this.#readers.close();
  }
}
