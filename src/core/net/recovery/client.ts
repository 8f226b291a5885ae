import { closeSync, openSync, writeSync } from 'node:fs';
import { checkOptions, parseEndpoint } from '../../config/endpoint.ts';
import { MdxError } from '../../errors.ts';
import type { TransportReader } from '../../feeds/feed.ts';
import { RecoveryCounts } from '../../merge/recovery/counts.ts';
import { Fetcher } from '../../merge/recovery/fetcher.ts';
import type { RecoverySettings } from '../../merge/recovery/settings.ts';
import type { RecoveryTimers } from '../../merge/recovery/surroundings.ts';
import { MoldRoute, type OpenRoute, TcpRoute } from './routes.ts';
import { TransportNumbers } from './transport-numbers.ts';

export interface RecoveryOptions {
  readonly settings: RecoverySettings;
  /** File that every step is appended to; null = none. */
  readonly backlog: string | null;
  /** Makes what reads the transport header of the feed, one for each channel. */
  readonly transport: () => TransportReader;
}

export interface RecoveryCallbacks {
  /** A fetched packet with numbers that were missing, perhaps with others besides; its bytes are valid during the call. */
  readonly onPacket: (channel: number, bytes: Uint8Array, offset: number, length: number) => void;
  /** These numbers will not come. */
  readonly onUnrecoverable: (
    channel: number,
    first: number,
    count: number,
    session: Uint8Array | null,
  ) => void;
}

/** Fetches what lines lost from a server. Its callbacks are never called from within its methods, but for `close`. */
export interface RecoveryClient {
  readonly endpoint: string;
  readonly settings: RecoverySettings;
  readonly counts: RecoveryCounts;
  /** Nothing is being fetched, and nothing waits to be. */
  readonly isIdle: boolean;
  /**
   * A hole was reported, or has grown: numbers that are asked for already are not asked for twice. Never blocks.
   * @param session raw id, null where the feed's sessions have none.
   */
  request(channel: number, session: Uint8Array | null, first: number, count: number): void;
  /** These numbers came from elsewhere, or were given up. Session left out: the one of the channel asked for last. */
  satisfied(channel: number, first: number, count: number, session?: Uint8Array | null): void;
  /** There is no room for more packets, and there is again: nothing is fetched between the two, and nothing is late. */
  pause(): void;
  resume(): void;
  /** Resolves when nothing is being fetched any more. */
  idle(): Promise<void>;
  /** Tells what is still missing as unrecoverable, and closes socket and backlog. */
  close(): Promise<void>;
}

/**
 * Opens the way to a server of lost packets: `tcp://HOST:PORT` (`len_seq_payload`) or `mold+udp://HOST:PORT` (MoldUDP64
 * requests). A server that cannot be reached is no error here: its ranges are told as unrecoverable. Throws MdxError
 * `usage`, and `output-failed` where the backlog cannot be opened.
 */
export function openRecoveryClient(
  text: string,
  options: RecoveryOptions,
  callbacks: RecoveryCallbacks,
): RecoveryClient {
  const route = openRoute(text);
  return new SocketRecoveryClient(text, route, options, callbacks);
}

/** Checks what a user names as a server. Throws MdxError `usage`. */
export function openRoute(text: string): OpenRoute {
  const endpoint = parseEndpoint(text);
  const isMold = endpoint?.scheme === 'mold+udp';
  if (
    endpoint === null ||
    (!isMold && endpoint.scheme !== 'tcp') ||
    endpoint.host === '' ||
    endpoint.port === 0
  ) {
    throw new MdxError(
      'usage',
      `${text}: expected a recovery server, tcp://HOST:PORT or mold+udp://HOST:PORT`,
      {
        hint: '`mdx recover-server` is one.',
      },
    );
  }
  checkOptions(endpoint, []);
  return isMold ? new MoldRoute(endpoint) : new TcpRoute(endpoint);
}

class SocketRecoveryClient implements RecoveryClient {
  readonly endpoint: string;
  readonly settings: RecoverySettings;
  readonly counts: RecoveryCounts = new RecoveryCounts();
  readonly #route: OpenRoute;
  readonly #fetcher: Fetcher;
  #backlog: number | null;
  #waiting: (() => void)[] = [];

  constructor(text: string, route: OpenRoute, options: RecoveryOptions, callbacks: RecoveryCallbacks) {
    this.endpoint = text;
    this.settings = options.settings;
    this.#route = route;
    this.#backlog = options.backlog === null ? null : openBacklog(options.backlog);
    this.#fetcher = new Fetcher({
      settings: options.settings,
      route,
      numbers: new TransportNumbers(options.transport),
      timers: SYSTEM_TIMERS,
      counts: this.counts,
      sink: {
        packet: callbacks.onPacket,
        unrecoverable: callbacks.onUnrecoverable,
        backlog: (line) => this.#write(line),
        idle: () => this.#tellIdle(),
      },
    });
    route.sink = this.#fetcher;
  }

  get isIdle(): boolean {
    return this.#fetcher.isIdle;
  }

  request(channel: number, session: Uint8Array | null, first: number, count: number): void {
    this.#fetcher.request(channel, session, first, count);
  }

  satisfied(channel: number, first: number, count: number, session: Uint8Array | null = null): void {
    this.#fetcher.satisfied(channel, session, first, count);
  }

  pause(): void {
    this.#fetcher.pause();
    this.#route.pause();
  }

  resume(): void {
    this.#route.resume();
    this.#fetcher.resume();
  }

  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async close(): Promise<void> {
    this.#fetcher.close();
    this.#route.close();
    const backlog = this.#backlog;
    this.#backlog = null;
    if (backlog !== null) closeSync(backlog);
  }

  #tellIdle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** At once: the backlog is for what happens when everything else goes wrong. A full disk must not stop the stream. */
  #write(line: string): void {
    if (this.#backlog === null) return;
    try {
      writeSync(this.#backlog, line);
    } catch {
      this.counts.backlogFailures += 1;
    }
  }
}

function openBacklog(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new MdxError('output-failed', `opening the backlog ${path}: ${code ?? message}`, { cause: error });
  }
}

/** The machine's clock. */
const SYSTEM_TIMERS: RecoveryTimers = {
  now: () => Math.round(performance.now() * 1e6),
  utc: () => `${Date.now()}000000`,
  after: (ns, run) => {
    if (ns <= 0) {
      const next = setImmediate(run);
      return () => clearImmediate(next);
    }
    // Rounded up: a timer must not come before its time. 2^31 ms are 24 days.
    const timer = setTimeout(run, Math.min(Math.ceil(ns / 1e6), 0x7fffffff));
    return () => clearTimeout(timer);
  },
};
