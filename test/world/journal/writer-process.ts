/*
 * A process that writes a journal until it is killed: node writer-process.ts '{"directory":…}' (a KillPlan). It says on its
 * standard output, at once and in order, what it does:
 *
 *     r N   it goes on behind event N        a N   events up to N are acknowledged
 *     i     it waits inside a write          u     it waits between a write and its sync
 *     e     it has written everything, and closed the journal
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { Random } from '../../../src/core/binary/random.ts';
import { JournalWriter } from '../../../src/core/journal/journal-writer.ts';
import { NODE_DISK } from '../../../src/core/journal/node-disk.ts';
import type { KillPlan } from './kills.ts';
import { recover } from './recovery.ts';
import { splittingDisk } from './splitting-disk.ts';
import { journalBooks, Workload } from './workload.ts';

/** Nobody waits longer for the signal that ends this process. */
const WAIT_MS = 20_000;
const STANDARD_OUTPUT = 1;

// A process that is killed leaves the next one nothing otherwise.
flushCompileCache();
const plan = JSON.parse(process.argv[2]!) as KillPlan;
const random = new Random(plan.seed);
const workload = new Workload(plan.session, plan.events);
let places = 0;

const disk = splittingDisk(NODE_DISK, random, {
  inside: () => waitAt('inside', 'i'),
  unsynced: () => waitAt('unsynced', 'u'),
});
const before = recover(NODE_DISK, plan.directory, workload);
const writer = JournalWriter.open({
  disk,
  directory: plan.directory,
  version: '0.0.0',
  bootId: plan.bootId,
  wallTime: () => BigInt(Date.now()) * 1_000_000n,
  now: () => performance.now(),
  fsync: plan.fsync,
  commitMs: 1,
  segmentBytes: plan.segmentBytes,
  segmentEvents: 5e6,
  keepBytes: null,
  keepNs: null,
  compress: plan.compress,
  minFreeBytes: 0,
  tell: () => {},
});
let acknowledged = -1;
say(`r ${writer.found.lastEvent}`);
writer.begin({ timeBase: 'utc', sources: [{ feed: 'x', name: 'x' }] }, journalBooks(before.books));
workload.play(
  before.books,
  writer.found.lastEvent,
  plan.events,
  (batch, from, to) => {
    writer.append(batch, from, to);
    acknowledge();
  },
  () => {
    if (random.below(2) === 0) writer.commit();
    writer.tick();
    acknowledge();
    return true;
  },
);
writer.close();
acknowledge();
say('e');

function acknowledge(): void {
  if (writer.failure !== null) throw writer.failure;
  if (writer.durable === acknowledged) return;
  acknowledged = writer.durable;
  say(`a ${acknowledged}`);
}

function waitAt(kind: KillPlan['kind'], word: string): void {
  if (plan.kind !== kind) return;
  places += 1;
  if (places !== plan.place) return;
  say(word);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
}

function say(line: string): void {
  writeSync(STANDARD_OUTPUT, `${line}\n`);
}
