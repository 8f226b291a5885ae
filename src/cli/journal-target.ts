import { setImmediate as nextTurn } from 'node:timers/promises';
import { JournalOutput } from '../core/convert/journal-output.ts';
import { type ExistingJournal, JournalWriter } from '../core/journal/journal-writer.ts';
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

/** Opens a directory that a journal is written to. Throws MdxError `output-exists` where it is not empty, and `journal-…`. */
export function openJournal(
  directory: string,
  flags: JournalFlags,
  existing: ExistingJournal,
  version: string,
  tell: (text: string) => void,
): JournalWriting {
  const options = { ...journalOptions(directory, flags), disk: NODE_DISK, version, bootId: bootId(), tell };
  const writer = JournalWriter.open(options, existing);
  return { output: new Turns(), conversion: new JournalOutput(writer, JOURNAL_COMMIT_MS) };
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
