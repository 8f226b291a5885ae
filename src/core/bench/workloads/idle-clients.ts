import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { processCpuNs } from '../cpu-time.ts';
import { collectGarbage } from '../measure.ts';
import { Readers } from '../readers.ts';
import type { Workload } from '../workload.ts';
import { eventSender, rawV1Sender, type Sender, streamSender } from './senders.ts';

/** Clients that make the code and the heap ready, and those that are measured. */
const CLIENTS_BEFORE = 250;
const CLIENTS = 2000;

const SENDERS: Readonly<Record<'raw-v1' | 'json' | 'sse', () => Sender>> = {
  'raw-v1': rawV1Sender,
  json: () => eventSender(100),
  sse: () => streamSender('bbo'),
};

/**
 * Clients that connect and then neither say nor get anything: what the server holds for each, and what connecting costs it.
 * Resident memory is looked at once, at the first run: what clients have left is used again by those that come behind them.
 */
export function idleClients(protocol: keyof typeof SENDERS): Workload {
  let held: number | null = null;
  return {
    units: CLIENTS,
    bytes: null,
    note: `${CLIENTS} clients, CPU time of the server for connecting`,
    waits: true,
    reset() {},
    run() {},
    async measure() {
      const sender = SENDERS[protocol]();
      sender.server.listen(0, '127.0.0.1');
      await once(sender.server, 'listening');
      const { port } = sender.server.address() as AddressInfo;
      const clients = new Readers();
      await clients.join(port, sender.path, CLIENTS_BEFORE);
      const before = residentBytes();
      const cpu = processCpuNs();
      await clients.join(port, sender.path, CLIENTS);
      const ns = processCpuNs() - cpu;
      held ??= residentBytes() - before;
      clients.close();
      sender.close();
      return ns;
    },
    checksum: () => null,
    held: () => held ?? 0,
  };
}

/** Garbage is not counted; what the heap keeps free for objects to come is, so clients rather need less. */
function residentBytes(): number {
  collectGarbage();
  return process.memoryUsage.rss();
}
