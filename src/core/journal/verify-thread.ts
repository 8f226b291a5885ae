import { parentPort, workerData } from 'node:worker_threads';
import { MdxError } from '../errors.ts';
import { FEEDS } from '../feeds/registry.ts';
import { NODE_DISK } from './node-disk.ts';
import { VERIFY_NEXT, VERIFY_STOP, type VerifyPlan, type VerifyWord } from './verify-plan.ts';
import { verifySegment } from './verify-run.ts';

/*
 * One of the threads that verify a journal: takes the next segment that nobody has, says how far it is, hands over what it
 * found, and ends when there is none left.
 */

const say = (word: VerifyWord): void => parentPort!.postMessage(word);

function work({ directory, files, control }: VerifyPlan): void {
  for (;;) {
    const index = Atomics.add(control, VERIFY_NEXT, 1);
    const file = files[index];
    if (file === undefined) return;
    const steps = verifySegment(NODE_DISK, directory, file, (feed) => rulesOf(feed));
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) {
        say({ kind: 'facts', index, facts: step.value });
        break;
      }
      if (Atomics.load(control, VERIFY_STOP) !== 0) return;
      say({ kind: 'bytes', bytes: step.value });
    }
  }
}

function rulesOf(name: string) {
  return FEEDS.find((feed) => feed.name === name)?.rules ?? null;
}

try {
  work(workerData as VerifyPlan);
} catch (error) {
  if (!(error instanceof MdxError)) throw error;
  say({ kind: 'failed', code: error.code, message: error.message });
}
