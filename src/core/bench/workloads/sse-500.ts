import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EventBatch } from '../../event/batch.ts';
import { processCpuNs } from '../cpu-time.ts';
import { EventSource } from '../event-stream.ts';
import { MachineClock } from '../machine-clock.ts';
import { collectGarbage, type Latency } from '../measure.ts';
import type { StreamRequest } from '../stream-plan.ts';
import type { Waits, Workload, WorkloadOptions } from '../workload.ts';
import { type StreamSender, streamSender } from './senders.ts';
import { INSTRUMENTS, SEED } from './synthetic.ts';

const LIVE = 1000;
const CLIENTS = 500;
/** Events of a phase: with all reading, and with one stopped. */
const EVENTS = 1000;
const PERIOD_NS = 1_000_000;
/** Events that the stopped client goes on behind: more than a connection that nobody reads from has room for. */
const BEHIND = 30_000;
/** More than the log keeps, so that it grows no more. */
const FILL = 50_000;
const FILL_STEP = 2000;
const LOOK_MS = 5;

/** What a phase was. */
interface Phase {
  readonly latency: Latency;
  readonly cpuNs: number;
}

/**
 * Clients of server-sent events that are each sent 1,000 events/s, with one more that takes nothing in one half of a run and
 * without it in the other: CPU time of the server, how late events are in both, and what memory it has gained by the end.
 */
export async function sse500(options: WorkloadOptions, clients: number = CLIENTS): Promise<Workload> {
  const readers = clients - 1;
  const stage = new Stage();
  await stage.join(readers);
  const events = Math.min(options.events, EVENTS);
  let waits: Waits | null = null;
  let residentBefore = 0;
  let resident = 0;
  let runs = 0;
  let isStoppedFirst = false;
  return {
    units: events * readers,
    bytes: null,
    note: `${clients} clients in another process, ${events} events a millisecond apart`,
    waits: true,
    reset() {},
    run() {},
    checksum: () => null,
    async measure() {
      // They change places, so that what changes with time is in both.
      isStoppedFirst = !isStoppedFirst;
      const before = isStoppedFirst ? null : await stage.phase(events);
      const stopped = await stage.withOneStopped(() => stage.phase(events));
      const reading = before ?? (await stage.phase(events));
      const what = 'the delay with all reading';
      const cost = stopped.cpuNs / reading.cpuNs;
      waits = { latency: stopped.latency, inTurn: { what, latency: reading.latency, cost } };
      collectGarbage();
      resident = process.memoryUsage.rss();
      runs += 1;
      // The first one still makes the heap what it is going to be.
      if (runs <= 2) residentBefore = resident;
      return stopped.cpuNs;
    },
    waited: () => waits!,
    held: () => resident - residentBefore,
    close: () => stage.close(),
  };
}

/** The server with its books, and the clients. */
class Stage {
  readonly #sender: StreamSender = streamSender('mbo');
  readonly #source: EventSource = new EventSource({
    instruments: INSTRUMENTS,
    live: LIVE,
    seed: SEED,
    shape: 'touch',
  });
  readonly #batch: EventBatch = new EventBatch();
  readonly #child: ChildProcess;
  readonly #clock: MachineClock = new MachineClock();
  #port = 0;
  #readers = 0;

  constructor() {
    const file = new URL(`../stream-clients${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    this.#child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  /** Fills the books, and the log while one client wants events; the others come behind that. */
  async join(clients: number): Promise<void> {
    const { server, hub } = this.#sender;
    for (let left = LIVE; left > 0; left -= this.#batch.count) {
      this.#batch.count = 0;
      this.#source.fill(this.#batch, left);
      this.#sender.publish(this.#batch);
    }
    this.#sender.flush();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    await this.#ask({ port: this.#port, clients: 1 });
    const first = hub.log.lastSeq;
    while (hub.log.lastSeq - first < FILL) {
      this.#publish(FILL_STEP);
      await pause(LOOK_MS);
    }
    await this.#ask({ port: this.#port, clients: clients - 1 });
    this.#readers = clients;
  }

  /** Publishes events at their times; resolves when every reader has them. */
  async phase(events: number): Promise<Phase> {
    const { hub, streams } = this.#sender;
    const startNs = this.#clock.ns();
    const done = this.#ask({ first: hub.log.lastSeq + 1, events, startNs, periodNs: PERIOD_NS });
    const cpu = processCpuNs();
    for (let published = 0; published < events; ) {
      const due = Math.min(events, Math.ceil((this.#clock.ns() - startNs) / PERIOD_NS));
      if (due > published) {
        this.#publish(due - published);
        published = due;
        await nextTurn();
      } else await pause(1);
    }
    const latency = (await done) as Latency;
    const lost = streams.views().filter(({ skipped }, at) => at < this.#readers && skipped > 0);
    if (lost.length > 0) throw new Error(`${lost.length} clients that read were told that they lost events`);
    return { latency, cpuNs: processCpuNs() - cpu };
  }

  /** One more client is there meanwhile, which reads nothing and takes nothing more. */
  async withOneStopped(phase: () => Promise<Phase>): Promise<Phase> {
    const { hub, streams } = this.#sender;
    const behind = `${hub.run}-${hub.log.lastSeq - BEHIND}`;
    const before = streams.views().length;
    this.#child.send({ port: this.#port, behind } satisfies StreamRequest);
    for (let pending = -1; ; await pause(LOOK_MS)) {
      const { pendingBytes } = streams.views()[before] ?? { pendingBytes: 0 };
      if (pendingBytes > 0 && pendingBytes === pending) break;
      pending = pendingBytes;
    }
    const done = await phase();
    this.#child.send({ stopped: null } satisfies StreamRequest);
    while (streams.views().length > before) await pause(LOOK_MS);
    return done;
  }

  close(): void {
    this.#child.kill();
    this.#sender.close();
  }

  #publish(events: number): void {
    this.#batch.count = 0;
    this.#source.steady(this.#batch, events);
    this.#sender.publish(this.#batch);
    this.#sender.flush();
  }

  async #ask(request: StreamRequest): Promise<unknown> {
    this.#child.send(request);
    const [answer] = await once(this.#child, 'message');
    return answer;
  }
}
