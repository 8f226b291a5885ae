import { dearer, from, type Profile } from '../profile.ts';

const journalWrite = from(() => import('../workloads/journal-write.ts'));
const journalRead = from(() => import('../workloads/journal-read.ts'));
const journalImage = from(() => import('../workloads/journal-image.ts'));
const journalSize = from(() => import('../workloads/journal-size.ts'));

/** Writing journals, and reading them again. */
export const JOURNALS_PROFILES: readonly Profile[] = [
  {
    name: 'journal-engine',
    title: 'records to the thread of a journal: what whoever has them needs for that',
    unit: 'event',
    against: dearer('apply-100k'),
    make: journalWrite(({ writeOnThread }, options) => writeOnThread(options, 'engine')),
  },
  {
    name: 'journal-threads',
    title: 'the same on all threads: frames, sums, writing, syncing',
    unit: 'event',
    against: dearer('apply-100k'),
    make: journalWrite(({ writeOnThread }, options) => writeOnThread(options, 'all')),
  },
  {
    name: 'journal-here',
    title: 'the same records to a journal on the same thread, as for files',
    unit: 'event',
    against: dearer('apply-100k'),
    make: journalWrite(({ writeHere }, options) => writeHere(options)),
  },
  {
    name: 'journal-verify',
    title: 'a journal verified on one thread, books with 100,000 live orders',
    unit: 'event',
    against: dearer('apply-100k'),
    make: journalRead(({ verifyJournal }, options) => verifyJournal(options)),
  },
  {
    name: 'journal-open',
    title: 'the books at a random time of a journal',
    unit: 'opening',
    against: null,
    make: journalRead(({ openJournalAt }, options) => openJournalAt(options)),
  },
  {
    name: 'journal-restart',
    title: 'the books at the end of a journal: its last image and as many events behind it',
    unit: 'restart',
    against: null,
    make: journalRead(({ restart }, options) => restart(options)),
  },
  {
    name: 'journal-image',
    title: 'the longest that events wait while an image of all books is taken',
    unit: 'image',
    against: null,
    make: journalImage(({ imagePause }, options) => imagePause(options)),
  },
  {
    name: 'journal-compress',
    title: 'closed segments of a simulated ITCH day to their compressed form',
    unit: 'event',
    against: null,
    make: journalSize(({ compressBlocks }, options) => compressBlocks(options, 'pack')),
  },
  {
    name: 'journal-unpack',
    title: 'the same back to frames',
    unit: 'event',
    against: null,
    make: journalSize(({ compressBlocks }, options) => compressBlocks(options, 'unpack')),
  },
];
