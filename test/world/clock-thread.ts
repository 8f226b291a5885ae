import { parentPort } from 'node:worker_threads';
import { ProcessClock } from '../../src/core/threads/process-clock.ts';

/*
 * Says what the clock of the process shows here whenever it is asked: ns since 1970. Asked with a number, the system's
 * clock is so many ms ahead from then on, as this thread sees it, and is followed.
 */

const realNow = Date.now;
const clock = new ProcessClock();
parentPort!.on('message', (aheadMs: number | null) => {
  if (aheadMs !== null) {
    Date.now = () => realNow() + aheadMs;
    clock.adjust();
  }
  clock.read();
  parentPort!.postMessage((BigInt(clock.high) << 32n) | BigInt(clock.low >>> 0));
});
