import type { ByteSink } from '../capture/block-buffer.ts';
import type { EventBatch } from '../event/batch.ts';
import { FLAG_EXTENDED, RECORD_WORDS } from '../event/record.ts';
import type { Feed } from '../feeds/feed.ts';
import type { Epoch } from '../journal/frame.ts';
import type { ChannelPlace } from '../journal/image-payload.ts';
import { MessagePlaces } from '../journal/message-places.ts';
import { firstHead } from '../journal/payload.ts';
import { writeSnapshot } from '../journal/snapshot-file.ts';
import type { EventObserver, RunFacts } from '../pipeline/books.ts';
import type { ImageFacts } from '../pipeline/image-input.ts';
import { channelsOf } from './journal-output.ts';

const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

/** Follows a run, so that the books at its end can be written as a snapshot. */
export class SnapshotOutput implements EventObserver {
  readonly #places: MessagePlaces = new MessagePlaces();
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #events = 0;

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
  }

  records(batch: EventBatch, from: number, to: number): void {
    if (from === to) return;
    const { words } = batch;
    this.#places.note(batch, from * RECORD_WORDS, to * RECORD_WORDS);
    for (let record = from; record < to; record += 1) {
      this.#events += 1;
      if ((words[record * RECORD_WORDS]! & HEAD_EXTENDED) !== 0) record += 1;
    }
  }

  /**
   * Writes the snapshot, in the numbering of the events of the run.
   * @param image that the books began with, null = none. @param epoch of the events, 0 = of none. @param wallTime ns since
   *   1970. @param version of mdx.
   */
  write(sink: ByteSink, image: ImageFacts | null, epoch: Epoch, wallTime: bigint, version: string): void {
    const { books, timeBase } = this.#run!;
    const { name } = this.#feed!;
    const { markets, dictionary } = books!;
    const known = image?.channels ?? [];
    for (const place of known) this.#places.goOn(place);
    const own = channelsOf(this.#run!.places(), markets);
    const others = known.filter(({ channel }) => own.every((place) => place.channel !== channel));
    const channels: ChannelPlace[] = [...own, ...others];
    writeSnapshot(sink, {
      head: { ...firstHead({ timeBase, sources: [{ feed: name, name }], version }), wallTime },
      epoch,
      nextEvent: (image?.event ?? 0) + this.#events + 1,
      dictionary,
      markets,
      place: {
        busCursor: 0,
        channels: channels
          .sort((left, right) => left.channel - right.channel)
          .map((place) => this.#places.standing(place)),
      },
    });
  }
}
