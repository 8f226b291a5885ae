import { EventClient, type EventPort } from '../../src/core/publish/events/event-client.ts';
import { EventHub } from '../../src/core/publish/events/event-hub.ts';
import { everything } from '../../src/core/publish/events/filter.ts';
import type { EventFraming, Pieces } from '../../src/core/publish/events/framing.ts';
import { Subscription } from '../../src/core/publish/events/subscription.ts';
import { EventPublisher } from '../../src/core/serve/events/event-publisher.ts';
import type { ToldEvent } from './event-clients.ts';

const EVENTS_MAX = 100;

/** Everything that a run tells clients who are there from the first event on and never slow. */
export class HistoryEvents {
  readonly observer: EventPublisher;
  readonly #hub: EventHub;
  readonly #client: EventClient;
  readonly #events: ToldEvent[] = [];

  constructor() {
    this.#hub = new EventHub({
      retainedEvents: 1_000_000,
      retainedBytes: 1 << 28,
      batchMax: EVENTS_MAX,
      recentEvents: 0,
    });
    this.observer = new EventPublisher(this.#hub, 'none');
    const port: EventPort = { isOpen: true, pendingBytes: 0, write: (_, taken) => taken?.() };
    const framing: EventFraming = {
      protocol: 'events',
      eventsMax: EVENTS_MAX,
      joins: false,
      room: (bytes) => bytes,
      write: (_out, at, pieces) => {
        this.#read(pieces);
        return at + 1;
      },
      control: () => Buffer.alloc(0),
    };
    this.#client = new EventClient(this.#hub, port, framing);
    const options = {
      sub: null,
      filter: everything(this.#hub.log.form.kinds),
      snapshot: false,
      conflateMs: 0,
    };
    this.#hub.join(this.#client);
    this.#client.begin(new Subscription(options, this.#hub.log.topics, 0));
  }

  /** To be asked once the run is over. */
  get events(): readonly ToldEvent[] {
    this.#client.pump();
    return this.#events;
  }

  #read({ count, sources, starts, ends }: Pieces): void {
    for (let piece = 0; piece < count; piece += 1) {
      const { buffer, byteOffset } = sources[piece]!;
      const length = ends[piece]! - 1 - starts[piece]!;
      const text = Buffer.from(buffer, byteOffset + starts[piece]!, length).toString();
      this.#events.push(JSON.parse(text) as ToldEvent);
    }
  }
}
