import { setImmediate as nextTurn } from 'node:timers/promises';
import { JournalOutput } from '../core/convert/journal-output.ts';
import type { EventJournal } from '../core/journal/event-journal.ts';
import { type ExistingJournal, type JournalOptions, JournalWriter } from '../core/journal/journal-writer.ts';
import { bootId } from '../core/journal/machine.ts';
import { NODE_DISK } from '../core/journal/node-disk.ts';
import type { Writing } from './input-command.ts';
import { JOURNAL_COMMIT_MS, type JournalFlags, journalOptions } from './journal-flags.ts';

/** Longest stretch of work between two turns of the event loop, where signals and timers get their chance. */
const TURN_MS_MAX = 10;

/** A journal that a run is written to. */
export interface JournalWriting extends Writing {
  readonly conversion: JournalOutput;
}

/**
 * Opens a directory that a journal is written to. Throws MdxError `output-exists` where it is not empty, and `journal-…`.
 * @param isLive events come as they happen, and whoever takes them must not wait for a disk: another thread writes.
 */
export async function openJournal(
  directory: string,
  flags: JournalFlags,
  existing: ExistingJournal,
  version: string,
  tell: (text: string) => void,
  isLive: boolean,
): Promise<JournalWriting> {
  const options = { ...journalOptions(directory, flags), version, bootId: bootId() };
  const writer = isLive
    ? await openThreaded(options, existing, tell)
    : JournalWriter.open({ ...options, disk: NODE_DISK, tell }, existing);
  return { output: new Turns(), conversion: new JournalOutput(writer, JOURNAL_COMMIT_MS) };
}

async function openThreaded(
  options: Omit<JournalOptions, 'disk' | 'tell'>,
  existing: ExistingJournal,
  tell: (text: string) => void,
): Promise<EventJournal> {
  const { ThreadedJournal } = await import('../core/journal/threaded-journal.ts');
  const { wallTime: _, now: __, ...plain } = options;
  return ThreadedJournal.open(plain, existing, tell);
}

/** The disk is waited for where it is written to; what is left are turns of the event loop. */
class Turns {
  readonly closed = false;
  #turnAt: number = performance.now();

  async drain(): Promise<void> {
    if (performance.now() - this.#turnAt <= TURN_MS_MAX) return;
    await nextTurn();
    this.#turnAt = performance.now();
  }
}
