import { randomBytes } from 'node:crypto';
import { channelsOf, JournalOutput } from '../convert/journal-output.ts';
import { MdxError } from '../errors.ts';
import { EventBatch } from '../event/batch.ts';
import type { Naming } from '../event/naming.ts';
import {
  FLAG_LAST,
  FLAG_SNAPSHOT,
  KIND_CLEAR,
  KIND_RESET,
  KIND_SESSION,
  WORD_BOOK,
} from '../event/record.ts';
import type { Feed, Framing } from '../feeds/feed.ts';
import { FEEDS } from '../feeds/registry.ts';
import { type Epoch, epochText } from '../journal/frame.ts';
import { bootId } from '../journal/machine.ts';
import { NODE_DISK } from '../journal/node-disk.ts';
import { ThreadedJournal } from '../journal/threaded-journal.ts';
import { LoopTurns } from '../net/loop-turns.ts';
import { ThreadSlots } from '../observe/thread-slots.ts';
import { ByteRing } from '../packet/byte-ring.ts';
import type { EventObserver, RunFacts } from '../pipeline/books.ts';
import type { IngestStanding } from '../pipeline/ingest/ingest-standing.ts';
import { readInstruments } from '../pipeline/instruments-file.ts';
import { Pacer } from '../pipeline/pacer.ts';
import { type Recovered, recoverBooks } from '../pipeline/resume/recover-books.ts';
import { Resumption } from '../pipeline/resume/resumption.ts';
import { type RunResult, run } from '../pipeline/run.ts';
import { WHOLE_RUN } from '../pipeline/run-defaults.ts';
import type { Progress } from '../pipeline/run-options.ts';
import { ProcessClock } from '../threads/process-clock.ts';
import type { EnginePlan } from './engine-plan.ts';
import {
  arbiterOf,
  type ChannelStart,
  inputPaths,
  type LiveInput,
  openLines,
  snapshotDestinations,
} from './engine-source.ts';
import {
  anomaliesOf,
  booksView,
  eventsOf,
  ingestView,
  LineWatch,
  mergedChannel,
  mergedViews,
  readChannel,
  threadViews,
} from './engine-status.ts';
import { StageProbe } from './metrics/stage-probe.ts';
import { realClock } from './real-clock.ts';
import type { EngineAnswer, EngineCommand, EngineState, EngineStatus } from './status.ts';
import { Tap } from './tap.ts';

/** Longest stretch of work between two turns of the event loop. */
const TURN_MS_MAX = 4;
/** Whether the journal still can be written is looked at so often while nothing comes. */
const JOURNAL_MS = 250;
/** Events wait at most so long for others to be written with: nobody sees them before. */
const COMMIT_MS = 2;

export type EngineTell = (level: 'info' | 'warn', text: string) => void;

/**
 * The engine: what comes in becomes events and books, is journalled, and goes to the threads that publish. One for each
 * process, on a thread of its own.
 */
export class Engine {
  readonly #plan: EnginePlan;
  readonly #tell: EngineTell;
  readonly #abort: AbortController = new AbortController();
  readonly #lineWatch: LineWatch = new LineWatch();
  readonly #clock: ProcessClock = new ProcessClock();
  readonly #turns: LoopTurns = new LoopTurns();
  readonly #probe: StageProbe;
  #state: EngineState = 'starting';
  #problem: string | null = null;
  /** What failed beside the run, which ends for it. */
  #failure: unknown = null;
  #watch: NodeJS.Timeout | null = null;
  #live: LiveInput | null = null;
  #journal: JournalOutput | null = null;
  #taps: readonly Tap[] = [];
  #epoch: Epoch = { high: 0, low: 0 };
  #lastEvent = 0;
  #naming: Naming | null = null;
  #feed: Feed | null = null;
  #facts: RunFacts | null = null;
  #progress: Progress | null = null;
  /** Null: no senders are listened for. */
  #ingest: IngestStanding | null = null;
  /** Sessions of the venue that have begun. */
  #sessions = 0;
  /** Asked for between two batches. */
  #pending: (() => void)[] = [];
  #wake: () => void = () => {};

  constructor(plan: EnginePlan, tell: EngineTell) {
    this.#plan = plan;
    this.#probe = new StageProbe(new ThreadSlots(plan.slots), 'decode', 'book');
    this.#tell = tell;
  }

  /** Runs until its input has ended and `stop` was asked for. Rejects with MdxError. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      this.#state = 'failed';
      this.#problem = (error as Error).message;
      this.#journal?.abandon();
      for (const tap of this.#taps) tap.abandon();
      throw error;
    } finally {
      if (this.#watch !== null) clearInterval(this.#watch);
    }
  }

  /** Takes nothing more in, writes the end of the journal, and lets the followers end. */
  stop(): void {
    if (this.#state !== 'failed') this.#state = 'stopping';
    this.#abort.abort();
    this.#wake();
  }

  /** What operators ask for, done between two batches. */
  command(command: EngineCommand): Promise<EngineAnswer> {
    return new Promise((resolve) => {
      this.#pending.push(() => resolve(this.#execute(command)));
      // While the input brings nothing, the books stand still.
      setImmediate(() => this.#executeIdle());
    });
  }

  status(): EngineStatus {
    const books = this.#facts?.books ?? null;
    const markets = books?.markets ?? [];
    const standing = this.#live?.standing() ?? null;
    const { written = 0, journal = null } = this.#journal ?? {};
    const now = performance.now();
    const {
      path = null,
      bytes = 0,
      total = null,
      messages = 0,
      unknown = 0,
      malformed = 0,
    } = this.#progress ?? {};
    const failure = this.#journal?.writer.failure ?? null;
    const recovery = standing?.recovery ?? null;
    return {
      state: this.#state,
      problem: this.#problem,
      time: Date.now(),
      feed: this.#feed?.name ?? null,
      epoch: epochText(this.#epoch).slice(2),
      messages,
      unknown,
      malformed,
      events: eventsOf(markets),
      lastEvent: journal === null ? this.#lastEvent + (this.#taps[0]?.written ?? written) : journal.lastEvent,
      sessions: this.#sessions,
      inputs: path === null ? [] : [{ path, bytes, total }],
      lines: this.#live?.lines.lines.map((line) => this.#lineWatch.view(line, now)) ?? [],
      channels: standing?.channels.map(mergedChannel) ?? this.#facts?.places().map(readChannel) ?? [],
      ...(standing === null ? {} : mergedViews(standing)),
      ...(this.#ingest === null ? {} : { ingest: ingestView(this.#ingest) }),
      pendingPackets: standing?.room.packets ?? 0,
      polledMs: this.#live?.lines.polledMs ?? 0,
      recovery: recovery === null ? null : ({ ...recovery } as typeof recovery),
      journal: journal === null ? null : { ...journal, problem: failure?.message ?? null },
      taps: this.#taps.map(({ view }) => view),
      threads: threadViews(this.#live?.lines.lines ?? [], this.#journal?.writer ?? null, this.#ingest),
      books: booksView(markets, books?.dictionary.books.length ?? 0),
      anomalies: anomaliesOf(markets),
    };
  }

  async #run(): Promise<void> {
    const { instruments } = this.#plan.config.source;
    if (instruments !== null) this.#naming = await readInstruments(instruments);
    const recovered = await this.#openJournal();
    this.#openTaps();
    if (recovered !== null) this.#beginWith(recovered);
    await this.#openInput(recovered);
    this.#state = 'running';
    if (this.#abort.signal.aborted) this.#state = 'stopping';
    const { merge } = await this.#read(recovered);
    const isLoss = merge?.stopped === 'loss';
    if (!this.#abort.signal.aborted && !isLoss) {
      this.#state = 'ended';
      this.#flush();
      this.#tell('info', 'the input has ended; what it led to is still served');
      await this.#untilStopped();
    }
    if (this.#failure !== null) throw this.#failure;
    this.#journal?.finish();
    for (const tap of this.#taps) tap.finish();
    if (isLoss) throw lossOf(this.#live!);
  }

  /** @returns what the journal had; null where it is new, or there is none. */
  async #openJournal(): Promise<Recovered | null> {
    const { journal } = this.#plan.config;
    const { directory } = journal;
    if (directory === null) {
      const random = randomBytes(8);
      this.#epoch = { high: random.readInt32LE(0), low: random.readInt32LE(4) };
      return null;
    }
    this.#state = 'recovering';
    const tell = (text: string): void => this.#tell('warn', text);
    const { fsync } = journal;
    const writer = await ThreadedJournal.open(
      {
        directory,
        version: this.#plan.version,
        bootId: bootId(),
        fsync: typeof fsync === 'string' ? { kind: fsync } : { kind: 'interval', ms: fsync.intervalMs },
        commitMs: COMMIT_MS,
        segmentBytes: journal.segmentBytes,
        segmentEvents: journal.segmentEvents,
        keepBytes: journal.keepBytes,
        keepNs: journal.keepNs,
        compress: journal.compress,
        minFreeBytes: journal.minFreeBytes,
      },
      'resume',
      tell,
    );
    this.#journal = new JournalOutput(writer, COMMIT_MS);
    this.#epoch = writer.found.epoch;
    this.#lastEvent = writer.found.lastEvent;
    this.#watch = setInterval(() => this.#fail(writer.failure), JOURNAL_MS);
    const naming = this.#naming;
    const recovered = recoverBooks({ disk: NODE_DISK, directory, feeds: FEEDS, naming, tell });
    if (recovered !== null) {
      this.#tell('info', `${directory}: goes on behind event ${recovered.lastEvent}`);
      if (writer.found.isNewEpoch)
        tell(`${directory}: what was not durable may be missing: a new epoch begins`);
    }
    return recovered;
  }

  #openTaps(): void {
    const { taps, version, control, cuts } = this.#plan;
    const history = { epoch: this.#epoch, nextEvent: this.#lastEvent + 1 };
    const words = new Int32Array(control);
    const journal = this.#journal?.writer ?? null;
    const gates = {
      written: () => journal?.written ?? Number.POSITIVE_INFINITY,
      gone: () => Atomics.load(words, 0) === 1,
      cuts,
      tell: this.#tell,
    };
    this.#taps = taps.map(
      ({ name, memory }) => new Tap(name, ByteRing.attach(memory), history, version, gates),
    );
  }

  /** Those who follow see the books of the journal before anything comes. */
  #beginWith({ feed, timeBase, books, ends }: Recovered): void {
    const { markets, dictionary } = books;
    this.#feed = feed;
    const places = ends.ends
      .filter((end) => end !== undefined)
      .map(({ channel, session = null, nextTransport, sequence, events }) => ({
        channel,
        session,
        nextTransport,
        last: { sequence, events: Number.isFinite(events) ? events : 1 },
      }));
    const place = {
      busCursor: markets.reduce((sum, { changes }) => sum + changes, 0),
      channels: channelsOf(places, markets),
    };
    for (const tap of this.#taps) tap.beginWith({ feed, timeBase, dictionary, markets, place });
  }

  async #openInput(recovered: Recovered | null): Promise<void> {
    const { config, lines } = this.#plan;
    if (lines.length === 0) return;
    this.#live = await openLines(config, lines, startsOf(recovered), this.#turns);
    for (const line of this.#live.lines.lines) {
      const {
        name,
        groups,
        backend,
        receiveBufferAsked: asked,
        receiveBufferGranted: granted,
      } = line.status();
      this.#tell('info', `line ${name}: ${groups.join(', ')} (${backend})`);
      if (asked === null || (granted ?? 0) >= asked) continue;
      this.#tell(
        'warn',
        `line ${name}: the kernel grants a receive buffer of ${granted} of ${asked} bytes; net.core.rmem_max is the limit`,
      );
    }
  }

  #read(recovered: Recovered | null): Promise<RunResult> {
    const { config, token } = this.#plan;
    const { source, merge } = config;
    const live = this.#live;
    const signal = this.#abort.signal;
    const watch: EventObserver = {
      start: (feed, facts) => {
        this.#feed = feed;
        this.#facts = facts;
      },
    };
    const sinks = this.#journal === null ? this.#taps : [this.#journal, ...this.#taps];
    return run({
      ...WHOLE_RUN,
      paths: live === null ? inputPaths(config) : [],
      feedName: source.feed,
      snapshots: snapshotDestinations(config.lines.snapshot),
      snapshotRequired: merge.start === 'snapshot',
      naming: this.#naming,
      date: source.date,
      token,
      arbiter: {
        ...arbiterOf({ ...config, recovery: { ...config.recovery, endpoint: null } }, 1),
        // The merge says where its stream begins, and what is missing in front of it.
        ...(live === null ? {} : { start: 'first-seen' as const }),
      },
      observers: [watch, this.#probe, ...sinks],
      pacer: source.speed === null ? null : new Pacer(realClock(signal), source.speed),
      endsOpen: true,
      resume: recovered === null ? null : new Resumption(recovered),
      signal,
      tell: (text) => this.#tell('info', text),
      onIngest: (standing) => {
        this.#ingest = standing;
      },
      ...(live === null ? {} : { merged: { ...live.merged, onMerged: () => this.#probe.noteMerged() } }),
      stop: () => signal.aborted,
      breathe: (progress) => this.#breathe(progress),
    });
  }

  #breathe(progress: Progress): Promise<void> | null {
    this.#progress = progress;
    this.#probe.flush();
    this.#noteSessions();
    this.#flush();
    this.#executePending();
    return this.#turns.isDue(TURN_MS_MAX) ? this.#turns.take() : null;
  }

  /** A segment of the journal begins with each session of the venue. */
  #noteSessions(): void {
    let sessions = 0;
    for (const { events } of this.#facts?.books?.markets ?? []) {
      sessions += events[KIND_SESSION]! + events[KIND_RESET]!;
    }
    if (sessions > this.#sessions) this.#journal?.roll();
    this.#sessions = sessions;
  }

  #flush(): void {
    this.#journal?.flush();
    for (const tap of this.#taps) tap.flush();
  }

  #executePending(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    for (const execute of pending) execute();
    this.#flush();
  }

  /** The same where the run is not there to fail with it. */
  #executeIdle(): void {
    try {
      this.#executePending();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the run where there is an error. */
  #fail(error: unknown): void {
    if (error === null) return;
    this.#failure ??= error;
    this.#abort.abort();
    this.#wake();
  }

  #execute(command: EngineCommand): EngineAnswer {
    const books = this.#facts?.books ?? null;
    if (books === null) return { ok: false, text: 'there are no books yet' };
    if (command.kind === 'snapshot') {
      if (this.#journal === null) return { ok: false, text: 'there is no journal to write an image to' };
      this.#journal.roll();
      return { ok: true, text: 'an image of the books is on its way to the journal' };
    }
    const definition = books.dictionary.books[command.book];
    if (definition === undefined) return { ok: false, text: 'there is no such book' };
    const batch = new EventBatch(1);
    this.#clock.read();
    batch.channel = definition.channel;
    batch.count = 1;
    batch.venueBaseHigh = this.#clock.high;
    batch.venueBaseLow = this.#clock.low;
    batch.receiveBaseHigh = this.#clock.high;
    batch.receiveBaseLow = this.#clock.low;
    batch.words[0] = KIND_CLEAR | ((FLAG_LAST | FLAG_SNAPSHOT) << 8);
    batch.words[WORD_BOOK] = command.book;
    books.accept(batch);
    this.#tell('warn', `book ${definition.symbol ?? definition.instrument} was cleared by ${command.by}`);
    return { ok: true, text: 'the book is empty, and right from here on' };
  }

  #untilStopped(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#abort.signal.aborted) resolve();
    });
  }
}

/** Framings whose numbers are those of messages. */
const NUMBERED: ReadonlySet<Framing> = new Set<Framing>(['moldudp64', 'fast-like']);

/** Numbers that the journal wants next, where messages are what the transport numbers. */
function startsOf(recovered: Recovered | null): Map<number, ChannelStart> {
  const starts = new Map<number, ChannelStart>();
  for (const end of recovered?.ends.ends ?? []) {
    if (end === undefined || end.session === undefined) continue;
    const byMessage = NUMBERED.has(recovered!.feed.framings[0]!) && end.sequence > 0;
    const next = end.nextTransport > 0 ? end.nextTransport : byMessage ? end.sequence + 1 : 0;
    if (next > 0) starts.set(end.channel, { session: end.session, next });
  }
  return starts;
}

function lossOf(live: LiveInput): MdxError {
  const { unrecoverableNumbers = 0, lastFailure = null } = live.standing()?.recovery ?? {};
  return new MdxError(
    'recovery-failed',
    `${unrecoverableNumbers} numbers are missing that recovery could not bring: ${lastFailure ?? 'no answer came in time'}`,
    { hint: 'recovery.unrecoverable = "log" or "stale" goes on without them.' },
  );
}

/** What was not to be expected, as an error that can be told. */
export function engineError(error: unknown): MdxError {
  if (error instanceof MdxError) return error;
  return new MdxError('internal', `the engine failed: ${(error as Error).stack ?? error}`);
}
