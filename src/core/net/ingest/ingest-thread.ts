import { parentPort, workerData } from 'node:worker_threads';
import { MdxError } from '../../errors.ts';
import { ThreadCpu } from '../../observe/thread-cpu.ts';
import { ByteRing } from '../../packet/byte-ring.ts';
import { Doorbell } from '../doorbell.ts';
import { SaidWriter } from './said-ring.ts';
import { IngestServer } from './server.ts';
import type { IngestCounts } from './sink.ts';
import type { IngestPlan, ThreadCounts, ThreadMessage, ThreadOrder } from './thread-plan.ts';

/*
 * A thread that hears senders: it listens beside its sisters on one port, cuts what comes into messages, and puts these into
 * a ring. It ends by itself when it is asked to.
 */

const LOOK_MS = 250;

async function hear(plan: IngestPlan): Promise<void> {
  const control = new Int32Array(plan.control);
  const isAsked = (): boolean => Atomics.load(control, 0) !== 0;
  const doorbell = new Doorbell(plan.doorbell);
  const cpuTime = new ThreadCpu(plan.cpuTime);
  const said = new SaidWriter(ByteRing.attach(plan.ring), isAsked);
  const { host, port, limits } = plan;
  const server = await IngestServer.listen({ host, port, limits, shares: true });
  parentPort!.on('message', (order: ThreadOrder) => {
    if (order.kind === 'cut') server.cut(order.sender, order.ending);
    else server.wake();
  });
  say({ kind: 'listening', port: server.port });
  let told = 0;
  while (!isAsked()) {
    while (server.take(said)) {
      // One sender after the other.
    }
    if (said.flush()) doorbell.ring();
    const now = performance.now();
    if (now - told >= LOOK_MS) {
      told = now;
      cpuTime.note(now);
      say({ kind: 'counts', counts: countsOf(server.counts) });
    }
    await server.wait(LOOK_MS);
  }
  await server.close(said);
  said.flush();
  say({ kind: 'ended', counts: countsOf(server.counts) });
  doorbell.ring();
  parentPort!.close();
}

function countsOf({
  endings,
  accepted,
  connected,
  bytes,
  messages,
  heartbeats,
  held,
  pauses,
}: IngestCounts): ThreadCounts {
  return { accepted, connected, bytes, messages, heartbeats, held, pauses, endings: [...endings] };
}

function say(message: ThreadMessage): void {
  parentPort!.postMessage(message);
}

try {
  await hear(workerData as IngestPlan);
} catch (error) {
  if (!(error instanceof MdxError)) throw error;
  const { code, message, hint } = error;
  say({ kind: 'failed', code, message, hint });
}
