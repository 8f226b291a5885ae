import { ByteWindow } from '../../binary/byte-window.ts';
import { Market } from '../../book/market.ts';
import { EventBatch, type EventSink } from '../../event/batch.ts';
import { Dictionary } from '../../event/dictionary.ts';
import { EventWriter } from '../../event/writer.ts';
import { FeedCounts } from '../../feeds/counts.ts';
import { dbn } from '../../feeds/dbn/index.ts';
import { STREAM_MORE, type StreamDecoder } from '../../feeds/feed.ts';
import { type DbnTape, dbnTape } from '../dbn-stream.ts';
import { mbp10Tape } from '../mbp10-stream.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { marketChecksum } from './synthetic.ts';

/** Levels of books, and what of them changed. */
export function decodeMbp10(options: WorkloadOptions): Workload {
  return decodeDbn(options, false, mbp10Tape());
}

/** Records in memory → decoder, and with `applies` → books, crossed ones counted at the end of every group. */
export function decodeDbn(
  options: WorkloadOptions,
  applies: boolean,
  tape: DbnTape = dbnTape(options.data, options.events),
): Workload {
  const { bytes, start, records, loops, note } = tape;
  const passes = loops ? Math.max(1, Math.round(options.events / records)) : 1;
  const window = new ByteWindow(bytes.length);
  window.bytes.set(bytes);

  // V8 throws away code that it made for objects that are gone, and would compile in every run.
  const kept: object[] = [];
  let market: Market;
  let writer: EventWriter;
  let decoder: StreamDecoder;
  const read = (from: number, to: number): void => {
    window.position = from;
    window.limit = to;
    if (decoder.decode(window) !== STREAM_MORE) throw new Error(decoder.problem ?? 'the stream ended');
  };
  return {
    units: records * passes,
    bytes: (bytes.length - start) * passes,
    note,
    reset() {
      const dictionary = new Dictionary();
      const filled = new Market(dbn.rules, dictionary);
      const sink: EventSink = { accept: applies ? (batch) => filled.apply(batch) : () => {} };
      market = filled;
      writer = new EventWriter(new EventBatch(), sink);
      const counts = new FeedCounts(dbn.typeCount);
      decoder = dbn.streamDecoder!({ channel: 0, dictionary, writer, counts, midnight: null }, 'dbn');
      kept.push(market, writer, decoder);
      read(0, start);
    },
    run() {
      for (let pass = 0; pass < passes; pass += 1) read(start, bytes.length);
      writer.flush();
    },
    checksum: () => (applies ? marketChecksum(market) : null),
  };
}
