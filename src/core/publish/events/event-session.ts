import { CLOSE_POLICY, type WebSocketPeer } from '../websocket/peer.ts';
import { EventClient } from './event-client.ts';
import type { EventHub } from './event-hub.ts';
import { startOf } from './event-log.ts';
import { everything, RequestError } from './filter.ts';
import type { EventFraming } from './framing.ts';
import { isMissed } from './kinds.ts';
import { type EventRequest, readRequest, typeOf } from './requests.ts';
import { Subscription, type SubscriptionOptions } from './subscription.ts';

const SUBSCRIPTIONS_MAX = 64;
const RECENT_BYTES_MAX: number = 4 * 1024 * 1024;
/** Bytes of answers that may wait for a client that asks for more. */
const ANSWER_BYTES_MAX: number = 4 * 1024 * 1024;

/** What a client of the stream is told of the server. */
export interface ServerFigures {
  readonly clients: number;
  readonly ingestLag: number;
}

/** One connection of /api/ws: what the client asks for and is answered. */
export class EventSession {
  readonly peer: WebSocketPeer;
  readonly token: string | null;
  readonly connectedAt: number;
  readonly client: EventClient;
  readonly #hub: EventHub;
  readonly #figures: () => ServerFigures;
  /** What it gets as long as it has not said what it wants. */
  readonly #all: SubscriptionOptions;
  /** Subscriptions by name; '' = the one without. */
  readonly #subs: Map<string, Subscription> = new Map();
  readonly #timers: Map<Subscription, NodeJS.Timeout> = new Map();
  #statsTimer: NodeJS.Timeout | null = null;
  /** It has asked for nothing yet, so it gets everything. */
  #isFresh = true;

  constructor(
    hub: EventHub,
    peer: WebSocketPeer,
    framing: EventFraming,
    token: string | null,
    now: number,
    figures: () => ServerFigures,
  ) {
    this.#hub = hub;
    this.#all = { sub: null, filter: everything(hub.log.form.kinds), snapshot: false, conflateMs: 0 };
    this.peer = peer;
    this.token = token;
    this.connectedAt = now;
    this.#figures = figures;
    this.client = new EventClient(hub, peer, framing);
  }

  /** Says hello; from here on the client gets everything, until it says what it wants. */
  start(): void {
    const { run, log, options } = this.#hub;
    this.client.control('connected', {
      protocol: 1,
      run,
      sources: log.topics.sources().size,
      batch_max: options.batchMax,
      lag_limit: options.retainedEvents,
    });
    this.#subscribe(this.#all, null);
    this.#hub.join(this.client);
  }

  message(bytes: Buffer, isBinary: boolean): void {
    if (this.client.answerBytes > ANSWER_BYTES_MAX) {
      this.peer.close(CLOSE_POLICY, 'asks without taking the answers');
      return;
    }
    const text = isBinary ? '' : bytes.toString('utf8');
    try {
      if (isBinary) throw new RequestError('bad_json', 'requests are text messages');
      this.#answer(readRequest(text, this.#hub.log.form.kinds));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const { code, message } = error;
      this.client.control('error', { code, message, request: typeOf(text) });
    }
    this.client.pump();
  }

  end(): void {
    this.#hub.leave(this.client);
    for (const timer of this.#timers.values()) clearInterval(timer);
    if (this.#statsTimer !== null) clearInterval(this.#statsTimer);
  }

  #answer(request: EventRequest): void {
    switch (request.type) {
      case 'Subscribe':
        this.#subscribeAsked(request.options, request.resume);
        break;
      case 'Unsubscribe':
        this.#unsubscribe(request.sub);
        break;
      case 'Recent':
        this.#recent(request);
        break;
      case 'Ping':
        this.client.control('pong', { t: request.t, seq: String(this.#hub.log.lastSeq) });
        break;
      case 'Stats':
        this.#stats(request.intervalMs);
        break;
    }
  }

  #subscribeAsked(
    options: SubscriptionOptions,
    resume: { readonly run: string; readonly seq: number } | null,
  ): void {
    const { run, log } = this.#hub;
    if (resume !== null && !log.form.isNumbered) {
      throw new RequestError('bad_request', 'from: records have no numbers here; subscribe with snapshot');
    }
    if (resume !== null && resume.run !== run) {
      throw new RequestError(
        'other_run',
        `from names the run ${resume.run}; this one is ${run ?? 'not known yet'}`,
      );
    }
    if (resume !== null && resume.seq > log.lastSeq) {
      throw new RequestError('bad_request', `from names event ${resume.seq}; the last one is ${log.lastSeq}`);
    }
    if (options.sub === null || this.#isFresh) this.#removeAll();
    else this.#remove(options.sub);
    if (this.#subs.size >= SUBSCRIPTIONS_MAX) {
      throw new RequestError('too_many', `there are ${SUBSCRIPTIONS_MAX} subscriptions; end one first`);
    }
    this.#isFresh = false;
    const seq = resume === null ? log.lastSeq : resume.seq;
    const { sub, filter, snapshot, conflateMs } = options;
    this.client.control('subscribed', {
      ...(sub === null ? {} : { sub }),
      filter: filter.said,
      ...(snapshot ? { snapshot } : {}),
      ...(conflateMs > 0 ? { conflate_ms: conflateMs } : {}),
      seq: String(seq),
    });
    this.#subscribe(options, resume === null ? null : resume.seq);
  }

  #subscribe(options: SubscriptionOptions, seq: number | null): void {
    // What is at hand for the others comes first.
    this.client.pump();
    const subscription = new Subscription(options, this.#hub.log.topics, 0);
    this.#subs.set(options.sub ?? '', subscription);
    if (options.conflateMs > 0) {
      const send = (): void => {
        this.client.pump();
        this.client.sendLatest(subscription);
      };
      this.#timers.set(subscription, setInterval(send, options.conflateMs).unref());
    }
    if (seq === null) this.client.begin(subscription);
    else this.client.resume(subscription, seq);
  }

  #unsubscribe(sub: string | null): void {
    if (sub !== null && !this.#subs.has(sub)) {
      throw new RequestError('unknown_sub', `there is no subscription ${JSON.stringify(sub)}`);
    }
    if (sub === null) {
      this.#removeAll();
      this.#isFresh = true;
      const { said } = this.#all.filter;
      this.client.control('unsubscribed', { filter: said, seq: String(this.#hub.log.lastSeq) });
      this.#subscribe(this.#all, null);
      return;
    }
    this.#remove(sub);
    this.client.control('unsubscribed', { sub, seq: String(this.#hub.log.lastSeq) });
  }

  #removeAll(): void {
    for (const name of [...this.#subs.keys()]) this.#remove(name);
  }

  #remove(name: string): void {
    const subscription = this.#subs.get(name);
    if (subscription === undefined) return;
    this.#subs.delete(name);
    this.client.remove(subscription);
    clearInterval(this.#timers.get(subscription));
    this.#timers.delete(subscription);
  }

  /** The last events that are kept and wanted, the oldest first. */
  #recent({ limit, filter, answer }: EventRequest & { readonly type: 'Recent' }): void {
    const { log, options } = this.#hub;
    if (!log.form.isNumbered) {
      throw new RequestError('bad_request', `${answer}: only events that are text can be told again`);
    }
    const chooser = new Subscription({ ...this.#all, filter }, log.topics, 0);
    const wanted = Math.min(limit, options.recentEvents);
    const found: string[] = [];
    let bytes = 0;
    for (let cursor = log.next - 1; cursor >= log.oldest && found.length < wanted; cursor -= 1) {
      const chunk = log.bus.chunkAt(cursor)!;
      const index = cursor - chunk.first;
      const tag = chunk.tags[index]!;
      if (isMissed(tag) || !chooser.wants(tag)) continue;
      const text = chunk.bytes.toString('utf8', startOf(chunk, index), chunk.ends[index]! - 1);
      bytes += text.length;
      if (bytes > RECENT_BYTES_MAX) break;
      found.push(text);
    }
    this.client.control(
      answer,
      found.reverse().map((text) => JSON.parse(text) as object),
    );
  }

  #stats(intervalMs: number | null): void {
    if (this.#statsTimer !== null && intervalMs !== null) {
      clearInterval(this.#statsTimer);
      this.#statsTimer = null;
    }
    if (intervalMs === 0) return;
    const send = (): void => {
      const { log, sent, lagMax, skipped, formless } = this.#hub;
      const { clients, ingestLag } = this.#figures();
      this.client.control('stats', {
        clients,
        sources: log.topics.sources().size,
        events_in: String(log.lastSeq),
        events_out: String(sent),
        ingest_lag: ingestLag,
        broadcast_lag_max: lagMax,
        lagged_total: String(skipped),
        dropped_total: String(formless),
      });
    };
    send();
    if (intervalMs === null) return;
    const sendUnlessBehind = (): void => {
      if (this.peer.pendingBytes === 0) send();
    };
    this.#statsTimer = setInterval(sendUnlessBehind, intervalMs).unref();
  }
}
