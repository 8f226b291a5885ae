import { setImmediate } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { openSender } from '../net/udp-sender.ts';
import { BURST_ASKED, BURST_COUNT, BURST_SENT, type BurstPlan } from './burst-plan.ts';

/* Sends a burst each time it is asked for one; ends with its process. */

const { sender: options, payloadBytes, control } = workerData as BurstPlan;
const sender = await openSender(options);
const payload = new Uint8Array(payloadBytes);
const view = new DataView(payload.buffer);
let number = 0;
Atomics.store(control, BURST_SENT, 0);
Atomics.notify(control, BURST_SENT);
for (let bursts = 0; ; bursts += 1) {
  Atomics.wait(control, BURST_ASKED, bursts);
  const count = Atomics.load(control, BURST_COUNT);
  for (let packet = 0; packet < count; packet += 1) {
    view.setUint32(0, number, true);
    number += 1;
    sender.send(payload, 0, payloadBytes);
  }
  sender.flush();
  // Without native calls sending takes its time.
  while (sender.sent + sender.sendErrors < number) await setImmediate();
  Atomics.store(control, BURST_SENT, bursts + 1);
  Atomics.notify(control, BURST_SENT);
}
