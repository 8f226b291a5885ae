import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ClientView } from '../client-view.ts';
import { refuseUpgrade, WebSocketDoor } from '../websocket/door.ts';
import { CLOSE_GOING_AWAY } from '../websocket/peer.ts';
import { DbnFraming } from './dbn-form.ts';
import type { EventHub } from './event-hub.ts';
import { EventSession } from './event-session.ts';
import { WebSocketFraming } from './framing.ts';

export interface EventServerOptions {
  /** A client that takes nothing for so long is closed. */
  readonly sendTimeoutMs: number;
  /** Events that have come in and were not handled yet. */
  readonly ingestLag: () => number;
}

const MESSAGE_BYTES_MAX = 65_536;
const MESSAGES_PER_SECOND = 100;
const CLOSE_MS = 1000;
/** Sub-protocols: events as text, as without one, and as records of DBN. */
const JSON_PROTOCOL = 'mdx.json.v1';
export const DBN_PROTOCOL = 'mdx.dbn.v1';
const SWEEP_MS_MIN = 10;

/** Serves events over WebSockets that are handed over to it. */
export class EventServer {
  readonly hub: EventHub;
  readonly #records: EventHub | null;
  readonly #options: EventServerOptions;
  readonly #protocols: readonly string[];
  readonly #door: WebSocketDoor;
  readonly #sessions: Map<number, EventSession> = new Map();
  readonly #sweep: NodeJS.Timeout;
  #nextId = 1;
  #closing = false;

  /** @param records the same events as records of DBN; null: they are not served. */
  constructor(hub: EventHub, options: EventServerOptions, records: EventHub | null = null) {
    this.hub = hub;
    this.#records = records;
    this.#options = options;
    const { sendTimeoutMs } = options;
    const limits = {
      messageBytes: MESSAGE_BYTES_MAX,
      messagesPerSecond: MESSAGES_PER_SECOND,
      writeMs: sendTimeoutMs,
      closeMs: CLOSE_MS,
    };
    this.#protocols = records === null ? [JSON_PROTOCOL] : [JSON_PROTOCOL, DBN_PROTOCOL];
    this.#door = new WebSocketDoor({ limits, protocols: this.#protocols });
    const sweep = (): void => {
      const now = performance.now();
      for (const { peer } of this.#sessions.values()) peer.check(now);
    };
    this.#sweep = setInterval(sweep, Math.max(SWEEP_MS_MIN, sendTimeoutMs / 4)).unref();
  }

  /** Takes a request over that may be served. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, token: string | null): void {
    const offered = request.headers['sec-websocket-protocol'];
    // Who speaks only something else would be sent JSON all the same.
    if (offered !== undefined && !offered.split(',').some((name) => this.#protocols.includes(name.trim()))) {
      const known = this.#protocols.join(' or ');
      refuseUpgrade(socket, 400, `the sub-protocol is ${known}; offer one of these, or none for JSON`);
      return;
    }
    this.#door.admit(request, socket, head, [], (peer) => {
      const figures = () => ({ clients: this.#sessions.size, ingestLag: this.#options.ingestLag() });
      const { hub } = this;
      const records = peer.protocol === DBN_PROTOCOL ? this.#records : null;
      const { batchMax } = hub.options;
      const framing = records === null ? new WebSocketFraming(batchMax) : new DbnFraming(batchMax);
      const session = new EventSession(records ?? hub, peer, framing, token, performance.now(), figures);
      const id = this.#nextId;
      this.#nextId += 1;
      this.#sessions.set(id, session);
      peer.handle({
        message: (bytes, isBinary) => session.message(bytes, isBinary),
        drained: () => session.client.takeTurn(),
        closed: () => {
          this.#sessions.delete(id);
          session.end();
        },
      });
      if (this.#closing) peer.close(CLOSE_GOING_AWAY, 'the server is stopping');
      else session.start();
    });
  }

  views(): ClientView[] {
    const now = performance.now();
    return Array.from(this.#sessions, ([id, { peer, client, token, connectedAt }]) => ({
      id,
      protocol: peer.protocol === DBN_PROTOCOL ? 'dbn' : 'events',
      address: peer.address,
      token,
      connectedMs: Math.round(now - connectedAt),
      frames: client.events,
      bytes: peer.bytes,
      pendingBytes: peer.pendingBytes,
      lag: client.lag,
      skipped: client.skipped,
    }));
  }

  /** Closes the clients with the reason, behind what was written to them. */
  close(reason: string): void {
    this.#closing = true;
    clearInterval(this.#sweep);
    for (const { peer, client } of this.#sessions.values()) {
      client.pump(true);
      peer.close(CLOSE_GOING_AWAY, reason);
    }
  }
}
