import type { Market } from '../book/market.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Feed } from '../feeds/feed.ts';
import type { ChunkSink, Conversion } from './conversion.ts';
import { MboEvents } from './mbo-events.ts';
import { MboOutput } from './mbo-output.ts';
import { ZstdFrames } from './zstd-frames.ts';

export interface DbnOptions {
  /** Sizes count units of 10^−sizeScale. */
  readonly sizeScale: number;
  /** Write what DBN cannot say as what is nearest, and count it; else it ends the conversion. */
  readonly lossy: boolean;
  /** With zstd. */
  readonly compress: boolean;
}

/** Writes the events of any feed as a DBN file of the schema mbo. */
export class DbnConversion implements Conversion {
  readonly #out: MboOutput;
  readonly #events: MboEvents;
  readonly #frames: ZstdFrames | null;

  constructor(sink: ChunkSink, options: DbnOptions) {
    this.#frames = options.compress ? new ZstdFrames(sink) : null;
    const frames = this.#frames;
    this.#out = new MboOutput(frames === null ? sink : (chunk) => frames.write(chunk), options.sizeScale);
    this.#events = new MboEvents(this.#out, options.lossy);
  }

  get written(): number {
    return this.#out.written;
  }

  get lossy(): number {
    return this.#events.lossy;
  }

  start(feed: Feed): void {
    this.#out.open(feed.name);
    this.#events.start(feed);
  }

  before(batch: EventBatch, at: number, market: Market): void {
    this.#events.before(batch, at, market);
  }

  after(batch: EventBatch, at: number, market: Market): void {
    this.#events.after(batch, at, market);
  }

  flush(): void {
    this.#out.flush();
  }

  finish(): void {
    this.#out.finish();
    this.#frames?.finish();
  }
}
