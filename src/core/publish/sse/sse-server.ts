import type { ClientView } from '../client-view.ts';
import { EventClient, type EventPort } from '../events/event-client.ts';
import type { EventHub } from '../events/event-hub.ts';
import { filterOf } from '../events/filter.ts';
import { bitOf, type EventKind } from '../events/kinds.ts';
import { Subscription } from '../events/subscription.ts';
import { SseFraming } from './sse-framing.ts';

/** Where a stream over HTTP goes. */
export interface SseSink {
  readonly pendingBytes: number;
  /** The bytes must stay what they are until `taken` is called. */
  write(bytes: Uint8Array, taken?: () => void): void;
  end(): void;
}

/** What is streamed, by the name it has in the path. */
export const SSE_KINDS: Readonly<Record<string, EventKind>> = {
  bbo: 'bbo',
  depth: 'depth',
  trades: 'trade',
  mbo: 'mbo',
};

export interface SseRequest {
  readonly kind: EventKind;
  readonly sources: ReadonlySet<string> | null;
  readonly instruments: ReadonlySet<string> | null;
  /** `Last-Event-ID` of a client that comes back. */
  readonly lastEventId: string | null;
  readonly address: string;
  readonly token: string | null;
}

export interface SseOptions {
  readonly keepAliveMs: number;
  readonly pendingBytes: number;
}

const KEEP_ALIVE: Buffer = Buffer.from(': keep-alive\n\n');

class SsePort implements EventPort {
  isOpen = true;
  bytes = 0;
  readonly #sink: SseSink;

  constructor(sink: SseSink) {
    this.#sink = sink;
  }

  get pendingBytes(): number {
    return this.#sink.pendingBytes;
  }

  write(bytes: Buffer, taken?: () => void): void {
    this.bytes += bytes.length;
    this.#sink.write(bytes, taken);
  }
}

interface Stream {
  readonly request: SseRequest;
  readonly port: SsePort;
  readonly client: EventClient;
  readonly sink: SseSink;
  readonly connectedAt: number;
}

/** Serves streams of server-sent events from the same log as the WebSockets. */
export class SseServer {
  readonly #hub: EventHub;
  readonly #options: SseOptions;
  readonly #streams: Map<number, Stream> = new Map();
  readonly #keepAlive: NodeJS.Timeout;
  #nextId = 1;

  constructor(hub: EventHub, options: SseOptions) {
    this.#hub = hub;
    this.#options = options;
    const keepAlive = (): void => {
      for (const { port } of this.#streams.values()) if (port.pendingBytes === 0) port.write(KEEP_ALIVE);
    };
    this.#keepAlive = setInterval(keepAlive, options.keepAliveMs).unref();
  }

  /** Opens a stream: behind the event that the client had last, else with the books as they are. */
  open(request: SseRequest, sink: SseSink): { drained(): void; closed(): void } {
    const hub = this.#hub;
    const port = new SsePort(sink);
    const name = Object.keys(SSE_KINDS).find((key) => SSE_KINDS[key] === request.kind)!;
    const framing = new SseFraming(() => hub.run, name);
    const client = new EventClient(hub, port, framing, this.#options.pendingBytes);
    const { sources, instruments, kind } = request;
    const filter = filterOf({ sources, instruments, kinds: bitOf(kind) });
    const options = { sub: null, filter, snapshot: kind !== 'trade', conflateMs: 0 };
    const subscription = new Subscription(options, hub.log.topics, 0);
    hub.join(client);
    const seq = this.#resumes(request.lastEventId);
    if (seq === null) client.begin(subscription);
    else client.resume(subscription, seq);
    const id = this.#nextId;
    this.#nextId += 1;
    this.#streams.set(id, { request, port, client, sink, connectedAt: performance.now() });
    client.pump();
    return {
      drained: () => client.takeTurn(),
      closed: () => {
        port.isOpen = false;
        this.#streams.delete(id);
        hub.leave(client);
      },
    };
  }

  views(): ClientView[] {
    const now = performance.now();
    return Array.from(this.#streams, ([id, { request, port, client, connectedAt }]) => ({
      id,
      protocol: 'sse',
      address: request.address,
      token: request.token,
      connectedMs: Math.round(now - connectedAt),
      frames: client.events,
      bytes: port.bytes,
      pendingBytes: port.pendingBytes,
      lag: client.lag,
      skipped: client.skipped,
    }));
  }

  close(): void {
    clearInterval(this.#keepAlive);
    for (const { client, sink } of this.#streams.values()) {
      client.pump(true);
      sink.end();
    }
  }

  /** Number of the event to go on behind; null where the id is of another history, or none. */
  #resumes(id: string | null): number | null {
    const match = /^([0-9a-v]{1,13}|[\w:]{1,40})-(\d{1,16})$/.exec(id ?? '');
    if (match === null || match[1] !== this.#hub.run) return null;
    const seq = Number(match[2]);
    return seq <= this.#hub.log.lastSeq ? seq : null;
  }
}
