import type { Books } from '../../pipeline/books.ts';
import type { EngineStatus } from '../status.ts';
import { isNamed } from './books.ts';
import type { ApiContext } from './context.ts';

/** Why clients should not be sent here now. */
export interface Reason {
  /** For programs: `line-silent`, `gap`, `books-stale`, … */
  readonly code: string;
  /** What is concerned: `line A`, `channel 0`, `books`, `engine`. */
  readonly subject: string;
  /** What was found. */
  readonly found: string;
  /** What makes the reason go away. */
  readonly clearedBy: string;
}

/** The engine speaks at least every 250 ms; longer silence than this is no pause. */
const SILENT_ENGINE_MS = 2_000;
/** It is dead where it has not spoken for so long. */
const DEAD_ENGINE_MS = 15_000;
/** A ring that is fuller than this is about to drop. */
const RING_FILL_MAX = 0.9;
/** A thread that has a processor for more of a second than this can do no more. */
const CPU_LOAD_MAX = 0.95;
/** Reasons of one kind that are listed one by one. */
const LISTED_MAX = 20;

/** Is the process worth keeping? Null, or why it has to be started again. */
export function deathOf({ serve, now }: ApiContext): string | null {
  const { state, problem, time } = serve.status();
  if (state === 'failed') return `the engine failed: ${problem ?? 'it did not say why'}`;
  // At the end of its input it has nothing more to say; before its first word it is given as long as later.
  const silent = state === 'ended' ? 0 : now() - Math.max(time, serve.startedAt);
  return silent > DEAD_ENGINE_MS ? `the engine has said nothing for ${silent} ms` : null;
}

/** Everything that keeps clients away, empty = ready. */
export function reasonsAgainst(context: ApiContext): Reason[] {
  const status = context.serve.status();
  const byState = stateReasons(status, context.now());
  if (byState.length > 0) return byState;
  return [
    ...lineReasons(status, context),
    ...channelReasons(status),
    ...(context.config.noStorage ? [] : bookReasons(status, context)),
    ...loadReasons(status),
    ...journalReasons(status),
  ];
}

function stateReasons({ state, problem, time }: EngineStatus, now: number): Reason[] {
  const of = (code: string, found: string, clearedBy: string): Reason[] => [
    { code, subject: 'engine', found, clearedBy },
  ];
  switch (state) {
    case 'starting':
      return of('starting', 'the engine is starting', 'nothing to do: it goes on by itself');
    case 'recovering':
      return of('recovering', 'the journal is read to where it ends', 'nothing to do: it goes on by itself');
    case 'stopping':
      return of('stopping', 'the engine was asked to stop', 'a new start');
    case 'failed':
      return of('failed', `the engine failed: ${problem ?? 'it did not say why'}`, 'a new start');
    case 'ended':
      return [];
    default:
      return now - time > SILENT_ENGINE_MS
        ? of(
            'engine-silent',
            `the engine has said nothing for ${now - time} ms`,
            'the engine going on; if it does not, a new start',
          )
        : [];
  }
}

function lineReasons({ lines, state }: EngineStatus, { config }: ApiContext): Reason[] {
  const reasons: Reason[] = [];
  const configured = [
    ...(config.lines.a.length > 0 ? ['A'] : []),
    ...(config.lines.b.length > 0 ? ['B'] : []),
    ...lines.map(({ name }) => name),
  ];
  for (const name of new Set(configured)) {
    const silentMs = lines.find((line) => line.name === name)?.silentMs ?? null;
    if (silentMs !== null && (silentMs <= config.ready.silentMs || state === 'ended')) continue;
    reasons.push({
      code: silentMs === null ? 'line-unseen' : 'line-silent',
      subject: `line ${name}`,
      found: silentMs === null ? 'no packet has come yet' : `no packet has come for ${silentMs} ms`,
      clearedBy: `a packet on line ${name}: check its group, port and interface`,
    });
  }
  return reasons;
}

function channelReasons({ channels, recovery }: EngineStatus): Reason[] {
  const missing = channels.filter((channel) => channel.missing > 0);
  return listed(missing, 'gap', 'channels', ({ channel, session, missing: numbers, next }) => ({
    code: 'gap',
    subject: `channel ${channel}`,
    found: `${numbers} numbers are missing${session === null ? '' : ` in session ${session}`}; next is ${next}`,
    clearedBy:
      recovery === null
        ? 'the other line bringing them, or the gap timeout, which tells them lost'
        : 'the recovery server bringing them, or its timeout, which tells them lost',
  }));
}

function bookReasons({ books }: EngineStatus, { serve, config }: ApiContext): Reason[] {
  const now = serve.books();
  if (now === null || books.known === 0) {
    return [
      {
        code: 'no-books',
        subject: 'books',
        found: now === null ? 'the feed is not known yet' : 'no book is known yet',
        clearedBy: 'the first messages of the feed',
      },
    ];
  }
  if (books.stale <= config.ready.staleBooks) return [];
  return [
    {
      code: 'books-stale',
      subject: 'books',
      found: `${books.stale} of ${books.known} books are stale, allowed are ${config.ready.staleBooks}: ${staleNames(now.books)}`,
      clearedBy: `${rebuiltBy(now.feed.name)}, a new session of the venue, or an operator: POST /api/v1/book/{instrument}/clear`,
    },
  ];
}

/** What makes stale books whole again, by the beginning of the feed's name. */
const REBUILT_BY: readonly (readonly [feed: string, by: string])[] = [
  ['eobi', 'the next whole cycle of the snapshot channel'],
  ['dbn', 'a clear record (R) with the snapshot behind it'],
  ['itch', 'the recovery source bringing what was lost'],
];

function rebuiltBy(feed: string): string {
  return REBUILT_BY.find(([name]) => feed.startsWith(name))?.[1] ?? 'a snapshot of the feed';
}

function staleNames(books: Books): string {
  const stale = books.dictionary.books.filter(
    (book) => isNamed(books, book) && books.marketOf(book.channel).stale[book.number] === 1,
  );
  const names = stale.slice(0, LISTED_MAX).map(({ symbol, instrument }) => symbol ?? String(instrument));
  return `${names.join(', ')}${stale.length > LISTED_MAX ? ', …' : ''}`;
}

function loadReasons({ lines, taps, threads }: EngineStatus): Reason[] {
  return [
    ...threads
      .filter(({ dropsAtFull, cpuLoad }) => dropsAtFull && cpuLoad > CPU_LOAD_MAX)
      .map(({ name, cpuLoad }) => ({
        code: 'overload',
        subject: `thread ${name}`,
        found: `it had a processor for ${Math.round(cpuLoad * 100)} % of the last second: what comes faster is dropped`,
        clearedBy: 'a smaller feed, or more threads for the line (receive.workers)',
      })),
    ...lines
      .filter(({ waiting, slots }) => slots > 0 && waiting > slots * RING_FILL_MAX)
      .map(({ name, waiting, slots }) => ({
        code: 'overload',
        subject: `line ${name}`,
        found: `${waiting} of ${slots} packets wait for the engine`,
        clearedBy: 'the engine catching up; if it does not, more CPU or a smaller feed',
      })),
    ...taps
      .filter(({ isCut }) => isCut)
      .map(({ name, cuts, skippedEvents }) => ({
        code: 'overload',
        subject: `publisher ${name}`,
        found: `it did not keep up and was cut off (${cuts} times so far); ${skippedEvents} events were left out for it`,
        clearedBy:
          'the publisher beginning anew with an image of the books; if that does not help, more CPU or fewer clients',
      })),
    ...taps
      .filter(({ isCut }) => !isCut)
      .filter(({ waitingBytes, capacityBytes }) => waitingBytes > capacityBytes * RING_FILL_MAX)
      .map(({ name, waitingBytes, capacityBytes }) => ({
        code: 'overload',
        subject: `publisher ${name}`,
        found: `${waitingBytes} of ${capacityBytes} bytes of events wait for it`,
        clearedBy: 'the publisher catching up; if it does not, more CPU or fewer clients',
      })),
  ];
}

function journalReasons({ journal }: EngineStatus): Reason[] {
  if (journal === null || journal.problem === null) return [];
  return [
    {
      code: 'journal',
      subject: 'journal',
      found: journal.problem,
      clearedBy: 'what is wrong with its disk being put right, and a new start',
    },
  ];
}

/** The first of many, and one line for the rest. */
function listed<T>(list: readonly T[], code: string, what: string, reason: (each: T) => Reason): Reason[] {
  const reasons = list.slice(0, LISTED_MAX).map(reason);
  if (list.length <= LISTED_MAX) return reasons;
  const rest = list.length - LISTED_MAX;
  return [...reasons, { code, subject: what, found: `${rest} more`, clearedBy: 'as above' }];
}
