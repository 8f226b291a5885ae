import { EventParquet } from '../convert/event-parquet.ts';
import { EventText } from '../convert/event-text.ts';
import { mbp10Tape } from './mbp10-stream.ts';
import type { Workload, WorkloadOptions } from './workload.ts';
import { applyToMarket, applyToObjects } from './workloads/apply.ts';
import { captureWalk } from './workloads/capture-walk.ts';
import { convertDbn } from './workloads/convert.ts';
import { decodeDbn } from './workloads/dbn.ts';
import { eventsOut, fanOut, fanOutCpu, loopOut } from './workloads/fanout.ts';
import { handOff } from './workloads/hand-off.ts';
import { ingest } from './workloads/ingest.ts';
import { imagePause } from './workloads/journal-image.ts';
import { openJournalAt, restart, verifyJournal } from './workloads/journal-read.ts';
import { compressBlocks } from './workloads/journal-size.ts';
import { writeHere, writeOnThread } from './workloads/journal-write.ts';
import { mergeLines } from './workloads/merge.ts';
import { decodePackets, EOBI, FAST_LIKE, ITCH, steadyPackets } from './workloads/packets.ts';
import { receive } from './workloads/receive.ts';
import { walkRing } from './workloads/ring-walk.ts';
import { hashBooks } from './workloads/state-hash.ts';

/** How a profile stands to another one of the same run. */
export interface Comparison {
  readonly profile: string;
  /** `speed`: how many times as fast as the other; `cost`: how many times its time per unit. */
  readonly as: 'speed' | 'cost';
  /** Both handle the same events, so both must end with the same books. */
  readonly sameBooks: boolean;
}

/** One thing to measure. */
export interface Profile {
  readonly name: string;
  readonly title: string;
  /** What is counted: `event`, `message`, … */
  readonly unit: string;
  readonly against: Comparison | null;
  /** Builds what runs in a process of its own; null: the whole program is started instead. */
  readonly make: ((options: WorkloadOptions) => Workload | Promise<Workload>) | null;
}

const faster = (profile: string): Comparison => ({ profile, as: 'speed', sameBooks: true });
/** Another feed: other bytes and ids for the same events. */
const asFast = (profile: string): Comparison => ({ profile, as: 'speed', sameBooks: false });
const dearer = (profile: string): Comparison => ({ profile, as: 'cost', sameBooks: false });

/** All profiles, in the order in which they are run and reported. */
export const PROFILES: readonly Profile[] = [
  {
    name: 'apply-10k',
    title: 'apply records to books with 10,000 live orders',
    unit: 'event',
    against: faster('object-book-10k'),
    make: (options) => applyToMarket(options, 10_000, 'touch'),
  },
  {
    name: 'object-book-10k',
    title: 'the same records, a book of Maps and objects',
    unit: 'event',
    against: null,
    make: (options) => applyToObjects(options, 10_000, 'touch'),
  },
  {
    name: 'apply-100k',
    title: 'apply records to books with 100,000 live orders',
    unit: 'event',
    against: faster('object-book-100k'),
    make: (options) => applyToMarket(options, 100_000, 'touch'),
  },
  {
    name: 'object-book-100k',
    title: 'the same records, a book of Maps and objects',
    unit: 'event',
    against: null,
    make: (options) => applyToObjects(options, 100_000, 'touch'),
  },
  {
    name: 'apply-1m',
    title: 'apply records to books with 1,000,000 live orders',
    unit: 'event',
    against: faster('object-book-1m'),
    make: (options) => applyToMarket(options, 1_000_000, 'touch'),
  },
  {
    name: 'object-book-1m',
    title: 'the same records, a book of Maps and objects',
    unit: 'event',
    against: null,
    make: (options) => applyToObjects(options, 1_000_000, 'touch'),
  },
  {
    name: 'churn',
    title: 'the touch made and emptied with every pair of records',
    unit: 'event',
    against: dearer('apply-100k'),
    make: (options) => applyToMarket(options, 100_000, 'churn'),
  },
  {
    name: 'clusters',
    title: 'records in two price clusters a million ticks apart',
    unit: 'event',
    against: dearer('apply-100k'),
    make: (options) => applyToMarket(options, 100_000, 'clusters'),
  },
  {
    name: 'decode-itch',
    title: 'MoldUDP64 packets of ITCH in memory to event records',
    unit: 'message',
    against: null,
    make: (options) => decodePackets(ITCH, options, false),
  },
  {
    name: 'itch-apply',
    title: 'the same packets to event records to books with 100,000 live orders',
    unit: 'message',
    against: null,
    make: (options) => decodePackets(ITCH, options, true),
  },
  {
    name: 'decode-eobi',
    title: 'T7 packets of EOBI in memory to event records',
    unit: 'message',
    against: asFast('decode-itch'),
    make: (options) => decodePackets(EOBI, options, false),
  },
  {
    name: 'eobi-apply',
    title: 'the same packets to event records to books with 100,000 live orders',
    unit: 'message',
    against: asFast('itch-apply'),
    make: (options) => decodePackets(EOBI, options, true),
  },
  {
    name: 'decode-fast-like',
    title: 'FAST-like packets in memory to event records',
    unit: 'message',
    against: asFast('decode-itch'),
    make: (options) => decodePackets(FAST_LIKE, options, false),
  },
  {
    name: 'fast-like-apply',
    title: 'the same packets to event records to books with 100,000 live orders',
    unit: 'message',
    against: asFast('itch-apply'),
    make: (options) => decodePackets(FAST_LIKE, options, true),
  },
  {
    name: 'decode-dbn',
    title: 'DBN mbo records in memory to event records',
    unit: 'record',
    against: null,
    make: (options) => decodeDbn(options, false),
  },
  {
    name: 'dbn-apply',
    title: 'the same to books, crossed ones counted at the end of every group',
    unit: 'record',
    against: null,
    make: (options) => decodeDbn(options, true),
  },
  {
    name: 'convert-ndjson',
    title: 'DBN mbo records in memory to books and a line of JSON for every event',
    unit: 'record',
    against: null,
    make: (options) => convertDbn(options, (sink) => new EventText(sink, 'ndjson')),
  },
  {
    name: 'convert-csv',
    title: 'the same to lines of CSV',
    unit: 'record',
    against: null,
    make: (options) => convertDbn(options, (sink) => new EventText(sink, 'csv')),
  },
  {
    name: 'convert-parquet',
    title: 'the same to a Parquet file',
    unit: 'record',
    against: null,
    make: (options) => convertDbn(options, (sink) => new EventParquet(sink)),
  },
  {
    name: 'decode-mbp10',
    title: 'DBN mbp-10 records in memory to event records of what changed',
    unit: 'record',
    against: null,
    make: (options) => decodeDbn(options, false, mbp10Tape()),
  },
  {
    name: 'capture-walk',
    title: 'a pcap file in memory to UDP payloads',
    unit: 'packet',
    against: null,
    make: captureWalk,
  },
  {
    name: 'state-hash',
    title: 'the canonical hash of books with 100,000 live orders',
    unit: 'order',
    against: null,
    make: hashBooks,
  },
  {
    name: 'steady-state',
    title: 'ITCH packets to books without end: heap growth and garbage collections',
    unit: 'message',
    against: null,
    make: (options) => steadyPackets(ITCH, options),
  },
  {
    name: 'ring',
    title: 'packets of 64 bytes from one thread to another in bursts of 32',
    unit: 'packet',
    against: null,
    make: handOff,
  },
  {
    name: 'merge',
    title: 'two lines of MoldUDP64 in memory, 5 % lost on each and cut differently, to one that is cut anew',
    unit: 'packet',
    against: null,
    make: mergeLines,
  },
  {
    name: 'journal-engine',
    title: 'records to the thread of a journal: what whoever has them needs for that',
    unit: 'event',
    against: dearer('apply-100k'),
    make: (options) => writeOnThread(options, 'engine'),
  },
  {
    name: 'journal-threads',
    title: 'the same on all threads: frames, sums, writing, syncing',
    unit: 'event',
    against: dearer('apply-100k'),
    make: (options) => writeOnThread(options, 'all'),
  },
  {
    name: 'journal-here',
    title: 'the same records to a journal on the same thread, as for files',
    unit: 'event',
    against: dearer('apply-100k'),
    make: writeHere,
  },
  {
    name: 'journal-verify',
    title: 'a journal verified on one thread, books with 100,000 live orders',
    unit: 'event',
    against: dearer('apply-100k'),
    make: verifyJournal,
  },
  {
    name: 'journal-open',
    title: 'the books at a random time of a journal',
    unit: 'opening',
    against: null,
    make: openJournalAt,
  },
  {
    name: 'journal-restart',
    title: 'the books at the end of a journal: its last image and as many events behind it',
    unit: 'restart',
    against: null,
    make: restart,
  },
  {
    name: 'journal-image',
    title: 'the longest that events wait while an image of all books is taken',
    unit: 'image',
    against: null,
    make: imagePause,
  },
  {
    name: 'journal-compress',
    title: 'closed segments of a simulated ITCH day to their compressed form',
    unit: 'event',
    against: null,
    make: (options) => compressBlocks(options, 'pack'),
  },
  {
    name: 'journal-unpack',
    title: 'the same back to frames',
    unit: 'event',
    against: null,
    make: (options) => compressBlocks(options, 'unpack'),
  },
  {
    name: 'rx-dgram',
    title: 'datagrams of 64 bytes into the pool: the receiving thread with the sockets of Node',
    unit: 'packet',
    against: null,
    make: (options) => receive(options, 'dgram'),
  },
  {
    name: 'rx-mmsg',
    title: 'the same with recvmmsg',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: (options) => receive(options, 'mmsg'),
  },
  {
    name: 'rx-ring-v3',
    title: 'the same with a packet ring of version 3',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: (options) => receive(options, 'ring-v3'),
  },
  {
    name: 'rx-ring-walk',
    title: 'the same frames in memory as such a ring has them, without the kernel',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: walkRing,
  },
  {
    name: 'rx-ring-v2',
    title: 'the same with a packet ring of version 2',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: (options) => receive(options, 'ring-v2'),
  },
  {
    name: 'rx-xdp',
    title: 'the same with AF_XDP in generic mode',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: (options) => receive(options, 'xdp'),
  },
  {
    name: 'ingest-one',
    title: 'records of one sender over TCP to books',
    unit: 'record',
    against: null,
    make: (options) => ingest(options, 1, 0),
  },
  {
    name: 'ingest-1024',
    title: 'the same from 1,024 senders',
    unit: 'record',
    against: dearer('ingest-one'),
    make: (options) => ingest(options, 1024, 0),
  },
  {
    name: 'ingest-threads',
    title: 'the same, heard by two threads beside the one with the books',
    unit: 'record',
    against: dearer('ingest-1024'),
    make: (options) => ingest(options, 1024, 2),
  },
  {
    name: 'replay',
    title: 'the whole mdx replay of an ITCH capture, start and report included',
    unit: 'message',
    against: null,
    make: null,
  },
  {
    name: 'serve-json',
    title: 'events as JSON to one client in another process, up to 100 in a message, by the clock',
    unit: 'event',
    against: null,
    make: (options) => eventsOut(options, 100),
  },
  {
    name: 'serve-json-single',
    title: 'the same, one in a message',
    unit: 'event',
    against: { profile: 'serve-json', as: 'cost', sameBooks: false },
    make: (options) => eventsOut(options, 1),
  },
  {
    name: 'fanout-1',
    title: 'order changes as raw-v1 to one client in another process, by the clock',
    unit: 'frame',
    against: null,
    make: (options) => fanOut(options, 1),
  },
  {
    name: 'fanout-1-cpu',
    title: 'the same in CPU time of the server',
    unit: 'frame',
    against: null,
    make: (options) => fanOutCpu(options, 1),
  },
  {
    name: 'fanout-100',
    title: 'the same to 100 clients, a unit is a frame that one of them has',
    unit: 'frame',
    against: null,
    make: (options) => fanOut(options, 100),
  },
  {
    name: 'fanout-100-cpu',
    title: 'the same in CPU time of the server',
    unit: 'frame',
    against: { profile: 'fanout-100-loop', as: 'speed', sameBooks: false },
    make: (options) => fanOutCpu(options, 100),
  },
  {
    name: 'fanout-100-loop',
    title: 'a loop over 100 clients that makes the frame for each, in CPU time of the server',
    unit: 'frame',
    against: null,
    make: (options) => loopOut(options, 100),
  },
];

export function profileNamed(name: string): Profile | undefined {
  return PROFILES.find((profile) => profile.name === name);
}

/** Names that stand for several profiles. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  serve: PROFILES.filter(({ name }) => name.startsWith('serve-')).map(({ name }) => name),
  fanout: PROFILES.filter(({ name }) => name.startsWith('fanout-')).map(({ name }) => name),
  journal: PROFILES.filter(({ name }) => name.startsWith('journal-')).map(({ name }) => name),
  ingest: PROFILES.filter(({ name }) => name.startsWith('ingest-')).map(({ name }) => name),
  rx: PROFILES.filter(({ name }) => name.startsWith('rx-')).map(({ name }) => name),
};
