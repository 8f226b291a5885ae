import { setTimeout as pause } from 'node:timers/promises';
import { Audience } from '../audience.ts';
import { makeEventStream } from '../event-stream.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { eventSender } from './senders.ts';
import { INSTRUMENTS, SEED } from './synthetic.ts';

const LIVE = 10_000;
const EVENTS_MAX = 400_000;
const BATCH_MAX = 100;
/** How often the first run, whose bytes are not known yet, is looked at. */
const LOOK_MS = 5;

/**
 * Events that are made already, to one client in another process that goes on behind the first of them, again and again:
 * ns of the clock for an event that it has. This is how fast a client that was away has what it missed.
 */
export async function eventDrain(options: WorkloadOptions): Promise<Workload> {
  const sender = eventSender(BATCH_MAX);
  const { hub } = sender;
  const events = Math.min(options.events, EVENTS_MAX);
  const { fill, steady } = makeEventStream({
    instruments: INSTRUMENTS,
    live: LIVE,
    events,
    seed: SEED,
    shape: 'touch',
  });
  for (const batch of fill) sender.publish(batch);
  sender.flush();
  const audience = new Audience(sender);
  await audience.join(1);
  const behind = hub.log.lastSeq;
  await audience.take(steady);
  const units = hub.log.next - hub.log.after(behind);
  const from = { run: hub.run, seq: String(behind) };
  const request = JSON.stringify({ type: 'Subscribe', filter: { type: 'All' }, from });
  const first = { events: hub.sent, bytes: sender.bytes() };
  audience.say(request);
  while (hub.sent - first.events < units) await pause(LOOK_MS);
  const bytes = sender.bytes() - first.bytes;
  await audience.have(sender.bytes());
  return {
    units,
    bytes,
    note: `${units} events in memory`,
    waits: true,
    reset() {},
    run() {},
    checksum: () => null,
    async measure() {
      const before = { events: hub.sent, bytes: sender.bytes() };
      const started = process.hrtime.bigint();
      audience.say(request);
      await audience.have(before.bytes + bytes);
      const elapsed = Number(process.hrtime.bigint() - started);
      if (hub.sent - before.events !== units)
        throw new Error(`${hub.sent - before.events} of ${units} events`);
      return elapsed;
    },
    close() {
      audience.close();
      sender.close();
    },
  };
}
