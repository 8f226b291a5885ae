import { MdxError } from '../errors.ts';
import type { Feed } from '../feeds/feed.ts';
import type { Conversion } from './conversion.ts';

/** Takes bytes that were written; they are its own only until it returns. */
export type ChunkSink = (chunk: Uint8Array) => void;

/** Writes the events of any feed as DBN records of the schema mbo. */
export class DbnConversion implements Conversion {
  written = 0;

  readonly #sink: ChunkSink;

  constructor(sink: ChunkSink) {
    this.#sink = sink;
  }

  /** What is DBN already is no matter of events: its records are copied as they are. */
  start(feed: Feed): void {
    throw new MdxError('usage', `writing DBN: ${feed.name} cannot be converted to it yet`);
  }

  flush(): void {
    this.#sink(new Uint8Array(0));
  }

  finish(): void {}
}
