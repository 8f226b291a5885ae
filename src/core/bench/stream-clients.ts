import { connect, type Socket } from 'node:net';
import { MachineClock } from './machine-clock.ts';
import { Times } from './measure.ts';
import type { StreamAnswer, StreamRequest } from './stream-plan.ts';

/*
 * Clients of server-sent events in a process of their own: they read as fast as bytes come, and note how late the first whole
 * event of each piece is.
 */

const END: Buffer = Buffer.from('\n\n');
const NUMBER: Buffer = Buffer.from('"seq":"');
const ZERO = 48;
const QUOTE = 34;
const NOTHING: Buffer = Buffer.alloc(0);

const clock = new MachineClock();
const readers: Socket[] = [];
let stopped: Socket | null = null;
let times = new Times();
let first = Number.POSITIVE_INFINITY;
let last = Number.POSITIVE_INFINITY;
let startNs = 0;
let periodNs = 0;
/** Readers that have not got the last event. */
let waiting = 0;

process.on('message', (request: StreamRequest) => {
  if ('clients' in request) void join(request.port, request.clients).then(() => answer(null));
  else if ('behind' in request) stop(request.port, request.behind);
  else if ('stopped' in request) stopped?.destroy();
  else {
    ({ first, startNs, periodNs } = request);
    last = first + request.events - 1;
    times = new Times();
    waiting = readers.length;
  }
});
// Whoever asked is gone.
process.once('disconnect', () => process.kill(process.pid));

function answer(what: StreamAnswer): void {
  process.send!(what);
}

async function join(port: number, clients: number): Promise<void> {
  await Promise.all(
    Array.from({ length: clients }, () => {
      const socket = ask(port, '');
      readers.push(socket);
      return read(socket);
    }),
  );
}

function stop(port: number, behind: string): void {
  stopped = ask(port, `last-event-id: ${behind}\r\n`);
  stopped.pause();
}

function ask(port: number, header: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${header}\r\n`);
  return socket;
}

/** Reads for ever; resolves with the first bytes. */
function read(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = NOTHING;
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      resolve();
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = bytes.lastIndexOf(END) + END.length;
      rest = bytes.subarray(end < END.length ? 0 : end);
      if (end >= END.length) note(bytes.subarray(0, end));
    });
  });
}

/** Whole events have come. */
function note(bytes: Buffer): void {
  const at = bytes.indexOf(NUMBER);
  if (at < 0) return;
  const oldest = numberAt(bytes, at + NUMBER.length);
  const newest = numberAt(bytes, bytes.lastIndexOf(NUMBER) + NUMBER.length);
  if (oldest >= first && oldest <= last) times.note(clock.ns() - startNs - (oldest - first) * periodNs);
  if (newest !== last) return;
  waiting -= 1;
  if (waiting === 0) answer(times.latency);
}

function numberAt(bytes: Buffer, from: number): number {
  let number = 0;
  for (let at = from; bytes[at] !== QUOTE; at += 1) number = number * 10 + bytes[at]! - ZERO;
  return number;
}
