/*
 * A process that writes a journal on a thread of its own without end, and says which event is durable: to be killed.
 *
 *     threaded-writer.ts DIRECTORY
 */
import { makeEventStream } from '../../src/core/bench/event-stream.ts';
import { Market } from '../../src/core/book/market.ts';
import { Dictionary } from '../../src/core/event/dictionary.ts';
import { itch } from '../../src/core/feeds/itch/index.ts';
import { ThreadedJournal } from '../../src/core/journal/threaded-journal.ts';

const dictionary = new Dictionary();
for (let instrument = 1n; instrument <= 4n; instrument += 1n) {
  dictionary.add({
    source: 'itch-5.0',
    publisher: 0,
    instrument,
    channel: 0,
    priceScale: 4,
    quantityScale: 0,
    symbol: null,
  });
}
const market = new Market(itch.rules, dictionary);
const journal = await ThreadedJournal.open(
  {
    directory: process.argv[2]!,
    version: '0.0.0',
    bootId: '',
    fsync: { kind: 'interval', ms: 5 },
    commitMs: 1,
    segmentBytes: 1e9,
    segmentEvents: 20_000,
    keepBytes: null,
    keepNs: null,
    compress: true,
    minFreeBytes: 0,
  },
  'refuse',
  () => {},
);
const { fill, steady } = makeEventStream({
  instruments: 4,
  live: 500,
  seed: 2,
  shape: 'touch',
  changes: 'replace',
  events: 10_000,
});
const about = { timeBase: 'utc', sources: [{ feed: itch.name, name: itch.name }] } as const;
journal.begin(about, {
  markets: [market],
  dictionary,
  places: () => ({ busCursor: 0, channels: [] }),
});
for (;;) {
  for (const batch of [...fill, ...steady]) {
    journal.append(batch, 0, batch.count);
    market.apply(batch);
    journal.tick();
  }
  process.send!(journal.durable);
  // Lets the message out.
  await new Promise((resolve) => setImmediate(resolve));
}
