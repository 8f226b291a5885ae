import { parentPort, workerData } from 'node:worker_threads';
import { MdxError } from '../errors.ts';
import { ThreadCpu } from '../observe/thread-cpu.ts';
import { JournalConsumer } from './journal-consumer.ts';
import { JournalControl, STATE_DEAD, STATE_ENDED, STATE_OPEN } from './journal-control.ts';
import type { JournalPlan, JournalWord } from './journal-plan.ts';
import { JournalRing } from './journal-ring.ts';
import { JournalWriter } from './journal-writer.ts';
import { NODE_DISK } from './node-disk.ts';

/*
 * The thread of a journal: opens it, says what was there, writes what comes through the ring until it is closed, and ends
 * by itself.
 */

/** The clock of the commits is looked at so often while nothing comes. */
const NAP_MS = 2;

const plan = workerData as JournalPlan;
const control = new JournalControl(plan.control);
let say = (word: JournalWord): void => parentPort!.postMessage(word);

/** @returns null where it cannot be opened, which is said. */
function open(): JournalWriter | null {
  const options = {
    ...plan.options,
    disk: NODE_DISK,
    wallTime: () => BigInt(Date.now()) * 1_000_000n,
    now: () => performance.now(),
    tell: (text: string) => say({ kind: 'tell', text }),
  };
  try {
    return JournalWriter.open(options, plan.existing);
  } catch (error) {
    if (!(error instanceof MdxError)) throw error;
    const { code, message, hint } = error;
    say({ kind: 'failed', code, message, hint });
    return null;
  }
}

function write(writer: JournalWriter): void {
  say({ kind: 'opened', found: writer.found });
  say = (word) => {
    plan.port.postMessage(word);
    control.say();
  };
  control.setState(STATE_OPEN);
  const ring = new JournalRing(plan.slots, plan.ring);
  const consumer = new JournalConsumer(ring, control, writer, (word) => say(word));
  const cpuTime = new ThreadCpu(plan.cpuTime);
  while (!consumer.ended) {
    if (!consumer.turn() && !consumer.ended) ring.wait(NAP_MS);
    cpuTime.note(performance.now());
  }
}

try {
  const writer = open();
  if (writer !== null) write(writer);
} finally {
  if (control.state < STATE_ENDED) control.setState(STATE_DEAD);
  plan.port.close();
}
