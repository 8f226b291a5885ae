import type { ClientView } from '../../publish/client-view.ts';

export type Protocol = ClientView['protocol'];
export const PROTOCOLS: readonly Protocol[] = ['raw-v1', 'events', 'dbn', 'sse'];

/** Sums over clients that only grow, though clients come and go. */
export interface Totals {
  frames: number;
  bytes: number;
  skipped: number;
  connected: number;
}

const KEPT = ['frames', 'bytes', 'skipped'] as const;

/**
 * What all clients were sent, those that are gone included: what they had when they were seen last is kept. A client
 * that comes and goes between two looks is missed.
 */
export class ClientTotals {
  readonly #gone: Record<Protocol, Totals> = {
    'raw-v1': nothing(),
    events: nothing(),
    dbn: nothing(),
    sse: nothing(),
  };
  #seen: Map<string, ClientView> = new Map();

  /** Looks at the clients that are there. */
  note(clients: readonly ClientView[]): void {
    const now = new Map(clients.map((client) => [`${client.protocol} ${client.id}`, client]));
    for (const [key, client] of this.#seen) {
      if (!now.has(key)) add(this.#gone[client.protocol], client);
    }
    for (const [key, { protocol }] of now) {
      if (!this.#seen.has(key)) this.#gone[protocol].connected += 1;
    }
    this.#seen = now;
  }

  of(protocol: Protocol): Totals {
    const totals = { ...this.#gone[protocol] };
    for (const client of this.#seen.values()) if (client.protocol === protocol) add(totals, client);
    return totals;
  }
}

function nothing(): Totals {
  return { frames: 0, bytes: 0, skipped: 0, connected: 0 };
}

function add(totals: Totals, client: ClientView): void {
  for (const name of KEPT) totals[name] += client[name];
}
