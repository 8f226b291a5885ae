import type { ServeConfig } from '../config/serve-config.ts';
import type { ErrorCode } from '../errors.ts';
import type { ClientView } from '../publish/client-view.ts';
import type { DropReason } from '../publish/raw-v1/server.ts';
import type { HttpReload } from './http/server.ts';

/** What the thread that serves raw-v1 is given. */
export interface RawV1Plan {
  readonly config: Pick<ServeConfig, 'rawV1' | 'security' | 'http' | 'journal'>;
  /** Its tap: the memory of a `ByteRing`. */
  readonly tap: SharedArrayBuffer;
  /** Slots of its thread. */
  readonly slots: SharedArrayBuffer;
}

/** How raw-v1 is served, said a few times a second. */
export interface RawV1Status {
  /** Are there books and cursors? Before, nobody gets a snapshot. */
  readonly isReady: boolean;
  readonly clients: readonly ClientView[];
  /** Frames and bytes to all clients so far, control and snapshot frames included. */
  readonly frames: number;
  readonly bytes: number;
  /** Clients that were refused or dropped, by reason. */
  readonly drops: Readonly<Record<DropReason, number>>;
  /** Cursors of the oldest frame that is kept, and of the next one. */
  readonly oldest: number;
  readonly next: number;
  /** Bytes of memory of the bus, and of what only writes to slow clients still hold. */
  readonly busBytes: number;
  readonly pinnedBytes: number;
  /** Books with a price that has no form in frames. */
  readonly refusedBooks: number;
  /** Readings of the journal for clients that failed. */
  readonly pastFailures: number;
}

export type RawV1Word =
  /** `HOST:PORT` of each endpoint. */
  | { readonly kind: 'listening'; readonly addresses: readonly string[] }
  | { readonly kind: 'status'; readonly status: RawV1Status }
  | { readonly kind: 'warn'; readonly text: string }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | null;
    }
  | { readonly kind: 'stopped' };

export type RawV1Request =
  | { readonly kind: 'stop'; readonly reason: string; readonly timeoutMs: number }
  | ({ readonly kind: 'reload' } & HttpReload);
