import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import type { EventBatch } from '../../event/batch.ts';
import { RECORD_WORDS, WORD_ID, WORD_PRICE, WORD_QUANTITY } from '../../event/record.ts';
import { itch } from '../../feeds/itch/index.ts';
import { Books } from '../../pipeline/books.ts';
import { FrameRun } from '../../publish/bus.ts';
import { EventHub } from '../../publish/events/event-hub.ts';
import { EventServer } from '../../publish/events/event-server.ts';
import { RawV1Publisher } from '../../publish/raw-v1/publisher.ts';
import { RawV1Server } from '../../publish/raw-v1/server.ts';
import { EventPublisher } from '../../serve/events/event-publisher.ts';
import { processCpuNs } from '../cpu-time.ts';
import { makeEventStream } from '../event-stream.ts';
import type { FanoutRequest } from '../fanout-clients.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { INSTRUMENTS, SEED, syntheticDictionary } from './synthetic.ts';

const LIVE = 10_000;
/** Batches between two looks at how far the clients are: their ring holds several times what two of them bring. */
const BATCHES_PER_LOOK = 16;
/** Longest stretch of work between two turns of the event loop, as where a server follows its engine. */
const TURN_MS_MAX = 4;
/** Frames that are sent to all clients together in one run, at most. */
const SENT_MAX = 4_000_000;
const FRAME_BYTES_MAX = 128;
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
export interface Sender {
  readonly server: Server;
  readonly path: string;
  /** Publishes the events of a batch. */
  publish(batch: EventBatch): void;
  flush(): void;
  /** Frames that were published so far; where several may be in one message, events. */
  readonly published: () => number;
  /** Bytes that each client has been sent so far. */
  readonly bytes: () => number;
  /** Is nothing held back for a client that has not taken what came before? */
  readonly isSettled: () => boolean;
  close(): void;
}

/** Order changes to raw-v1 clients in another process: ns of the clock for a frame that one client has. */
export function fanOut(options: WorkloadOptions, clients: number): Promise<Workload> {
  return make(options, clients, 'clock', rawV1Sender());
}

/** The same: ns of this process's CPU for a frame that is sent. */
export function fanOutCpu(options: WorkloadOptions, clients: number): Promise<Workload> {
  return make(options, clients, 'cpu', rawV1Sender());
}

/** What comes to mind first: a loop over the clients that makes the frame for each, and sends it. */
export function loopOut(options: WorkloadOptions, clients: number): Promise<Workload> {
  return make({ ...options, events: Math.min(options.events, 4000) }, clients, 'cpu', loopSender());
}

/** Events as JSON to one client: ns of the clock for an event that it has. @param batchMax events of a message. */
export function eventsOut(options: WorkloadOptions, batchMax: number): Promise<Workload> {
  return make({ ...options, events: Math.min(options.events, 400_000) }, 1, 'clock', eventSender(batchMax));
}

async function make(
  options: WorkloadOptions,
  clients: number,
  what: 'clock' | 'cpu',
  sender: Sender,
): Promise<Workload> {
  const events = Math.min(options.events, Math.floor(SENT_MAX / clients));
  const stream = makeEventStream({
    instruments: INSTRUMENTS,
    live: LIVE,
    events,
    seed: SEED,
    shape: 'touch',
  });
  for (const batch of stream.fill) sender.publish(batch);
  sender.flush();
  sender.server.listen(0, '127.0.0.1');
  await once(sender.server, 'listening');
  const readers = new Readers();
  const before = sender.bytes();
  await readers.join((sender.server.address() as AddressInfo).port, sender.path, clients);
  const settle = async (): Promise<void> => {
    for (;;) {
      const bytes = sender.bytes();
      await readers.have(bytes - before);
      if (sender.isSettled() && sender.bytes() === bytes) return;
    }
  };
  let units = 0;
  const run = async (): Promise<void> => {
    const first = sender.published();
    let turnAt = performance.now();
    let batches = 0;
    let looked = Promise.resolve();
    for (const batch of stream.steady) {
      sender.publish(batch);
      batches += 1;
      if (performance.now() - turnAt > TURN_MS_MAX) {
        sender.flush();
        await nextTurn();
        turnAt = performance.now();
      }
      if (batches % BATCHES_PER_LOOK !== 0) continue;
      // Who has what the look before was for may still be at what came since.
      sender.flush();
      await looked;
      looked = readers.have(sender.bytes() - before);
    }
    sender.flush();
    await looked;
    await settle();
    units = (sender.published() - first) * clients;
  };
  return {
    /** What the last run brought: known when it was warmed up. */
    get units() {
      return units;
    },
    bytes: null,
    note: `${clients} clients in another process, ${events} events`,
    waits: true,
    reset() {},
    run() {},
    checksum: () => null,
    async measure() {
      const cpu = processCpuNs();
      const started = process.hrtime.bigint();
      await run();
      const elapsed = Number(process.hrtime.bigint() - started);
      return what === 'clock' ? elapsed : processCpuNs() - cpu;
    },
    close() {
      readers.close();
      sender.close();
    },
  };
}

/** The clients, as they are told what to do. */
export class Readers {
  readonly #child: ChildProcess;

  constructor() {
    const file = new URL(`../fanout-clients${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    this.#child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  async join(port: number, path: string, clients: number): Promise<void> {
    this.#say({ port, path, clients });
    await once(this.#child, 'message');
  }

  /** Resolves when every client has so many bytes. */
  async have(bytes: number): Promise<void> {
    this.#say({ wanted: bytes });
    await once(this.#child, 'message');
  }

  close(): void {
    this.#child.kill();
  }

  #say(request: FanoutRequest): void {
    this.#child.send(request);
  }
}

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

export function eventSender(batchMax: number): Sender {
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

function loopSender(): Sender {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  let bytes = 0;
  let published = 0;
  const publish = (batch: EventBatch): void => {
    published += batch.count;
    for (let record = 0; record < batch.count; record += 1) {
      const at = record * RECORD_WORDS;
      bytes += 2 + 74;
      for (const client of sockets.clients) client.send(frameOf(batch, at));
    }
  };
  return {
    server,
    path: '/',
    publish,
    flush: () => {},
    published: () => published,
    bytes: () => bytes,
    isSettled: () => true,
    close() {
      for (const client of sockets.clients) client.terminate();
      server.close();
    },
  };
}

/** An add as anyone would write it. */
function frameOf({ words }: EventBatch, at: number): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES_MAX);
  frame.write('OBv1', 0);
  frame.writeUInt8(1, 4);
  frame.writeUInt16LE(100, 6);
  frame.writeBigUInt64LE(BigInt(words[at + 1]!), 12);
  frame.writeBigUInt64LE(process.hrtime.bigint(), 36);
  frame.writeUInt32LE(26, 44);
  frame.writeInt32LE(words[at + WORD_ID]!, 48);
  frame.writeInt32LE(words[at + WORD_ID + 1]!, 52);
  frame.writeInt32LE(words[at + WORD_PRICE]!, 56);
  frame.writeInt32LE(words[at + WORD_PRICE + 1]!, 60);
  frame.writeInt32LE(words[at + WORD_QUANTITY]!, 64);
  frame.writeInt32LE(words[at + WORD_QUANTITY + 1]!, 68);
  return frame.subarray(0, 74);
}
