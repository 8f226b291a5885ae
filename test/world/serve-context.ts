import type { ServeConfig } from '../../src/core/config/serve-config.ts';
import { SERVE_DEFAULTS } from '../../src/core/config/serve-defaults.ts';
import type { Books } from '../../src/core/pipeline/books.ts';
import type { RunResult } from '../../src/core/pipeline/run.ts';
import type { ClientView } from '../../src/core/publish/client-view.ts';
import type { ApiConfig } from '../../src/core/serve/api/context.ts';
import type { ServeContext } from '../../src/core/serve/context.ts';
import type { EngineAnswer, EngineCommand, EngineStatus } from '../../src/core/serve/status.ts';

/** When everything in these tests happens, ms since 1970. */
export const NOW = 1_760_000_000_000;

/** An engine that has read its input without any trouble. */
const CALM: EngineStatus = {
  state: 'running',
  problem: null,
  time: NOW,
  feed: null,
  epoch: '00f1e2d3c4b5a697',
  messages: 0,
  unknown: 0,
  malformed: 0,
  events: 0,
  lastEvent: 0,
  sessions: 1,
  inputs: [],
  lines: [],
  channels: [],
  pendingPackets: 0,
  polledMs: 0,
  recovery: null,
  journal: null,
  taps: [],
  threads: [],
  books: { known: 0, orders: 0, levels: 0, stale: 0 },
  anomalies: {},
};

/** The HTTP part of a configuration as a test wants it; what it leaves out is small and on loopback. */
export interface Wanted extends Partial<ServeConfig['http']> {
  readonly tokens?: ServeConfig['security']['tokens'];
  readonly insecure?: boolean;
  readonly ready?: Partial<ServeConfig['ready']>;
  readonly lines?: Partial<ServeConfig['lines']>;
  readonly noStorage?: boolean;
  readonly maxStreams?: number;
  readonly maxUpgrades?: number;
}

export function apiConfig({ tokens = [], insecure = false, ...wanted }: Wanted = {}): ApiConfig {
  const { ready, lines, noStorage = false, maxStreams = 100, maxUpgrades = 100, ...http } = wanted;
  return {
    http: {
      listen: '127.0.0.1:0',
      tls: null,
      corsOrigins: [],
      maxConnections: 100,
      maxHeaderBytes: 8192,
      maxBodyBytes: 1024,
      requestTimeoutMs: 30_000,
      idleTimeoutMs: 30_000,
      ...http,
    },
    security: { tokens, insecure },
    ready: { staleBooks: 0, silentMs: 1000, ...ready },
    lines: { a: [], b: [], snapshot: [], ...lines },
    noStorage,
    sse: { ...SERVE_DEFAULTS.sse, maxConnections: maxStreams },
    events: { ...SERVE_DEFAULTS.events, maxConnections: maxUpgrades },
  };
}

/** What an engine would say, with books that a real run has made; everything can be changed between two requests. */
export class ServedBooks implements ServeContext {
  readonly version = '0.0.0';
  startedAt: number = NOW - 60_000;
  readonly commands: EngineCommand[] = [];
  said: EngineStatus = CALM;
  there: ReturnType<ServeContext['books']> = null;
  connected: ClientView[] = [];
  answer: EngineAnswer = { ok: true, text: 'done' };

  /** The books that a run has made. */
  static of({ books, feed, counts }: RunResult): ServedBooks {
    const served = new ServedBooks();
    const event = eventsOf(books);
    served.there = { books, feed: feed!, event };
    served.tell({
      feed: feed!.name,
      messages: counts.messages,
      events: event,
      lastEvent: event,
      books: {
        known: books.dictionary.books.length,
        orders: books.markets.reduce((sum, { orders }) => sum + orders.live, 0),
        levels: books.markets.reduce((sum, { levels }) => sum + levels.inUse, 0),
        stale: 0,
      },
    });
    return served;
  }

  /** Changes what the engine says. */
  tell(status: Partial<EngineStatus>): void {
    this.said = { ...this.said, ...status };
  }

  status(): EngineStatus {
    return this.said;
  }

  books(): ReturnType<ServeContext['books']> {
    return this.there;
  }

  clients(): readonly ClientView[] {
    return this.connected;
  }

  async command(command: EngineCommand): Promise<EngineAnswer> {
    this.commands.push(command);
    return this.answer;
  }
}

function eventsOf({ markets }: Books): number {
  return markets.reduce((sum, { events }) => sum + events.reduce((total, count) => total + count, 0), 0);
}
