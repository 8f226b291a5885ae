import { MdxError } from '../../errors.ts';
import type { EventSink } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { KIND_RESET, KIND_SESSION } from '../../event/record.ts';
import type { Feed, Framing } from '../../feeds/feed.ts';
import type { Epoch } from '../../journal/frame.ts';
import type { Books, TransportPlace } from '../books.ts';
import type { Recovered } from './recover-books.ts';
import { type ChannelResumed, ResumeFilter } from './resume-filter.ts';

/** Framings that number messages one by one in a channel and session. */
const NUMBERED: ReadonlySet<Framing> = new Set<Framing>(['moldudp64', 'soupbintcp', 'fast-like', 'ingest']);

/** What a run knows of its input when its books are made. */
export interface ResumedInput {
  readonly feed: Feed;
  readonly framing: Framing;
  readonly timeBase: 'utc' | 'midnight';
  readonly sessionOf: (channel: number) => string | null | undefined;
}

/** A run that goes on where a journal ends. */
export class Resumption {
  readonly recovered: Recovered;
  #filter: ResumeFilter | null = null;

  constructor(recovered: Recovered) {
    this.recovered = recovered;
  }

  /** Where each channel stands: as the input does that has come further, else as the journal. */
  placesWith(input: readonly TransportPlace[]): TransportPlace[] {
    const { ends } = this.recovered.ends;
    const known = ends.filter(({ channel }) => this.#filter?.hasPassed(channel) !== true);
    const places = known.map(({ channel, session = null, nextTransport, sequence, events }) => ({
      channel,
      session,
      nextTransport,
      last: { sequence, events: Number.isFinite(events) ? events : 1 },
    }));
    const others = input.filter(({ channel }) => places.every((place) => place.channel !== channel));
    return [...places, ...others].sort((a, b) => a.channel - b.channel);
  }

  /** How each channel of the input went on that the journal has. */
  get channels(): readonly ChannelResumed[] {
    return this.#filter?.channels ?? [];
  }

  /** Puts what the journal knows into books that are empty, and leaves out of what comes to `sink` what it has. */
  begin(input: ResumedInput, books: Books, sink: EventSink): EventSink {
    const { feed, framing, timeBase, sessionOf } = input;
    const { directory, ends, books: known } = this.recovered;
    if (feed !== this.recovered.feed) {
      throw this.#refusal(`it has events of ${this.recovered.feed.name}, and the input is ${feed.name}`);
    }
    if (timeBase !== this.recovered.timeBase && ends.last >= 0) {
      throw this.#refusal(
        `times of the ${timeBase === 'utc' ? 'journal' : 'input'} count from a midnight that is not known`,
        'Name the trading day with --date as for the journal.',
      );
    }
    books.markets.push(...known.markets);
    if (feed.rules.idScope !== 'source') books.dictionary.joinChannels();
    if (this.recovered.isNamed)
      books.dictionary.onOtherName = (book, symbol) => this.#refuseName(book, symbol);
    const isNumbered = NUMBERED.has(framing === 'journal' ? feed.framings[0]! : framing);
    if (isNumbered && ends.hasUnnumbered) {
      throw new MdxError(
        'journal-history',
        `going on with the journal ${directory}: messages in it have no numbers, so nothing tells where it ends`,
        { hint: 'Write to a new journal.' },
      );
    }
    const sessionKind = feed.sessionEvent === 'reset' ? KIND_RESET : KIND_SESSION;
    const hasParts = feed.framings[0] === 'fast-like';
    this.#filter = new ResumeFilter(ends, { isNumbered, hasParts, sessionKind, sessionOf }, sink);
    return this.#filter;
  }

  /** Refuses events of another history than the journal's. @param epoch of the input; 0 = of none. */
  refuseOther(path: string, { high, low }: Epoch): void {
    const { epoch } = this.recovered;
    if ((high | low) === 0 || (high === epoch.high && low === epoch.low)) return;
    throw this.#refusal(
      `${path} is of another history (epoch)`,
      'Events of it cannot be told from those of the journal.',
    );
  }

  /** Numbers of instruments mean others from day to day, and on other channels. */
  #refuseName({ instrument, channel, symbol }: BookDefinition, other: string): never {
    throw this.#refusal(
      `instrument ${instrument} of channel ${channel} is ${other} in the input, and ${symbol} in the journal`,
      'The input is of another day or begins with another channel: write to a new journal, or give the whole input.',
    );
  }

  #refusal(why: string, hint = 'Write to a new journal.'): MdxError {
    return new MdxError('journal-history', `going on with the journal ${this.recovered.directory}: ${why}`, {
      hint,
    });
  }
}
