import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { ReaderCounts, ReaderRequest } from './ingest-plan.ts';

/*
 * One client of events as JSON, in a process of its own: it reads as fast as bytes come, and counts the records in them and
 * how often it is told that it has lost some.
 */

const HEAD_END = '\r\n\r\n';

/** Counts how often a text stands in a stream, wherever its chunks begin and end. */
class Counter {
  found = 0;
  readonly #text: Buffer;
  /** The end of what came, where the text may have begun. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(text: string) {
    this.#text = Buffer.from(text);
  }

  read(chunk: Buffer): void {
    const { length } = this.#text;
    this.#count(Buffer.concat([this.#rest, chunk.subarray(0, length - 1)]));
    this.#count(chunk);
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(-length)]).subarray(-(length - 1));
  }

  #count(bytes: Buffer): void {
    for (let at = bytes.indexOf(this.#text); at >= 0; at = bytes.indexOf(this.#text, at + 1)) this.found += 1;
  }
}

const records = new Counter('"kind":"mbo"');
const lagged = new Counter('"type":"lagged"');
let wanted = Number.POSITIVE_INFINITY;

process.on('message', (request: ReaderRequest) => {
  if ('port' in request) join(request.port);
  else {
    wanted = request.wanted;
    look();
  }
});
// Whoever asked is gone.
process.once('disconnect', () => process.kill(process.pid));

function join(port: number): void {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `GET /api/ws HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}${HEAD_END}`,
  );
  let isOpen = false;
  socket.on('data', (chunk) => {
    if (!isOpen) {
      const head = chunk.toString('latin1');
      if (!head.startsWith('HTTP/1.1 101')) throw new Error(head.split('\r\n')[0]);
      isOpen = true;
      process.send!('ready');
    }
    records.read(chunk);
    lagged.read(chunk);
    look();
  });
}

function look(): void {
  if (wanted === Number.POSITIVE_INFINITY || (records.found < wanted && lagged.found === 0)) return;
  wanted = Number.POSITIVE_INFINITY;
  process.send!({ records: records.found, lagged: lagged.found } satisfies ReaderCounts);
}
