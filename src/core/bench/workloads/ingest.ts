import { setImmediate as nextTurn } from 'node:timers/promises';
import { SERVE_DEFAULTS } from '../../config/serve-defaults.ts';
import { MdxError } from '../../errors.ts';
import { run } from '../../pipeline/run.ts';
import { WHOLE_RUN } from '../../pipeline/run-defaults.ts';
import { Serve } from '../../serve/server.ts';
import { processCpuNs, threadCpuNs } from '../cpu-time.ts';
import { LIVE_MESSAGES } from '../ingest-plan.ts';
import { IngestReader, IngestSenders } from '../ingest-senders.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';

/** Records of a message, as many as a read brings where senders send all the time. */
const BATCH = 50;
/** 1,024 senders of 600 records each second. */
const PER_SECOND = 614_400;
/** Messages behind which the books are what they were in front of them. */
const CYCLE = LIVE_MESSAGES * 2;

/** What takes the records, in this process. */
interface Taker {
  /** Where senders connect. */
  readonly port: number;
  /** Resolves when so many records have come in all, each of them once. */
  have(records: number): Promise<void>;
  close(): void;
}

/**
 * Senders in another process, one message of 50 records after the other from sender to sender; this process takes them over
 * TCP, decodes them and builds the books of all. What counts is the CPU time of this process from the first record to
 * the last, all its threads and the kernel's work for its sockets included. Every record has to come. Everybody stays
 * connected between two rounds.
 */
export async function ingest(options: WorkloadOptions, senders: number, threads: number): Promise<Workload> {
  const note = `CPU time of the whole process that takes them, at ${PER_SECOND} records/s in messages of ${BATCH}`;
  return measured(options, senders, () => note, await takeInto(threads));
}

/** The same by a whole server: an engine, the ring to the main thread, and there one client that reads all. */
export async function ingestServed(
  options: WorkloadOptions,
  senders: number,
  form: 'json' | 'dbn',
): Promise<Workload> {
  const note = (share: number): string =>
    `CPU time of the whole server, ${Math.round(share * 100)} % of it in the thread that follows, makes ${form === 'json' ? 'JSON' : 'records of DBN'} and sends; a client in another process reads every record, in messages of up to ${SERVE_DEFAULTS.events.batchMax}`;
  return measured(options, senders, note, await serveThem(form));
}

async function measured(
  options: WorkloadOptions,
  senders: number,
  note: (mainShare: number) => string,
  taker: Taker,
): Promise<Workload> {
  const messages = Math.max(1, Math.round(options.events / senders / BATCH / CYCLE)) * CYCLE;
  const units = messages * BATCH * senders;
  const others = new IngestSenders();
  await others.connect({ port: taker.port, senders, batch: BATCH, perSecond: PER_SECOND });
  let wanted = 0;
  let mainShare = 0;
  return {
    units,
    bytes: null,
    /** Of the last run, so of the last one that it was warmed up with. */
    get note() {
      return note(mainShare);
    },
    waits: true,
    reset() {},
    run() {},
    async measure() {
      const before = processCpuNs();
      const mainBefore = threadCpuNs();
      others.send(messages);
      wanted += units;
      await Promise.race([taker.have(wanted), others.died]);
      const cpuNs = processCpuNs() - before;
      mainShare = (threadCpuNs() - mainBefore) / cpuNs;
      return cpuNs;
    },
    checksum: () => null,
    close() {
      others.close();
      taker.close();
    },
  };
}

/** A run into books, without anybody who looks at them. @param threads 0 = the one with the books hears the senders. */
async function takeInto(threads: number): Promise<Taker> {
  const stop = new AbortController();
  const { promise: listening, resolve: listen } = Promise.withResolvers<number>();
  let wanted = Number.POSITIVE_INFINITY;
  let arrive = (): void => {};
  const running = run({
    ...WHOLE_RUN,
    paths: [`ingest+listen://127.0.0.1:0${threads === 0 ? '' : `?threads=${threads}`}`],
    signal: stop.signal,
    stop: () => stop.signal.aborted,
    tell: (text) => listen(portIn(text)),
    breathe: async ({ messages }) => {
      if (messages >= wanted) arrive();
      await nextTurn();
    },
  }).then(() => {
    throw new MdxError('internal', 'whoever takes the records has ended');
  });
  running.catch(() => {});
  return {
    port: await Promise.race([listening, running]),
    async have(records) {
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      wanted = records;
      await Promise.race([arrived, running]);
      wanted = Number.POSITIVE_INFINITY;
    },
    close: () => stop.abort(),
  };
}

async function serveThem(form: 'json' | 'dbn'): Promise<Taker> {
  const { promise: listening, resolve: listen } = Promise.withResolvers<number>();
  const any = '127.0.0.1:0';
  const serve = await Serve.start({
    version: 'bench',
    config: {
      ...SERVE_DEFAULTS,
      http: { ...SERVE_DEFAULTS.http, listen: any },
      rawV1: { ...SERVE_DEFAULTS.rawV1, a: null, b: null },
      ingest: { ...SERVE_DEFAULTS.ingest, listen: any },
    },
    tell: (_, text) => {
      if (text.startsWith('listening ingest')) listen(portIn(text));
    },
  });
  const reader = new IngestReader();
  await reader.join(Number(new URL(serve.url).port), form);
  const ended = serve.ended.then(() => {
    throw new MdxError('internal', 'the server has ended');
  });
  ended.catch(() => {});
  return {
    port: await Promise.race([listening, ended]),
    have: (records) => Promise.race([reader.have(records), ended]),
    close() {
      reader.close();
      serve.stop();
    },
  };
}

function portIn(text: string): number {
  return Number(/:(\d+)$/.exec(text)?.[1] ?? 0);
}
