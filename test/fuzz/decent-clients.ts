import { get } from 'node:http';
import WebSocket from 'ws';

/*
 * Clients that read as fast as they can, in a process of their own. They say how many events came since they were asked
 * last, and how long those were under way: raw-v1 from the making of a frame, the others from the receipt of the packet.
 */

export interface DecentPlan {
  readonly http: number;
  readonly rawV1: readonly number[];
  readonly each: { readonly rawV1: number; readonly events: number; readonly sse: number };
}

/** By protocol: events since the last question, the least and the most of a client, and delays in ms. */
export type DecentReport = Readonly<
  Record<
    Protocol,
    { readonly least: number; readonly most: number; readonly p50: number; readonly p99: number }
  >
>;

export type Protocol = 'raw-v1' | 'events' | 'sse';

const SEND_TIME_AT = 36;
const LIVE_AT = 100;
const TYPE_AT = 6;
const TS_RECV = '"ts_recv":"';
const NS_PER_MS = 1e6;

class Readers {
  readonly counts: number[] = [];
  delays: number[] = [];

  report() {
    const sorted = this.delays.sort((x, y) => x - y);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const report = {
      least: Math.min(...this.counts),
      most: Math.max(...this.counts),
      p50: at(0.5),
      p99: at(0.99),
    };
    this.counts.fill(0);
    this.delays = [];
    return report;
  }
}

const readers: Record<Protocol, Readers> = {
  'raw-v1': new Readers(),
  events: new Readers(),
  sse: new Readers(),
};

process.on('message', (request: DecentPlan | 'report') => {
  if (request !== 'report') {
    void start(request).then(() => process.send!('ready'));
    return;
  }
  const reports = Object.entries(readers).map(([protocol, each]) => [protocol, each.report()]);
  process.send!(Object.fromEntries(reports));
});
process.on('disconnect', () => process.exit());

async function start({ http, rawV1, each }: DecentPlan): Promise<void> {
  const joined = [
    ...Array.from({ length: each.rawV1 }, (_, at) => readRawV1(rawV1[at % rawV1.length]!, at)),
    ...Array.from({ length: each.events }, (_, at) => readEvents(http, at)),
    ...Array.from({ length: each.sse }, (_, at) => readStream(http, at)),
  ];
  await Promise.all(joined);
}

function readRawV1(port: number, at: number): Promise<void> {
  const own = readers['raw-v1'];
  const { counts } = own;
  counts[at] = 0;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?channel=obo&codec=raw-v1`, {
    perMessageDeflate: false,
  });
  socket.on('message', (frame: Buffer) => {
    if (frame.readUInt16LE(TYPE_AT) < LIVE_AT) return;
    counts[at]! += 1;
    if ((counts[at]! & 15) === 0) {
      own.delays.push(Number(process.hrtime.bigint() - frame.readBigUInt64LE(SEND_TIME_AT)) / NS_PER_MS);
    }
  });
  return new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
}

function readEvents(port: number, at: number): Promise<void> {
  const own = readers.events;
  own.counts[at] = 0;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/ws`, { perMessageDeflate: false });
  socket.on('message', (bytes: Buffer) => note(own, at, bytes));
  return new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
}

function readStream(port: number, at: number): Promise<void> {
  const own = readers.sse;
  own.counts[at] = 0;
  return new Promise((resolve, reject) => {
    const request = get(`http://127.0.0.1:${port}/api/v1/stream/mbo`, { agent: false }, (response) => {
      response.on('data', (bytes: Buffer) => note(own, at, bytes));
      resolve();
    });
    request.on('error', reject);
  });
}

/** Counts events, and takes the delay of the last one whose time is there. */
function note(own: Readers, at: number, bytes: Buffer): void {
  let last = -1;
  for (let found = bytes.indexOf(TS_RECV); found >= 0; found = bytes.indexOf(TS_RECV, found + 1)) {
    own.counts[at]! += 1;
    last = found;
  }
  if (last < 0 || last + TS_RECV.length + 19 > bytes.length) return;
  const received =
    Number(bytes.toString('latin1', last + TS_RECV.length, last + TS_RECV.length + 19)) / NS_PER_MS;
  own.delays.push(performance.timeOrigin + performance.now() - received);
}
