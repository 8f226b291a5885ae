import { createServer } from 'node:http';
import type { EventBatch } from '../../event/batch.ts';
import { itch } from '../../feeds/itch/index.ts';
import { Books } from '../../pipeline/books.ts';
import { FrameRun } from '../../publish/bus.ts';
import { DBN_FORM } from '../../publish/events/dbn-form.ts';
import { type EventForm, JSON_FORM } from '../../publish/events/event-form.ts';
import { EventHub, type EventHubOptions } from '../../publish/events/event-hub.ts';
import { DBN_PROTOCOL, EventServer } from '../../publish/events/event-server.ts';
import type { EventKind } from '../../publish/events/kinds.ts';
import { RawV1Publisher } from '../../publish/raw-v1/publisher.ts';
import { RawV1Server } from '../../publish/raw-v1/server.ts';
import { SseServer } from '../../publish/sse/sse-server.ts';
import { DbnEvents } from '../../serve/events/dbn-events.ts';
import type { EventDesk } from '../../serve/events/event-maker.ts';
import { EventPublisher } from '../../serve/events/event-publisher.ts';
import { OpenStream } from '../../serve/http/stream.ts';
import type { Source } from '../audience.ts';
import { syntheticDictionary } from './synthetic.ts';

const RAW_V1_PATH = '/ws?channel=obo&codec=raw-v1';
const EVENTS_PATH = '/api/ws';
const BATCH_MAX = 100;
const LIMITS = {
  heartbeatMs: 3_600_000,
  writeTimeoutMs: 60_000,
  handshakeTimeoutMs: 60_000,
  maxConnections: 4096,
  noDelay: true,
};

/** What sends frames to all clients. */
export interface Sender extends Source {
  /** Frames that were published so far; where several may be in one message, events. */
  readonly published: () => number;
  close(): void;
}

/** Order changes as raw-v1. */
export function rawV1Sender(): Sender {
  const publisher = new RawV1Publisher({ price: 'native', retainedFrames: 65_536, retainedBytes: 64 << 20 });
  const dictionary = syntheticDictionary();
  const books = new Books(itch.rules, dictionary, null, [publisher]);
  publisher.start(itch, { books, epoch: { high: 1, low: 1 }, imageEvent: 0 });
  const service = new RawV1Server(publisher, { some: false, nameOf: () => null, origins: [] }, LIMITS);
  const server = createServer(RawV1Server.httpOptions(LIMITS));
  service.attach(server);
  service.start();
  const frames = new FrameRun();
  let cursor = 0;
  let bytes = 0;
  return {
    server,
    path: RAW_V1_PATH,
    publish: (batch) => books.accept(batch),
    flush: () => publisher.flush(),
    published: () => publisher.bus.next,
    isSettled: () => true,
    bytes() {
      while (publisher.bus.run(cursor, Number.MAX_SAFE_INTEGER, frames)) {
        bytes += frames.end - frames.start;
        cursor = frames.to;
      }
      return bytes;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What sends events that are made of those of books. */
export interface EventSender extends Sender {
  readonly hub: EventHub;
}

export interface StreamSender extends EventSender {
  readonly streams: SseServer;
}

/** Events to one client, as JSON or as records of DBN. @param batchMax events of a message. */
export function eventSender(batchMax: number, form: EventForm = JSON_FORM): EventSender {
  const events = new BookEvents({ retainedEvents: 500_000, retainedBytes: 256 << 20, batchMax }, form);
  const { hub } = events;
  const isDbn = form === DBN_FORM;
  const service = new EventServer(hub, { sendTimeoutMs: 60_000, ingestLag: () => 0 }, isDbn ? hub : null);
  const server = createServer();
  server.on('upgrade', (request, socket, head) => service.upgrade(request, socket, head, null));
  return {
    hub,
    server,
    path: EVENTS_PATH,
    ...(isDbn ? { protocol: DBN_PROTOCOL } : {}),
    publish: (batch) => events.publish(batch),
    flush: () => events.flush(),
    published: () => events.published,
    bytes: () => service.views()[0]?.bytes ?? 0,
    isSettled: () => (service.views()[0]?.lag ?? 0) === 0,
    close() {
      service.close('the run is over');
      server.close();
    },
  };
}

/** Server-sent events of all books. */
export function streamSender(kind: EventKind): StreamSender {
  const events = new BookEvents({ retainedEvents: 40_000, retainedBytes: 16 << 20, batchMax: BATCH_MAX });
  const { hub } = events;
  const streams = new SseServer(hub, { keepAliveMs: 60_000, pendingBytes: 1 << 20 });
  const server = createServer(({ headers }, response) => {
    const sink = new OpenStream(response, { 'content-type': 'text/event-stream' });
    const last = headers['last-event-id'];
    const lastEventId = typeof last === 'string' ? last : null;
    const request = { kind, sources: null, instruments: null, lastEventId, address: '', token: null };
    sink.run(streams.open(request, sink), () => {});
  });
  return {
    hub,
    streams,
    server,
    path: '/',
    publish: (batch) => events.publish(batch),
    flush: () => events.flush(),
    published: () => events.published,
    bytes: () => streams.views()[0]?.bytes ?? 0,
    isSettled: () => (streams.views()[0]?.lag ?? 0) === 0,
    close() {
      streams.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Books, and the events of them for the clients of a hub. */
class BookEvents {
  readonly hub: EventHub;
  published = 0;
  readonly #publisher: EventPublisher;
  readonly #books: Books;

  constructor(limits: Omit<EventHubOptions, 'recentEvents'>, form: EventForm = JSON_FORM) {
    this.hub = new EventHub({ ...limits, recentEvents: 100 }, undefined, form);
    const making = form === DBN_FORM ? (desk: EventDesk) => new DbnEvents(desk) : undefined;
    this.#publisher = new EventPublisher(this.hub, 'bench', making);
    this.#books = new Books(itch.rules, syntheticDictionary(), null, [this.#publisher]);
    this.#publisher.start(itch, {
      books: this.#books,
      epoch: { high: 1, low: 1 },
      imageEvent: 0,
      timeBase: 'utc',
      framing: 'moldudp64',
      places: () => [],
    });
  }

  publish(batch: EventBatch): void {
    this.#books.accept(batch);
    this.published += batch.count;
  }

  flush(): void {
    this.#publisher.flush();
  }
}
