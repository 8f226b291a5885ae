import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import type { Feed } from '../../../../src/core/feeds/feed.ts';
import { FEEDS } from '../../../../src/core/feeds/registry.ts';
import { Books } from '../../../../src/core/pipeline/books.ts';
import { DBN_FORM } from '../../../../src/core/publish/events/dbn-form.ts';
import { EventHub, type EventHubOptions } from '../../../../src/core/publish/events/event-hub.ts';
import { EventServer } from '../../../../src/core/publish/events/event-server.ts';
import { DbnEvents } from '../../../../src/core/serve/events/dbn-events.ts';
import { EventPublisher } from '../../../../src/core/serve/events/event-publisher.ts';
import { batchOf, type EventInput } from '../../../world/event-builder.ts';

const OPTIONS: EventHubOptions = {
  retainedEvents: 100_000,
  retainedBytes: 1 << 24,
  batchMax: 100,
  recentEvents: 1000,
};
export const RUN = '40g2080000005';

export interface Message {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: documents of many shapes
  readonly data: any;
  readonly timestamp: string;
}

/** Two books, A and B of sources s and t, whose events are served to whoever connects. */
export class EventStage {
  readonly hub: EventHub;
  readonly server: EventServer;
  readonly publisher: EventPublisher;
  /** The same events as records of DBN. */
  readonly records: EventHub;
  readonly #recordPublisher: EventPublisher;
  readonly #books: Books;
  readonly #http = createServer();
  #event = 1;

  constructor(options: Partial<EventHubOptions> = {}, sendTimeoutMs = 60_000) {
    this.hub = new EventHub({ ...OPTIONS, ...options });
    this.records = new EventHub({ ...OPTIONS, ...options }, undefined, DBN_FORM);
    this.server = new EventServer(this.hub, { sendTimeoutMs, ingestLag: () => 0 }, this.records);
    this.publisher = new EventPublisher(this.hub, 'none');
    this.#recordPublisher = new EventPublisher(this.records, 'none', (desk) => new DbnEvents(desk));
    const feed = FEEDS.find(({ name }) => name === 'dbn') as Feed;
    const dictionary = new Dictionary();
    const key = { publisher: 1, channel: 0, priceScale: 2, quantityScale: 0 };
    dictionary.add({ ...key, source: 's', instrument: 77n, symbol: 'A' });
    dictionary.add({ ...key, source: 't', instrument: 78n, symbol: 'B' });
    this.#books = new Books(feed.rules, dictionary, null, [this.publisher, this.#recordPublisher]);
    for (const publisher of [this.publisher, this.#recordPublisher]) {
      publisher.start(feed, {
        timeBase: 'utc',
        framing: null,
        books: this.#books,
        epoch: { high: 0x40404040, low: 5 },
        imageEvent: 0,
        places: () => [],
      });
    }
    this.#http.on('upgrade', (request, socket, head) => this.server.upgrade(request, socket, head, null));
  }

  async listen(): Promise<string> {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/api/ws`;
  }

  /** Applies events, and tells clients. */
  play(events: readonly EventInput[]): void {
    const batch = batchOf(events);
    batch.firstEvent = this.#event;
    this.#event += events.length;
    this.#books.accept(batch);
    this.publisher.flush();
    this.#recordPublisher.flush();
  }

  async close(): Promise<void> {
    this.server.close('the test is over');
    const closed = once(this.#http, 'close');
    this.#http.close();
    await closed;
  }
}

/** A client that keeps what it is told. */
export class EventClientProbe {
  readonly messages: Message[] = [];
  /** Binary messages, and how many others had come before each. */
  readonly frames: { readonly bytes: Buffer; readonly behind: number }[] = [];
  readonly socket: WebSocket;
  #arrived: () => void = () => {};

  constructor(url: string, protocols: string[] = []) {
    this.socket = new WebSocket(url, protocols);
    this.socket.on('message', (data, isBinary) => {
      if (isBinary) this.frames.push({ bytes: data as Buffer, behind: this.messages.length });
      else this.messages.push(JSON.parse(String(data)) as Message);
      this.#arrived();
    });
  }

  ask(request: object | string): void {
    this.socket.send(typeof request === 'string' ? request : JSON.stringify(request));
  }

  /** Resolves with the first message that fits, also one that has come already. */
  async first(fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.messages.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  type(type: string): Promise<Message> {
    return this.first((message) => message.type === type);
  }

  /** Asks, and resolves with the next message of a type. */
  async answer(request: object | string, type: string): Promise<Message> {
    const from = this.messages.length;
    this.ask(request);
    return this.first((message) => message.type === type && this.messages.indexOf(message) >= from);
  }

  /** What a Ping is answered behind: everything that was sent before. */
  async caughtUp(): Promise<void> {
    const t = String(this.messages.length);
    this.ask({ type: 'Ping', t });
    await this.first(({ type, data }) => type === 'pong' && data.t === t);
  }

  /** Events in the order they came in, out of batches too. */
  // biome-ignore lint/suspicious/noExplicitAny: documents of many shapes
  get events(): any[] {
    return this.messages.flatMap(({ type, data }) =>
      type === 'event' ? [data] : type === 'batch' ? data : [],
    );
  }
}
