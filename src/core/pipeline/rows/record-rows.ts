import { MdxError } from '../../errors.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { DescribedMessage, MessageDescriber, MessageSink } from '../../feeds/message-sink.ts';
import type { EventObserver } from '../books.ts';

/** Makes a row of every message that can be read, known or not to the book: as it came, field by field. */
export class RecordRows implements EventObserver, MessageSink {
  readonly messages: MessageSink = this;
  readonly #sink: (row: DescribedMessage) => void;
  readonly #pretty: boolean;
  #feed: Feed | null = null;
  #describer: MessageDescriber | null = null;

  /** @param pretty prices as decimals and times as ISO 8601 */
  constructor(sink: (row: DescribedMessage) => void, pretty: boolean) {
    this.#sink = sink;
    this.#pretty = pretty;
  }

  start(feed: Feed): void {
    if (feed.describer === undefined) {
      throw new MdxError('usage', `--emit records: messages of ${feed.name} cannot be printed`);
    }
    this.#feed = feed;
  }

  head(bytes: Uint8Array): void {
    this.#describer = this.#feed?.describer?.(bytes) ?? null;
  }

  message(bytes: Uint8Array, offset: number, length: number): void {
    this.#describer ??= this.#feed?.describer?.(null) ?? null;
    const row = this.#describer?.describe(bytes, offset, length, this.#pretty) ?? null;
    if (row !== null) this.#sink(row);
  }
}
