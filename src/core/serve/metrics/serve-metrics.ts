import { statfs } from 'node:fs/promises';
import { EXPOSITION_TYPE } from '../../observe/exposition.ts';
import { ThreadSlots } from '../../observe/thread-slots.ts';
import type { ServeContext } from '../context.ts';
import type { HttpCounts } from '../http/counts.ts';
import type { RawV1Status } from '../raw-v1-plan.ts';
import type { LineView } from '../status.ts';
import { ClientTotals } from './client-totals.ts';
import { metricsText } from './metrics.ts';
import type { MetricSources } from './sources.ts';

/** How often it is looked who is there, and which clocks the lines have. */
const LOOK_MS = 250;
/** Clocks that are the system's, as ours is: the kernel's, and for packets without a time the receiver's. */
const SYSTEM_CLOCKS: ReadonlySet<string> = new Set(['software', 'none']);

/** Where a server has what its metrics are read from. */
export interface MetricParts {
  context(): ServeContext;
  /** Null: raw-v1 is not served. */
  rawV1(): RawV1Status | null;
  /** Null: no HTTP is served yet. */
  http(): HttpCounts | null;
  /** Events that the engine has and the thread that serves events has not handled yet. */
  ingestLag(): number;
  /** Readings of the journal that failed in the thread that serves events, for clients of a protocol. */
  pastFailures(protocol: 'events' | 'sse'): number;
  /** Where the journal is, null = there is none. */
  readonly journalDirectory: string | null;
}

/** What `/metrics` tells: the slots of every thread, how the engine stands, and the clients. */
export class ServeMetrics {
  readonly type: string = EXPOSITION_TYPE;
  readonly threads: Map<string, ThreadSlots> = new Map();
  readonly #parts: MetricParts;
  readonly #totals: ClientTotals = new ClientTotals();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: MetricParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Slots of a thread, made when they are first asked for; their `memory` is what a worker is given. */
  slotsOf(thread: string): ThreadSlots {
    let slots = this.threads.get(thread);
    if (slots === undefined) {
      slots = new ThreadSlots();
      this.threads.set(thread, slots);
    }
    return slots;
  }

  async text(): Promise<string> {
    this.#look();
    const { journalDirectory } = this.#parts;
    const context = this.#parts.context();
    const rawV1 = this.#parts.rawV1();
    const { user, system } = process.cpuUsage();
    return metricsText({
      version: context.version,
      startedAt: context.startedAt,
      now: Date.now(),
      status: context.status(),
      clients: context.clients(),
      totals: this.#totals,
      ingestLag: this.#parts.ingestLag(),
      pastFailures: {
        'raw-v1': rawV1?.pastFailures ?? 0,
        events: this.#parts.pastFailures('events'),
        sse: this.#parts.pastFailures('sse'),
      },
      threads: this.threads,
      http: this.#parts.http(),
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      disk: await diskOf(journalDirectory),
      rawV1,
      dropped: rawV1 === null ? {} : { 'raw-v1': rawV1.drops },
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const context = this.#parts.context();
    this.#totals.note(context.clients());
    const start = startOf(context.status().lines);
    for (const slots of this.threads.values()) slots.start = start;
  }
}

/** Receive times count only where all lines have the system's clock. */
export function startOf(lines: readonly LineView[]): ThreadSlots['start'] {
  return lines.length > 0 && lines.every(({ clock }) => SYSTEM_CLOCKS.has(clock)) ? 'receive' : 'thread';
}

async function diskOf(directory: string | null): Promise<MetricSources['disk']> {
  if (directory === null) return null;
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { free: bavail * bsize, total: blocks * bsize };
  } catch {
    // It is not there yet, or not any more: how much is free is not known.
    return null;
  }
}
