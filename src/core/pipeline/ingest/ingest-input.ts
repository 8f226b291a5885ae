import { MdxError } from '../../errors.ts';
import { EventWriter } from '../../event/writer.ts';
import type { Feed, StreamFacts } from '../../feeds/feed.ts';
import type { Hearing } from '../../net/ingest/server.ts';
import { ENDINGS, type IngestCounts } from '../../net/ingest/sink.ts';
import type { RunOptions } from '../run-options.ts';
import type { InputResult, RunState } from '../run-state.ts';
import { refuseUnfit } from '../stream-input.ts';
import type { IngestEndpoint } from './ingest-endpoint.ts';
import type { IngestSource } from './ingest-source.ts';
import { IngestSources } from './ingest-sources.ts';

const FEED = 'dbn';
/** Sources there may be, by connections at a time: names that come and go do not fill memory. */
const SOURCES_PER_SENDER = 4;
/** Bytes handed over between two looks at whether to stop: of a run that somebody watches, and of one that nobody does. */
const BYTES_WATCHED = 65_536;
const BYTES_UNWATCHED = 1 << 20;
/** Whoever waits for rows hears of what has come, and somebody who wants to stop is heard, this often at least, ms. */
const LOOK_MS = 250;
/** Troubles of senders that are told one by one. */
const TOLD_MAX = 100;

/** Reads what many senders of events say at once: each source is a channel with a decoder of its own. */
export class IngestInput {
  readonly streams: StreamFacts[] = [];
  readonly #state: RunState;

  constructor(state: RunState) {
    this.#state = state;
  }

  async read(endpoint: IngestEndpoint): Promise<void> {
    const state = this.#state;
    const { options, window } = state;
    const path = endpoint.text;
    state.refuseMixture(path, false);
    refuseUnfit(path, options, 'They come as they happen.');
    const feed = feedOf(path, options, state.feed);
    state.feed = feed;
    state.framing = 'ingest';
    const { counts, sink, messages } = state.openBooks(feed);
    const input = state.addInput(path, 'ingest', false);
    this.streams.push({ sequence: null });
    const server = await listen(endpoint);
    const writer = new EventWriter(state.batch, sink);
    const tell = limited(options.tell ?? (() => {}));
    const { dictionary } = state;
    const sources = new IngestSources({
      window,
      writer,
      sink,
      counts,
      recordsMax: options.messagesMax,
      sourcesMax: endpoint.limits.senders * SOURCES_PER_SENDER,
      open: ({ channel, name }) =>
        feed.streamDecoder!(
          { channel, dictionary, writer, counts, messages, midnight: null, source: name },
          'dbn',
        ),
      sendersMax: endpoint.limits.senders,
      cut: (sender, ending) => server.cut(sender, ending),
      tell,
    });
    this.#expectKnown(sources);
    state.inputPlaces = () =>
      sources.all.map(({ channel, next }) => ({ channel, session: null, nextTransport: next }));
    // Only what they are tells whether records of one that began anew are those of a journal.
    state.sessionOf = (channel) => (sources.isAnew(channel) ? undefined : null);
    const wake = (): void => server.wake();
    options.signal?.addEventListener('abort', wake);
    try {
      options.onIngest?.({ counts: server.counts, sources: sources.all });
      options.tell?.(`listening ingest://${hostText(endpoint.host)}:${server.port}`);
      await this.#takeAll(endpoint, server, sources, writer);
    } finally {
      options.signal?.removeEventListener('abort', wake);
      await server.close(sources);
      sources.flush();
      writer.flush();
      note(input, server.counts, sources.all);
    }
  }

  async #takeAll(
    { text, sources: wanted }: IngestEndpoint,
    server: Hearing,
    sources: IngestSources,
    writer: EventWriter,
  ): Promise<void> {
    const state = this.#state;
    const { counts } = server;
    const slice = state.isWatched || state.gate !== null ? BYTES_WATCHED : BYTES_UNWATCHED;
    for (;;) {
      const until = counts.taken + slice;
      let hasMore = true;
      while (hasMore && counts.taken < until && !sources.isFull) hasMore = server.take(sources);
      sources.flush();
      writer.flush();
      if (sources.isFull) state.stopped ??= 'limit';
      if (state.gate?.passed === true) state.stopped ??= 'until';
      await state.breathe({ path: text, bytes: counts.bytes, total: null });
      if (state.stopped !== null) return;
      if (hasMore) continue;
      if (wanted !== null && sources.connected === 0 && sources.finished >= wanted) return;
      await server.wait(LOOK_MS);
    }
  }

  /** A journal that the run goes on with knows its sources, and how far they came. */
  #expectKnown(sources: IngestSources): void {
    const { options, dictionary } = this.#state;
    const { resume } = options;
    if (resume === null || resume === undefined) return;
    const names = new Map(dictionary.books.map(({ channel, source }) => [channel, source]));
    for (const { channel, sequence } of resume.recovered.ends.ends) {
      const name = names.get(channel);
      if (name !== undefined) sources.expect(name, channel, sequence + 1);
    }
  }
}

/** Loaded here: most runs have no server. */
async function listen(endpoint: IngestEndpoint): Promise<Hearing> {
  if (endpoint.threads === 0) {
    const { IngestServer } = await import('../../net/ingest/server.ts');
    return IngestServer.listen({ ...endpoint, shares: false });
  }
  const { IngestThreads } = await import('../../net/ingest/threads.ts');
  return IngestThreads.listen(endpoint, endpoint.threads);
}

function feedOf(path: string, { feeds, pacer, from, until }: RunOptions, known: Feed | null): Feed {
  const unfit = pacer !== null ? '--speed' : from !== null ? '--from' : until !== null ? '--until' : null;
  if (unfit !== null) {
    throw new MdxError(
      'usage',
      `reading ${path}: ${unfit} is for what was recorded, and senders send as it happens`,
    );
  }
  const feed = feeds.find(({ name }) => name === FEED);
  if (feed !== undefined && (known ?? feed) === feed) return feed;
  throw new MdxError(
    'usage',
    `reading ${path}: senders send ${FEED}, and the feed is ${known?.name ?? 'another'}`,
  );
}

/** Puts what was counted into the report: what did not come, was left out, or was ended. */
function note(input: InputResult, counts: IngestCounts, sources: readonly IngestSource[]): void {
  input.bytes = counts.bytes;
  const all = new Map<string, number>();
  const add = (what: string, count: number): void => {
    if (count > 0) all.set(what, (all.get(what) ?? 0) + count);
  };
  for (const { lost, repeated } of sources) {
    add('lostRecords', lost);
    add('repeatedRecords', repeated);
  }
  for (const ending of ENDINGS) {
    if (ending !== 'goodbye' && ending !== 'stopped') add(`cut:${ending}`, counts.endings.get(ending) ?? 0);
  }
  for (const [what, count] of all) input.skipped.set(what, count);
}

/** Tells so many troubles, and then that no more are told. */
function limited(tell: (text: string) => void): (text: string) => void {
  let told = 0;
  return (text) => {
    told += 1;
    if (told <= TOLD_MAX) tell(text);
    if (told === TOLD_MAX) tell('more trouble of senders is counted and not told');
  };
}

function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
