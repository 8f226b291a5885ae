import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MdxError } from '../../errors.ts';
import { run } from '../../pipeline/run.ts';
import { WHOLE_RUN } from '../../pipeline/run-defaults.ts';
import type { IngestPlan, IngestWord } from '../ingest-plan.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';

/** Records of a message, as many as a read brings where senders send all the time. */
const BATCH = 50;
/** 1,024 senders of 600 records each second. */
const PER_SECOND = 614_400;
const NS_PER_US = 1000;

/**
 * Senders in another process, one message of 50 records after the other from sender to sender; this process takes them over
 * TCP, decodes them and builds the books of all. What counts is the CPU time of this process from the first record to
 * the last, all its threads and the kernel's work for its sockets included. Every record has to come.
 */
export async function ingest(options: WorkloadOptions, senders: number, threads: number): Promise<Workload> {
  const records = Math.max(1, Math.round(options.events / senders / BATCH)) * BATCH;
  const units = records * senders;
  let others: ChildProcess | null = null;
  const measure = async (): Promise<number> => {
    const file = new URL(`../ingest-process${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    others = fork(fileURLToPath(file), [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const died = once(others, 'exit').then(() => {
      throw new MdxError('internal', 'the process of senders ended');
    });
    died.catch(() => {});
    const used = await Promise.race([
      died,
      take(others, { senders, records, batch: BATCH, perSecond: PER_SECOND }, threads),
    ]);
    others.disconnect();
    return used;
  };
  return {
    units,
    bytes: null,
    note: `CPU time of the whole process that takes them, at ${PER_SECOND} records/s in messages of ${BATCH}`,
    waits: true,
    reset() {},
    run() {},
    measure,
    checksum: () => null,
    close() {
      others?.kill();
    },
  };
}

/** @returns the CPU time of this process while the records came, ns. */
async function take(others: ChildProcess, plan: Omit<IngestPlan, 'port'>, threads: number): Promise<number> {
  const units = plan.records * plan.senders;
  const word = async (wanted: IngestWord): Promise<void> => {
    const [said] = await once(others, 'message');
    if (said !== wanted) throw new MdxError('internal', `the senders say ${said} and not ${wanted}`);
  };
  let before = process.cpuUsage();
  let used = 0;
  const result = await run({
    ...WHOLE_RUN,
    paths: [
      `ingest+listen://127.0.0.1:0?sources=${plan.senders}${threads === 0 ? '' : `&threads=${threads}`}`,
    ],
    tell: (text) => {
      const port = Number(/:(\d+)$/.exec(text)?.[1] ?? 0);
      others.send({ ...plan, port } satisfies IngestPlan);
      void word('connected').then(() => {
        before = process.cpuUsage();
        others.send('go' satisfies IngestWord);
      });
    },
    breathe: async ({ messages }) => {
      if (used === 0 && messages === units) {
        const { user, system } = process.cpuUsage(before);
        used = (user + system) * NS_PER_US;
      }
      await nextTurn();
    },
  });
  const { messages } = result.counts;
  if (messages !== units || used === 0) {
    throw new MdxError('internal', `${messages} of ${units} records came`);
  }
  return used;
}
