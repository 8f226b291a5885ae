import { workerData } from 'node:worker_threads';
import { Ring } from '../../src/core/packet/ring.ts';

/* A thread that sends back what it gets, in batches as they come. */

const { capacity, there, back, count } = workerData as {
  readonly capacity: number;
  readonly there: SharedArrayBuffer;
  readonly back: SharedArrayBuffer;
  readonly count: number;
};
const from = new Ring(capacity, there);
const to = new Ring(capacity, back);

for (let passed = 0; passed < count; ) {
  let value = from.take();
  if (value < 0) {
    from.wait(1000);
    value = from.take();
  }
  for (; value >= 0; value = from.take()) {
    while (!to.put(value)) {
      // Its reader is behind: what is put must be seen before there can be room.
      to.publish();
    }
    passed += 1;
  }
  from.release();
  to.publish();
}
