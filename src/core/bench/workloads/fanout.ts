import { DBN_FORM } from '../../publish/events/dbn-form.ts';
import { Audience } from '../audience.ts';
import { processCpuNs } from '../cpu-time.ts';
import { makeEventStream } from '../event-stream.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { loopSender } from './loop-sender.ts';
import { eventSender, rawV1Sender, type Sender } from './senders.ts';
import { INSTRUMENTS, SEED } from './synthetic.ts';

const LIVE = 10_000;
/** Frames that are sent to all clients together in one run, at most. */
const SENT_MAX = 4_000_000;

/** Order changes to raw-v1 clients in another process: ns of the clock for a frame that one client has. */
export function fanOut(options: WorkloadOptions, clients: number): Promise<Workload> {
  return make(options, clients, 'clock', rawV1Sender());
}

/** The same: ns of this process's CPU for a frame that is sent. */
export function fanOutCpu(options: WorkloadOptions, clients: number): Promise<Workload> {
  return make(options, clients, 'cpu', rawV1Sender());
}

/** What comes to mind first: a loop over the clients that makes the frame for each, and sends it. */
export function loopOut(options: WorkloadOptions, clients: number): Promise<Workload> {
  return make({ ...options, events: Math.min(options.events, 4000) }, clients, 'cpu', loopSender());
}

/** Events as JSON to one client: ns of the clock for an event that it has. @param batchMax events of a message. */
export function eventsOut(options: WorkloadOptions, batchMax: number): Promise<Workload> {
  return make(few(options), 1, 'clock', eventSender(batchMax));
}

/** The same as records of DBN. */
export function recordsOut(options: WorkloadOptions, batchMax: number): Promise<Workload> {
  return make(few(options), 1, 'clock', eventSender(batchMax, DBN_FORM));
}

function few(options: WorkloadOptions): WorkloadOptions {
  return { ...options, events: Math.min(options.events, 400_000) };
}

async function make(
  options: WorkloadOptions,
  clients: number,
  what: 'clock' | 'cpu',
  sender: Sender,
): Promise<Workload> {
  const events = Math.min(options.events, Math.floor(SENT_MAX / clients));
  const stream = makeEventStream({
    instruments: INSTRUMENTS,
    live: LIVE,
    events,
    seed: SEED,
    shape: 'touch',
  });
  for (const batch of stream.fill) sender.publish(batch);
  sender.flush();
  const audience = new Audience(sender);
  await audience.join(clients);
  let units = 0;
  return {
    /** What the last run brought: known when it was warmed up. */
    get units() {
      return units;
    },
    bytes: null,
    note: `${clients} clients in another process, ${events} events`,
    waits: true,
    reset() {},
    run() {},
    checksum: () => null,
    async measure() {
      const cpu = processCpuNs();
      const first = sender.published();
      const started = process.hrtime.bigint();
      await audience.take(stream.steady);
      const elapsed = Number(process.hrtime.bigint() - started);
      units = (sender.published() - first) * clients;
      return what === 'clock' ? elapsed : processCpuNs() - cpu;
    },
    close() {
      audience.close();
      sender.close();
    },
  };
}
