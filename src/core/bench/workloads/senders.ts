import { createServer } from 'node:http';
import { itch } from '../../feeds/itch/index.ts';
import { Books } from '../../pipeline/books.ts';
import { FrameRun } from '../../publish/bus.ts';
import { EventHub } from '../../publish/events/event-hub.ts';
import { EventServer } from '../../publish/events/event-server.ts';
import { RawV1Publisher } from '../../publish/raw-v1/publisher.ts';
import { RawV1Server } from '../../publish/raw-v1/server.ts';
import { SseServer } from '../../publish/sse/sse-server.ts';
import { EventPublisher } from '../../serve/events/event-publisher.ts';
import { OpenStream } from '../../serve/http/stream.ts';
import type { Source } from '../audience.ts';
import { syntheticDictionary } from './synthetic.ts';

const RAW_V1_PATH = '/ws?channel=obo&codec=raw-v1';
const EVENTS_PATH = '/api/ws';
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

/** Sends events as JSON to one client. */
export interface EventSender extends Sender {
  readonly hub: EventHub;
}

/** Events as JSON. @param batchMax events of a message. */
export function eventSender(batchMax: number): EventSender {
  const hub = new EventHub({
    retainedEvents: 500_000,
    retainedBytes: 256 << 20,
    recentEvents: 10_000,
    batchMax,
  });
  const events = new EventServer(hub, { sendTimeoutMs: 60_000, ingestLag: () => 0 });
  const publisher = new EventPublisher(hub, 'bench');
  const books = new Books(itch.rules, syntheticDictionary(), null, [publisher]);
  publisher.start(itch, {
    books,
    epoch: { high: 1, low: 1 },
    imageEvent: 0,
    timeBase: 'utc',
    framing: 'moldudp64',
    places: () => [],
  });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => events.upgrade(request, socket, head, null));
  let published = 0;
  return {
    hub,
    server,
    path: EVENTS_PATH,
    publish(batch) {
      books.accept(batch);
      published += batch.count;
    },
    flush: () => publisher.flush(),
    published: () => published,
    bytes: () => events.views()[0]?.bytes ?? 0,
    isSettled: () => (events.views()[0]?.lag ?? 0) === 0,
    close() {
      events.close('the run is over');
      server.close();
    },
  };
}

/** Server-sent events of all books. */
export function streamSender(): Sender {
  const hub = new EventHub({
    retainedEvents: 1000,
    retainedBytes: 1 << 20,
    recentEvents: 100,
    batchMax: 100,
  });
  const streams = new SseServer(hub, { keepAliveMs: 60_000, pendingBytes: 1 << 20 });
  const server = createServer((_request, response) => {
    const sink = new OpenStream(response, { 'content-type': 'text/event-stream' });
    const request = { kind: 'bbo' as const, sources: null, instruments: null, lastEventId: null };
    sink.run(streams.open({ ...request, address: '', token: null }, sink), () => {});
  });
  return {
    server,
    path: '/',
    publish: () => {},
    flush: () => {},
    published: () => 0,
    bytes: () => 0,
    isSettled: () => true,
    close() {
      streams.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
