import type { FoundJournal } from '../core/journal/journal-found.ts';
import { NODE_DISK } from '../core/journal/node-disk.ts';
import type { Recovered } from '../core/pipeline/resume/recover-books.ts';
import type { ChannelResumed } from '../core/pipeline/resume/resume-filter.ts';
import { Resumption } from '../core/pipeline/resume/resumption.ts';
import type { InputFlags } from './input.ts';
import type { JournalFlags } from './journal-flags.ts';
import { type JournalWriting, openJournal } from './journal-target.ts';
import { grouped } from './numbers.ts';

/** Where people read how it goes. */
export interface Telling {
  readonly note: (text: string) => void;
  readonly caution: (text: string) => void;
}

/** How a run went on with a journal, for the report. */
export interface ResumeReport {
  readonly journal: string;
  /** Last event that the journal had. */
  readonly lastEvent: number;
  /** The segment whose image the books began with, and the events behind it; null where there was no journal yet. */
  readonly image: { readonly segment: number; readonly eventsBehind: number } | null;
  /** Segments whose image could not be used. */
  readonly badImages: readonly number[];
  /** What was cut off its end because it was not whole. */
  readonly trimmed: FoundJournal['trimmed'];
  readonly isNewEpoch: boolean;
  /** Events of the input that the journal had, or whose session was over. */
  readonly skipped: number;
  readonly channels: readonly ChannelResumed[];
}

/** A journal that a run goes on with. */
export interface ResumedJournal {
  readonly writing: JournalWriting;
  /** Null where there was none yet. */
  readonly resumption: Resumption | null;
}

/** Opens a journal to go on with it: its end is made whole, and the books are brought to where it ends. */
export async function resumeJournal(
  directory: string,
  flags: JournalFlags & Pick<InputFlags, 'instruments'>,
  version: string,
  tell: Telling,
  isLive: boolean,
): Promise<ResumedJournal> {
  const { FEEDS } = await import('../core/feeds/registry.ts');
  const { recoverBooks } = await import('../core/pipeline/resume/recover-books.ts');
  const { readInstruments } = await import('../core/pipeline/instruments-file.ts');
  const writing = await openJournal(directory, flags, 'resume', version, tell.caution, isLive);
  try {
    const naming = flags.instruments === undefined ? null : await readInstruments(flags.instruments);
    const options = { disk: NODE_DISK, directory, feeds: FEEDS, naming, tell: tell.caution };
    const recovered = recoverBooks(options);
    tell.note(recovered === null ? `${directory}: a new journal` : standingText(directory, recovered));
    if (writing.conversion.writer.found.isNewEpoch && recovered !== null) {
      tell.caution(`${directory}: what was not durable may be missing, so it goes on as a new epoch`);
    }
    return { writing, resumption: recovered === null ? null : new Resumption(recovered) };
  } catch (error) {
    writing.conversion.abandon();
    throw error;
  }
}

export function resumeReport(directory: string, { writing, resumption }: ResumedJournal): ResumeReport {
  const { trimmed, isNewEpoch, lastEvent } = writing.conversion.writer.found;
  const recovered = resumption?.recovered ?? null;
  const channels = resumption?.channels ?? [];
  return {
    journal: directory,
    lastEvent,
    image:
      recovered === null ? null : { segment: recovered.imageSegment, eventsBehind: recovered.eventsApplied },
    badImages: recovered?.badImages ?? [],
    trimmed,
    isNewEpoch,
    skipped: channels.reduce((sum, { skipped }) => sum + skipped, 0),
    channels,
  };
}

/** Says how each channel went on; those that did so without a word are one line together. */
export function tellResumed({ channels, skipped }: ResumeReport, { note, caution }: Telling): void {
  for (const { channel, state, messages, old } of channels) {
    const count = messages === null ? 'messages, how many is not known,' : `${grouped(messages)} messages`;
    if (old > 0) note(`channel ${channel}: ${grouped(old)} events of sessions that are over were left out`);
    if (state === 'hole') {
      caution(`channel ${channel}: ${count} between journal and input are lost; its books are stale`);
    } else if (state === 'session') note(`channel ${channel}: the input begins in a later session`);
    else if (state === 'ahead' && messages !== null && messages > 0) {
      note(`channel ${channel}: the journal is ahead of the input by ${count}: nothing is new`);
    } else if (state === 'ahead') {
      note(`channel ${channel}: the input ends before it reaches the journal's end: nothing is new`);
    }
  }
  note(`${grouped(skipped)} events of the input were in the journal already`);
}

function standingText(directory: string, recovered: Recovered): string {
  const { lastEvent, imageSegment, eventsApplied } = recovered;
  const image = `image of segment ${imageSegment} and ${grouped(eventsApplied)} events behind it`;
  return `${directory}: goes on behind event ${grouped(lastEvent)} (${image})`;
}
