import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServeConfig } from '../config/serve-config.ts';
import { MdxError } from '../errors.ts';
import { watchThread } from '../observe/thread-health.ts';
import { ByteRing } from '../packet/byte-ring.ts';
import { DBN_FORM } from '../publish/events/dbn-form.ts';
import { EventHub } from '../publish/events/event-hub.ts';
import { EventServer } from '../publish/events/event-server.ts';
import { SseServer } from '../publish/sse/sse-server.ts';
import { startHttp } from './api/start.ts';
import type { ServeContext } from './context.ts';
import { EngineLink } from './engine-link.ts';
import { DbnEvents } from './events/dbn-events.ts';
import { EventPublisher, runName } from './events/event-publisher.ts';
import { JournalPast } from './events/journal-past.ts';
import { streamRoute } from './events/stream-route.ts';
import { FollowedBooks } from './followed-books.ts';
import { follow } from './follower.ts';
import { type Certificate, certificateWarning, lastDay, readCertificate } from './http/certificate.ts';
import type { HttpServer } from './http/server.ts';
import { lineSpecsOf } from './line-specs.ts';
import { ServeMetrics } from './metrics/serve-metrics.ts';
import { StageProbe } from './metrics/stage-probe.ts';
import { PastFailures } from './past-failures.ts';
import { RawV1Link } from './raw-v1-link.ts';
import type { RawV1Status } from './raw-v1-plan.ts';
import type { EngineStatus } from './status.ts';

export interface ServeOptions {
  readonly version: string;
  readonly config: ServeConfig;
  /** What lets the engine in where an input is a server that asks for a token. Absent: nothing. */
  readonly token?: string | null;
  readonly tell: (level: 'info' | 'warn', text: string) => void;
}

/** Everything that `mdx serve` runs: the engine and those that follow it, started together and ended in order. */
export class Serve {
  /** Resolves when all has ended as asked; rejects with MdxError where a part has failed. */
  readonly ended: Promise<void>;
  readonly context: ServeContext;
  readonly #options: ServeOptions;
  readonly #engine: EngineLink;
  readonly #control: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  readonly #asked: Promise<void>;
  readonly #metrics: ServeMetrics;
  readonly #unwatch: () => void;
  #ask: () => void = () => {};
  /** When stopping is to be over, ms of `performance.now`; Infinity until it begins. */
  #deadline: number = Number.POSITIVE_INFINITY;
  #http: HttpServer | null = null;
  #certificate: Certificate | null = null;
  readonly #rings: readonly ByteRing[];
  /** Null: raw-v1 is not served. */
  readonly #rawV1: RawV1Link | null;
  #rawV1Addresses: readonly string[] = [];
  readonly #events: EventServer;
  readonly #streams: SseServer;

  private constructor(options: ServeOptions) {
    const { config, version, token = null, tell } = options;
    this.#options = options;
    this.#asked = new Promise((resolve) => {
      this.#ask = resolve;
    });
    const pastFailures = new PastFailures((text) => tell('warn', text));
    this.#metrics = new ServeMetrics({
      context: () => this.context,
      rawV1: () => this.rawV1,
      http: () => this.#http?.counts ?? null,
      ingestLag: () => ingestLag(),
      journalDirectory: config.journal.directory,
      pastFailures: (protocol) => pastFailures.of(protocol),
    });
    const engineSlots = this.#metrics.slotsOf('engine').memory;
    const slots = this.#metrics.slotsOf('main');
    this.#unwatch = watchThread(slots);
    const tapBytes = 2 ** Math.ceil(Math.log2(config.publishers.waitingBytes));
    const lines = lineSpecsOf(config);
    const { overload } = config.publishers;
    const main = new ByteRing(tapBytes);
    const taps = [{ name: 'main', memory: main.memory }];
    const hasRawV1 = !config.noStorage && (config.rawV1.a !== null || config.rawV1.b !== null);
    const rawV1 = new ByteRing(hasRawV1 ? tapBytes : 64);
    if (hasRawV1) taps.push({ name: 'raw-v1', memory: rawV1.memory });
    this.#rings = [main, rawV1];
    this.#rawV1 = hasRawV1
      ? new RawV1Link({ config, tap: rawV1.memory, slots: this.#metrics.slotsOf('raw-v1').memory }, tell)
      : null;
    this.#engine = new EngineLink(
      {
        version,
        config,
        lines,
        token,
        taps,
        cuts: overload === 'cut' || (overload === 'auto' && lines.length > 0),
        control: this.#control.buffer as SharedArrayBuffer,
        slots: engineSlots,
      },
      tell,
    );
    const followed = new FollowedBooks();
    const earlyRun = (): string | null => runName(BigInt(`0x0${this.#engine.status.epoch}`));
    const hub = new EventHub(config.events, earlyRun);
    const records = new EventHub(config.events, earlyRun, DBN_FORM);
    if (config.journal.directory !== null) hub.past = new JournalPast(config.journal.directory, pastFailures);
    const ingestLag = (): number => Math.max(0, this.#engine.status.lastEvent - hub.log.lastSeq);
    const { sendTimeoutMs } = config.events;
    this.#events = new EventServer(hub, { sendTimeoutMs, ingestLag }, records);
    this.#streams = new SseServer(hub, config.sse);
    const fallbackRun = randomBytes(8).readBigUInt64LE().toString(32);
    const publishers = [
      new EventPublisher(hub, fallbackRun),
      new EventPublisher(records, fallbackRun, (desk) => new DbnEvents(desk)),
    ];
    this.context = {
      version,
      startedAt: Date.now(),
      status: () => this.#engine.status,
      books: () => followed.books(),
      clients: () => [
        ...(this.#rawV1?.status.clients ?? []),
        ...this.#events.views(),
        ...this.#streams.views(),
      ],
      command: (command) => this.#engine.command(command),
    };
    const encoded = new StageProbe(slots, null, 'publish');
    const sent = new StageProbe(slots, null, 'sent');
    const following = follow(main, [encoded, followed, ...publishers, sent], () => this.#isHurried).catch(
      (error: unknown) => {
        // An engine that failed says better why.
        if (this.#engine.status.state !== 'failed') throw error;
      },
    );
    const stopped = Promise.all([this.#engine.ended, following]);
    this.ended = this.#untilEnded(stopped);
    this.ended.catch(() => {});
    void this.#hurry();
  }

  /** Rejects with MdxError where an address is taken, or may not be listened at. */
  static async start(options: ServeOptions): Promise<Serve> {
    const serve = new Serve(options);
    try {
      await serve.#listen();
    } catch (error) {
      serve.stop();
      await serve.ended.catch(() => {});
      throw error;
    }
    return serve;
  }

  get status(): EngineStatus {
    return this.#engine.status;
  }

  /** How raw-v1 is served; null: it is not. */
  get rawV1(): RawV1Status | null {
    return this.#rawV1?.status ?? null;
  }

  /** `HOST:PORT` of the raw-v1 endpoints. */
  get rawV1Addresses(): readonly string[] {
    return this.#rawV1Addresses;
  }

  /** Where HTTP is served. */
  get url(): string {
    return this.#http!.url;
  }

  /**
   * Takes over what may change while it runs: tokens, origins and limits of HTTP, and what is in the files of the
   * certificate. Throws MdxError where they cannot be used; then all stays as it was.
   */
  reload({ http, security }: ServeConfig): void {
    const certificate = readCertificate(http.tls);
    const reload = { http, security, certificate };
    this.#http?.reload(reload);
    this.#rawV1?.reload(reload);
    this.#note(certificate);
  }

  /** Takes nothing more in, ends the journal and the clients in order; `ended` tells when. */
  stop(): void {
    this.#limitStop();
    this.#ask();
    this.#engine.stop();
  }

  async #listen(): Promise<void> {
    const { config, tell } = this.#options;
    this.#http = await startHttp(config, this.context, {
      metrics: this.#metrics,
      upgrades: {
        '/api/ws': (request, socket, head, { token }) => this.#events.upgrade(request, socket, head, token),
      },
      routes: config.noStorage ? [] : [streamRoute(this.#streams)],
      onFailure: (error, what) => tell('warn', `${what}: ${(error as Error).message}`),
    });
    tell('info', `listening ${this.#http.url}`);
    this.#note(readCertificate(config.http.tls));
    this.#rawV1Addresses = (await this.#rawV1?.listening) ?? [];
    const scheme = config.http.tls === null ? 'ws' : 'wss';
    for (const address of this.#rawV1Addresses) tell('info', `listening ${scheme}://${address}`);
  }

  /** Tells of a certificate that is another one, and of one that clients refuse, or soon will. */
  #note(certificate: Certificate | null): void {
    const before = this.#certificate;
    this.#certificate = certificate;
    if (certificate === null) return;
    const { tell } = this.#options;
    if (before !== null && before.cert !== certificate.cert) {
      tell('info', `another certificate: it ends on ${lastDay(certificate)}`);
    }
    const warning = certificateWarning(certificate, Date.now());
    if (warning !== null) tell('warn', warning);
  }

  /** A part that dies takes the others with it: nothing goes on that only looks alive. */
  async #untilEnded(stopped: Promise<unknown>): Promise<void> {
    try {
      await Promise.race([stopped, this.#lateStop(), this.#rawV1Failure()]);
    } finally {
      this.#limitStop();
      // Nobody is waited for any more; where a part has failed, the engine goes, too.
      this.#letFollowersGo();
      this.#engine.stop();
      this.#engine.letGo();
      this.#events.close('the server is stopping');
      this.#streams.close();
      await this.#stopRawV1();
      await this.#http?.close(this.#leftMs);
      this.#metrics.close();
      this.#unwatch();
    }
  }

  /** Who follows has half of the time for what is in front of it; the other half is for the clients. */
  async #hurry(): Promise<void> {
    await this.#asked;
    await pause(this.#leftMs / 2, null, { ref: false });
    this.#letFollowersGo();
  }

  get #isHurried(): boolean {
    return Atomics.load(this.#control, 0) === 1;
  }

  /** The engine waits for nobody, and nothing more comes of it for those who follow. */
  #letFollowersGo(): void {
    Atomics.store(this.#control, 0, 1);
    for (const ring of this.#rings) ring.end();
  }

  /** All parts together have `shutdown.timeout`, whoever of them needs it. */
  #limitStop(): void {
    const { timeoutMs } = this.#options.config.shutdown;
    this.#deadline = Math.min(this.#deadline, performance.now() + timeoutMs);
  }

  get #leftMs(): number {
    return Math.max(0, this.#deadline - performance.now());
  }

  /** Clients have what was published, as far as they take it in time. */
  async #stopRawV1(): Promise<void> {
    const rawV1 = this.#rawV1;
    if (rawV1 === null) return;
    rawV1.stop('the server is stopping', this.#leftMs);
    await Promise.race([rawV1.ended.catch(() => {}), pause(this.#leftMs, null, { ref: false })]);
    rawV1.letGo();
  }

  /** Rejects when the thread of raw-v1 fails or dies. */
  async #rawV1Failure(): Promise<never> {
    await this.#rawV1?.ended;
    return new Promise(() => {});
  }

  /** Rejects when stopping takes longer than it may. */
  async #lateStop(): Promise<never> {
    const { timeoutMs } = this.#options.config.shutdown;
    await this.#asked;
    await pause(this.#leftMs, null, { ref: false });
    throw new MdxError('internal', `stopping took longer than ${timeoutMs} ms; what was left was given up`);
  }
}
