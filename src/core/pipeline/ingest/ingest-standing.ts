import type { IngestCounts } from '../../net/ingest/sink.ts';
import type { IngestSource } from './ingest-source.ts';

/** How the senders of a run stand. */
export interface IngestStanding {
  readonly counts: IngestCounts;
  readonly sources: readonly IngestSource[];
}
