import { ByteWindow } from '../../binary/byte-window.ts';
import type { Conversion } from '../../convert/conversion.ts';
import { EventParquet } from '../../convert/event-parquet.ts';
import { EventText } from '../../convert/event-text.ts';
import { EventBatch } from '../../event/batch.ts';
import { Dictionary } from '../../event/dictionary.ts';
import { EventWriter } from '../../event/writer.ts';
import { FeedCounts } from '../../feeds/counts.ts';
import { dbn } from '../../feeds/dbn/index.ts';
import { STREAM_MORE } from '../../feeds/feed.ts';
import { Books } from '../../pipeline/books.ts';
import { dbnTape } from '../dbn-stream.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { marketChecksum } from './synthetic.ts';

/** DBN records in memory → decoder → books and rows of every event, whose bytes go nowhere. */
export function convertDbn(options: WorkloadOptions, form: 'ndjson' | 'csv' | 'parquet'): Workload {
  const { bytes, start, records, loops, note } = dbnTape(options.data, options.events);
  const passes = loops ? Math.max(1, Math.round(options.events / records)) : 1;
  const window = new ByteWindow(bytes.length);
  window.bytes.set(bytes);
  // V8 throws away code that it made for objects that are gone, and would compile in every run.
  const kept: object[] = [];
  let run: () => void;
  let books: Books;
  return {
    units: records * passes,
    bytes: (bytes.length - start) * passes,
    note,
    reset() {
      const dictionary = new Dictionary();
      const conversion = open(form);
      conversion.start?.(dbn, {
        timeBase: 'utc',
        framing: null,
        books: null,
        epoch: { high: 0, low: 0 },
        imageEvent: 0,
        places: () => [],
      });
      const filled = new Books(dbn.rules, dictionary, null, [conversion]);
      const writer = new EventWriter(new EventBatch(), filled);
      const counts = new FeedCounts(dbn.typeCount);
      const decoder = dbn.streamDecoder!({ channel: 0, dictionary, writer, counts, midnight: null }, 'dbn');
      const read = (from: number, to: number): void => {
        window.position = from;
        window.limit = to;
        if (decoder.decode(window) !== STREAM_MORE) throw new Error(decoder.problem ?? 'the stream ended');
      };
      kept.push(conversion, filled, writer, decoder);
      books = filled;
      run = () => {
        for (let pass = 0; pass < passes; pass += 1) read(start, bytes.length);
        writer.flush();
        conversion.finish();
      };
      read(0, start);
    },
    run: () => run(),
    checksum: () => marketChecksum(books.marketOf(0)),
  };
}

function open(form: 'ndjson' | 'csv' | 'parquet'): Conversion {
  const nowhere = (): void => {};
  return form === 'parquet' ? new EventParquet(nowhere) : new EventText(nowhere, form);
}
