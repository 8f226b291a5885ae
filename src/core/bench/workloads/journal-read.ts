import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../binary/random.ts';
import { bigHigh, bigLow } from '../../binary/time.ts';
import { FEEDS } from '../../feeds/registry.ts';
import { segmentFiles } from '../../journal/directory.ts';
import { NODE_DISK } from '../../journal/node-disk.ts';
import { verify } from '../../journal/verify.ts';
import { recoverBooks } from '../../pipeline/resume/recover-books.ts';
import { processCpuNs } from '../cpu-time.ts';
import { BenchFolder, EVENT_GAP_NS, makeJournal, OPEN_NS } from '../journal-maker.ts';
import { readAll } from '../whole-run.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { LIVE, marketChecksum, SEED } from './synthetic.ts';

const MILLION = 1_000_000;
/** Events of the journal that is opened at random times, where it is given a folder. */
const DAY_EVENTS = 100 * MILLION;
const OPENINGS = 3;

/** CPU time of the whole process until `work` is done, ns. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = processCpuNs();
  await work();
  return processCpuNs() - before;
}

/** Verifies a journal on one thread: sums, order, books, and their hash at images and closes. */
export function verifyJournal(options: WorkloadOptions): Workload {
  const folder = new BenchFolder();
  const path = join(folder.path, 'j');
  const events = makeJournal(path, { live: LIVE, events: options.events * 2 });
  const check = async (): Promise<void> => {
    const verified = await verify({
      disk: NODE_DISK,
      path,
      isDirectory: true,
      isLive: false,
      bootId: '',
      rulesOf: (name) => FEEDS.find((feed) => feed.name === name)?.rules ?? null,
      jobs: 1,
      progress: () => {},
      stop: () => false,
    });
    const { damage, failed } = verified!.judgement;
    if (damage.length + failed.length > 0) throw new Error('the journal that was made is damaged');
  };
  return {
    units: events,
    bytes: null,
    note: `${events} events; sums, order, books, their hash at the image and at the close`,
    waits: true,
    reset() {},
    run() {},
    measure: () => cpuOf(check),
    checksum: () => null,
    close: () => folder.remove(),
  };
}

/** The books at random times of a journal. */
export function openJournalAt(options: WorkloadOptions): Workload {
  const folder = new BenchFolder();
  const path = options.journal ?? join(folder.path, 'j');
  const isDay = options.journal !== null;
  if (isDay && !existsSync(path)) makeJournal(path, { live: LIVE, events: DAY_EVENTS });
  const perSegment = Math.max(LIVE, options.events);
  const events = isDay
    ? DAY_EVENTS
    : makeJournal(path, { live: LIVE, events: options.events * 5, segmentEvents: perSegment });
  const random = new Random(SEED);
  const open = async (): Promise<void> => {
    for (let opening = 0; opening < OPENINGS; opening += 1) {
      const time = OPEN_NS + BigInt(Math.floor(random.unit() * events)) * BigInt(EVENT_GAP_NS);
      await openAt(path, time);
    }
  };
  const size = isDay ? '' : ': far fewer than 100 million, for which --journal DIR is there';
  return {
    units: OPENINGS,
    bytes: null,
    note: `a journal of ${events} events in ${segments(path)} segments${size}`,
    waits: true,
    reset() {},
    run() {},
    measure: () => cpuOf(open),
    checksum: () => null,
    close: () => folder.remove(),
  };
}

async function openAt(path: string, time: bigint): Promise<void> {
  const stopAt = { kind: 'venue', high: bigHigh(time), low: bigLow(time) } as const;
  const { books } = await readAll(path, { stopAt, seeks: true });
  if (books.markets.length === 0) throw new Error(`no books at ${time}`);
}

/** What a restart does before it goes on: a million orders from the last image, and a million events behind it. */
export function restart(options: WorkloadOptions): Workload {
  const folder = new BenchFolder();
  const directory = join(folder.path, 'j');
  const live = options.events;
  makeJournal(directory, { live, events: options.events * 2, lastSegment: options.events });
  let recovered: ReturnType<typeof recoverBooks> = null;
  return {
    units: 1,
    bytes: null,
    note: `${live} live orders, ${options.events} events behind the image`,
    reset() {
      recovered = null;
    },
    run() {
      recovered = recoverBooks({ disk: NODE_DISK, directory, feeds: FEEDS, naming: null, tell: () => {} });
    },
    checksum: () => marketChecksum(recovered!.books.markets[0]!),
    close: () => folder.remove(),
  };
}

function segments(path: string): number {
  return segmentFiles(NODE_DISK.list(path)).length;
}
