import { workerData } from 'node:worker_threads';
import { Doorbell } from '../../src/core/net/doorbell.ts';
import { Ring } from '../../src/core/packet/ring.ts';

/* A thread that puts numbers and rings for each, now closely, now with pauses in which the other one falls asleep. */

const { capacity, ring, bell, count } = workerData as {
  readonly capacity: number;
  readonly ring: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  readonly count: number;
};
const to = new Ring(capacity, ring);
const doorbell = new Doorbell(bell);
const nobody = new Int32Array(new SharedArrayBuffer(4));
const PAUSES_MS = [0, 0, 0, 0.02, 0.05, 0, 0, 0.4, 0, 0.01, 0, 1];

for (let sent = 0; sent < count; sent += 1) {
  if (sent % 10 === 0) Atomics.wait(nobody, 0, 0, PAUSES_MS[(sent / 10) % PAUSES_MS.length]);
  while (!to.put(sent)) Atomics.wait(nobody, 0, 0, 0.1);
  to.publish();
  doorbell.ring();
}
