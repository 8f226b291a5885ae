import type { Market } from '../book/market.ts';
import { MdxError } from '../errors.ts';
import type { EventBatch } from '../event/batch.ts';
import { dbn } from '../feeds/dbn/index.ts';
import type { Feed } from '../feeds/feed.ts';
import type { MessageSink } from '../feeds/message-sink.ts';
import type { RunFacts } from '../pipeline/books.ts';
import type { ChunkSink, Conversion } from './conversion.ts';
import { DbnConversion, type DbnOptions } from './dbn-conversion.ts';
import { DbnCopy } from './dbn-copy.ts';

export interface DbnOutputOptions extends Omit<DbnOptions, 'sizeScale'> {
  /** Null: not asked for. */
  readonly sizeScale: number | null;
  /** Write DBN records of earlier versions as version 3 has them. */
  readonly upgrade: boolean;
}

/** Writes DBN: records that are DBN already as they are, the events of other feeds order by order. */
export class DbnOutput implements Conversion {
  readonly startsEmpty = true;
  readonly #sink: ChunkSink;
  readonly #options: DbnOutputOptions;
  #chosen: Conversion | null = null;

  constructor(sink: ChunkSink, options: DbnOutputOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  get written(): number {
    return this.#chosen?.written ?? 0;
  }

  get lossy(): number | undefined {
    return this.#chosen?.lossy;
  }

  get messages(): MessageSink | undefined {
    return this.#chosen?.messages;
  }

  start(feed: Feed, run: RunFacts): void {
    const { sizeScale, lossy, upgrade, compress } = this.#options;
    const isCopy = feed.name === dbn.name;
    if (isCopy && (sizeScale !== null || lossy)) {
      const flag = lossy ? '--lossy' : '--size-scale';
      throw new MdxError(
        'usage',
        `${flag} is about the conversion of other feeds, and the input is DBN already`,
      );
    }
    if (!isCopy && upgrade) {
      throw new MdxError('usage', `--upgrade is about DBN records, and the input is ${feed.name}`);
    }
    this.#chosen = isCopy
      ? new DbnCopy(this.#sink, { upgrade, compress })
      : new DbnConversion(this.#sink, { sizeScale: sizeScale ?? 0, lossy, compress });
    this.#chosen.start?.(feed, run);
  }

  before(batch: EventBatch, at: number, market: Market, said: number): void {
    this.#chosen?.before?.(batch, at, market, said);
  }

  after(batch: EventBatch, at: number, market: Market): void {
    this.#chosen?.after?.(batch, at, market);
  }

  flush(): void {
    this.#chosen?.flush();
  }

  finish(): void {
    this.#chosen?.finish();
  }
}
