import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import WebSocket from 'ws';

/*
 * Clients of events as docs/events.md tells them, which go on over several connections: one of /api/ws, and one of
 * server-sent events. They keep what they were told, and know nothing of the programme.
 */

/** An event as it comes; `body` as its kind has it. */
export interface ToldEvent {
  readonly seq: string;
  readonly kind: string;
  readonly instrument: number;
  readonly body: Readonly<Record<string, string | number>>;
}

interface Stretch {
  /** Everything with a number beyond this … */
  after: number;
  /** … and up to this was to come. */
  through: number;
}

/** What a client was told: events, and of which numbers it was told that they would not come. */
class Told {
  readonly events: ToldEvent[] = [];
  readonly stretches: Stretch[] = [];
  /** Numbers that were said to be lost, and what of that did not add up. */
  skipped = 0;
  readonly faults: string[] = [];

  /** The number of which everything is here or was told. */
  get last(): number {
    return this.stretches.at(-1)?.through ?? 0;
  }

  begin(after: number): void {
    this.stretches.push({ after, through: after });
  }

  event(event: ToldEvent): void {
    const seq = Number(event.seq);
    if (seq < this.last) this.faults.push(`${seq} behind ${this.last}`);
    this.stretches.at(-1)!.through = seq;
    this.events.push(event);
  }

  /** @param total of all that this connection was told. */
  lagged(skipped: number, next: number): void {
    const first = next - skipped;
    if (first <= this.last) this.faults.push(`lost from ${first}, but ${this.last} came`);
    this.stretches.at(-1)!.through = first - 1;
    this.skipped += skipped;
    this.begin(next - 1);
  }

  /** Where this differs from what was to be told, of the kinds that `wants` takes. */
  against(history: readonly ToldEvent[], wants: (kind: string) => boolean): string[] {
    const wanted = history.filter(({ seq, kind }) => wants(kind) && this.#covers(Number(seq)));
    const found = this.events.filter(({ kind }) => wants(kind));
    const at = wanted.findIndex((event, index) => JSON.stringify(event) !== JSON.stringify(found[index]));
    const isWhole = at < 0 && wanted.length === found.length;
    const place = at < 0 ? wanted.length : at;
    return isWhole
      ? this.faults
      : [...this.faults, `expected ${JSON.stringify(wanted[place])}, found ${JSON.stringify(found[place])}`];
  }

  #covers(seq: number): boolean {
    return this.stretches.some(({ after, through }) => seq > after && seq <= through);
  }
}

interface Message {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: documents of many shapes
  readonly data: any;
}

/** A client of /api/ws that takes everything, or the kinds that it names. */
export class LastingEvents extends Told {
  readonly #url: string;
  readonly #filter: object;
  #socket: WebSocket | null = null;
  #run: string | null = null;
  #total = 0;
  #isSubscribed = false;
  #isOver = true;
  #pongs = 0;
  #wake: () => void = () => {};

  constructor(port: number, kinds: readonly string[] | null = null) {
    super();
    this.#url = `ws://127.0.0.1:${port}/api/ws`;
    this.#filter = kinds === null ? { type: 'All' } : { type: 'Sources', sources: ['*'], kinds };
  }

  /** Connects, and goes on behind what it has, or where the history is. */
  async join(): Promise<void> {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#isOver = false;
    this.#isSubscribed = false;
    this.#total = 0;
    socket.on('message', (text) => {
      this.#take(JSON.parse(String(text)) as Message);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
    await once(socket, 'open');
    const from = this.stretches.length === 0 ? {} : { from: { run: this.#run, seq: String(this.last) } };
    this.ask({ type: 'Subscribe', filter: this.#filter, ...from });
    await this.until(() => this.#isSubscribed);
  }

  ask(request: object): void {
    this.#socket!.send(JSON.stringify(request));
  }

  pause(): void {
    this.#socket!.pause();
  }

  resume(): void {
    this.#socket!.resume();
  }

  /** Resolves when this is so, or the connection is over. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when it has what was published before. */
  async caughtUp(): Promise<void> {
    const pongs = this.#pongs;
    this.ask({ type: 'Ping', t: '1' });
    await this.until(() => this.#pongs > pongs);
  }

  #take({ type, data }: Message): void {
    switch (type) {
      case 'subscribed':
        this.#isSubscribed = true;
        if (this.stretches.length === 0) this.begin(Number(data.seq));
        else if (Number(data.seq) !== this.last)
          this.faults.push(`goes on behind ${data.seq}, not ${this.last}`);
        break;
      case 'connected':
        this.#run ??= data.run;
        if (data.run !== this.#run) this.faults.push(`run ${data.run}, was ${this.#run}`);
        break;
      case 'lagged':
        this.#total += Number(data.skipped);
        if (Number(data.skipped_total) !== this.#total) {
          this.faults.push(`${data.skipped_total} lost in all, not ${this.#total}`);
        }
        this.lagged(Number(data.skipped), Number(data.next_seq));
        break;
      case 'pong':
        this.#pongs += 1;
        break;
      case 'error':
        this.faults.push(JSON.stringify(data));
        break;
      case 'event':
      case 'batch':
        // Until it has said what it wants, everything comes.
        if (this.#isSubscribed) for (const event of [data].flat() as ToldEvent[]) this.event(event);
        break;
      default:
        break;
    }
  }
}

/** A client of server-sent events of the kind mbo, with the orders that they tell. */
export class LastingStream extends Told {
  /** By order id; prices in units of 10^-9. */
  readonly orders: Map<
    string,
    { readonly instrument: number; readonly side: string; price: string; size: number }
  > = new Map();
  /** Runs of the ids that came. */
  readonly runs: Set<string> = new Set();
  readonly #url: string;
  #lastId: string | null = null;
  /** What came behind the last id: not whole yet. */
  #pending: ToldEvent[] = [];
  #ofBooks = 0;
  #isOver = true;
  #wake: () => void = () => {};

  constructor(port: number) {
    super();
    this.#url = `http://127.0.0.1:${port}/api/v1/stream/mbo`;
  }

  /** Connects, with its last id where it has one. */
  async join(): Promise<void> {
    const headers = this.#lastId === null ? {} : { 'last-event-id': this.#lastId };
    const request = get(this.#url, { headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    this.#pending = [];
    this.#ofBooks = 0;
    this.#isOver = false;
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      const parts = (text + piece).split('\n\n');
      text = parts.pop()!;
      for (const part of parts) this.#take(part);
      this.#wake();
    });
    response.on('error', () => {});
    response.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** Resolves when this is so, or the connection is over. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(part: string): void {
    const fields = new Map(part.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
    const name = fields.get('event');
    // A comment that keeps it alive.
    if (name === undefined) return;
    const data = JSON.parse(fields.get('data')!);
    if (name === 'lagged') this.lagged(Number(data.skipped), Number(data.next_seq));
    else if (name === 'snapshot') {
      this.#ofBooks = data.events;
      if (data.events === 0) this.begin(Number(data.seq));
    } else this.#pending.push(data as ToldEvent);
    const id = fields.get('id');
    if (id === undefined) return;
    this.#lastId = id;
    this.runs.add(id.split('-')[0]!);
    for (const event of this.#pending) this.#apply(event);
    this.#pending = [];
  }

  #apply(event: ToldEvent): void {
    this.#change(event);
    if (this.#ofBooks === 0) {
      this.event(event);
      return;
    }
    this.#ofBooks -= 1;
    if (this.#ofBooks === 0) this.begin(Number(event.seq));
  }

  #change({ instrument, body }: ToldEvent): void {
    const {
      action,
      side,
      price,
      size,
      order_id: id,
    } = body as Record<string, string> & { readonly size: number };
    const order = this.orders.get(id!);
    if (action === 'R') {
      for (const [key, each] of this.orders) if (each.instrument === instrument) this.orders.delete(key);
    } else if (action === 'A') this.orders.set(id!, { instrument, side: side!, price: price!, size });
    else if (action === 'M' && order !== undefined) Object.assign(order, { price, size });
    else if (action === 'C' && order !== undefined) {
      order.size -= size;
      if (order.size <= 0) this.orders.delete(id!);
    }
  }
}
