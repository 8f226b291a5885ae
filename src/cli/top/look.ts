import { MdxError } from '../../core/errors.ts';
import { readExposition, type Series } from '../../core/observe/read-exposition.ts';

const ANSWER_MS = 5000;
const ANSWER_BYTES_MAX: number = 8 << 20;
/** Clients that are asked for: the slowest ones. */
const CLIENTS_MAX = 100;

/** What `/healthz` says. */
export interface HealthSaid {
  readonly live: boolean;
  readonly ready: boolean;
  readonly state: string;
  readonly version: string;
  readonly upMs: number;
  readonly reasons: readonly {
    readonly code: string;
    readonly subject: string;
    readonly found: string;
    readonly clearedBy: string;
  }[];
}

/** What of `/api/v1/status` is shown. */
export interface StatusSaid {
  readonly problem: string | null;
  readonly feed: string | null;
  readonly epoch: string;
  readonly lastEvent: string;
  readonly messages: number;
  readonly messagesPerSecond: number | null;
  readonly events: number;
  readonly eventsPerSecond: number | null;
  readonly sessions: number;
  readonly books: {
    readonly known: number;
    readonly orders: number;
    readonly levels: number;
    readonly stale: number;
  };
  readonly journal: {
    readonly lastEvent: string;
    readonly durableEvent: string;
    readonly segments: number;
    readonly problem: string | null;
  } | null;
  readonly taps: readonly {
    readonly name: string;
    readonly waitingBytes: number;
    readonly capacityBytes: number;
    readonly stalls: number;
    readonly cuts: number;
    readonly skippedEvents: string;
  }[];
}

/** What of `/api/v1/lines` is shown. */
export interface LinesSaid {
  readonly lines: readonly {
    readonly name: string;
    readonly backend: string;
    readonly packets: number;
    readonly packetsPerSecond: number | null;
    readonly waiting: number;
    readonly slots: number;
    readonly poolFull: number;
    readonly kernelDrops: Readonly<Record<string, number>>;
    readonly silentMs: number | null;
  }[];
  readonly channels: readonly {
    readonly channel: number;
    readonly next: string;
    readonly missing: number;
    readonly filled: number;
    readonly lost: number;
    readonly firstBy: Readonly<Record<string, number>>;
  }[];
  readonly pendingPackets: number;
}

/** What of `/api/v1/clients` is shown. */
export interface ClientsSaid {
  readonly connected: number;
  readonly clients: readonly {
    readonly id: number;
    readonly protocol: string;
    readonly address: string;
    readonly frames: number;
    readonly bytes: string;
    readonly pendingBytes: number;
    readonly lag: number;
    readonly skipped: number;
  }[];
}

/** Everything that a server says of itself at a moment. */
export interface Look {
  readonly health: HealthSaid;
  readonly status: StatusSaid;
  readonly lines: LinesSaid;
  readonly clients: ClientsSaid;
  readonly metrics: readonly Series[];
}

/** Asks a server how it is. */
export class Looker {
  readonly url: string;
  readonly #base: URL;
  readonly #headers: Record<string, string>;
  readonly #signal: AbortSignal;

  /** Throws MdxError `usage` where the URL is none of a server. @param signal ends the waiting for answers. */
  constructor(url: string, token: string | null, signal: AbortSignal) {
    this.url = url;
    this.#base = baseOf(url);
    this.#headers = token === null ? {} : { authorization: `Bearer ${token}` };
    this.#signal = signal;
  }

  /** Rejects with MdxError where there is no server, or it does not answer as one. */
  async look(): Promise<Look> {
    const [health, status, lines, clients, metrics] = await Promise.all([
      this.#document<HealthSaid>('/healthz', ['state', 'reasons']),
      this.#document<StatusSaid>('/api/v1/status', ['books', 'taps']),
      this.#document<LinesSaid>('/api/v1/lines', ['lines', 'channels']),
      this.#document<ClientsSaid>(`/api/v1/clients?limit=${CLIENTS_MAX}`, ['clients']),
      this.#text('/metrics'),
    ]);
    return { health, status, lines, clients, metrics: readExposition(metrics) };
  }

  async #document<T extends object>(path: string, keys: readonly (keyof T)[]): Promise<T> {
    const text = await this.#text(path);
    try {
      const document = JSON.parse(text) as T | null;
      if (document !== null && keys.every((key) => document[key] !== undefined)) return document;
    } catch {
      // Told below.
    }
    throw new MdxError('input-format', `asking ${this.url} for ${path}: the answer is none of mdx serve`);
  }

  async #text(path: string): Promise<string> {
    const url = new URL(path, this.#base);
    try {
      const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(ANSWER_MS)]);
      const answer = await fetch(url, { headers: this.#headers, redirect: 'error', signal });
      if (answer.status === 401 || answer.status === 403) {
        throw new MdxError('socket-refused', `asking ${this.url} for ${path}: it wants a token`, {
          hint: 'Set MDX_TOKEN, or name a file with --token-file.',
        });
      }
      // An engine that is dead says so with 503.
      if (!answer.ok && answer.status !== 503) {
        await answer.body?.cancel();
        throw new MdxError('socket-refused', `asking ${this.url} for ${path}: it answers ${answer.status}`);
      }
      return await textOf(answer, `asking ${this.url} for ${path}`);
    } catch (error) {
      if (error instanceof MdxError) throw error;
      const { cause, message } = error as Error;
      const why = (cause as Error | undefined)?.message ?? message;
      throw new MdxError('socket-unreachable', `asking ${this.url} for ${path}: ${why}`, {
        hint: 'mdx serve says on stderr where it is listening (http.listen).',
        cause: error,
      });
    }
  }
}

async function textOf(answer: Response, what: string): Promise<string> {
  let bytes = 0;
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > ANSWER_BYTES_MAX) {
      throw new MdxError('input-format', `${what}: the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    }
    text += decoder.decode(chunk as Uint8Array, { stream: true });
  }
  return text + decoder.decode();
}

function baseOf(url: string): URL {
  const base = URL.parse(url.includes('://') ? url : `http://${url}`);
  if (base === null || !/^https?:$/.test(base.protocol) || base.username !== '' || base.password !== '') {
    throw new MdxError('usage', `${url} is no address of a server: http://HOST:PORT was expected`);
  }
  return base;
}
