import type { ThreadSlots } from '../../observe/thread-slots.ts';
import type { ClientView } from '../../publish/client-view.ts';
import type { HttpCounts } from '../http/counts.ts';
import type { RawV1Status } from '../raw-v1-plan.ts';
import type { EngineStatus } from '../status.ts';
import type { ClientTotals } from './client-totals.ts';

/** What the metrics of the server are read from. */
export interface MetricSources {
  readonly version: string;
  /** ms since 1970. */
  readonly startedAt: number;
  readonly now: number;
  readonly status: EngineStatus;
  readonly clients: readonly ClientView[];
  readonly totals: ClientTotals;
  /** Events that the engine has and the thread that serves events has not handled yet. */
  readonly ingestLag: number;
  /** Readings of the journal for clients that failed, by protocol. */
  readonly pastFailures: Readonly<Record<string, number>>;
  /** Slots of each thread, by its name. */
  readonly threads: ReadonlyMap<string, ThreadSlots>;
  /** Null: raw-v1 is not served. */
  readonly rawV1: RawV1Status | null;
  /** Null: no HTTP is served yet. */
  readonly http: HttpCounts | null;
  /** Bytes of the process. */
  readonly residentBytes: number;
  /** s of processor time that the process has used. */
  readonly cpuSeconds: number;
  /** Of the disk that the journal is on; null = there is no journal, or it is not known. */
  readonly disk: { readonly free: number; readonly total: number } | null;
  /** Clients that were refused or closed by the server, by protocol and reason. */
  readonly dropped: Readonly<Record<string, Readonly<Record<string, number>>>>;
}
