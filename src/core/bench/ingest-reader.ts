import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { ReaderCounts, ReaderRequest } from './ingest-plan.ts';

/*
 * One client of events, in a process of its own: it reads as fast as bytes come, and counts the records in them and how
 * often it is told that it has lost some.
 */

const HEAD_END = '\r\n\r\n';
const TEXT = 1;
/** rtype of a record of an order. */
const MBO = 160;

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

/** What is counted in the bytes of messages. */
interface Reader {
  readonly records: number;
  readonly lagged: number;
  read(chunk: Buffer): void;
}

/** Events as JSON. */
class JsonReader implements Reader {
  readonly #records = new Counter('"kind":"mbo"');
  readonly #lagged = new Counter('"type":"lagged"');

  get records(): number {
    return this.#records.found;
  }

  get lagged(): number {
    return this.#lagged.found;
  }

  read(chunk: Buffer): void {
    this.#records.read(chunk);
    this.#lagged.read(chunk);
  }
}

/** Events as records of DBN, in binary messages; text says what is lost. */
class DbnReader implements Reader {
  records = 0;
  lagged = 0;
  #rest: Buffer = Buffer.alloc(0);

  read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let end = endOf(bytes, at); end > 0 && end <= bytes.length; end = endOf(bytes, at)) {
      this.#message(bytes, at, end);
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #message(bytes: Buffer, at: number, end: number): void {
    const payload = at + headOf(bytes[at + 1]!);
    if ((bytes[at]! & 15) === TEXT) {
      if (bytes.toString('latin1', payload, end).includes('"type":"lagged"')) this.lagged += 1;
      return;
    }
    for (let record = payload; record < end; record += bytes[record]! * 4) {
      if (bytes[record + 1] === MBO) this.records += 1;
    }
  }
}

function headOf(length: number): number {
  return length < 126 ? 2 : length === 126 ? 4 : 10;
}

/** Where the message at `at` ends; 0 = its head is not there. */
function endOf(bytes: Buffer, at: number): number {
  if (bytes.length < at + 2) return 0;
  const length = bytes[at + 1]!;
  const head = headOf(length);
  if (bytes.length < at + head) return 0;
  if (length < 126) return at + head + length;
  return at + head + (length === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6));
}

let reader: Reader = new JsonReader();
let wanted = Number.POSITIVE_INFINITY;

process.on('message', (request: ReaderRequest) => {
  if ('port' in request) join(request.port, request.form);
  else {
    wanted = request.wanted;
    look();
  }
});
// Whoever asked is gone.
process.once('disconnect', () => process.kill(process.pid));

function join(port: number, form: 'json' | 'dbn'): void {
  if (form === 'dbn') reader = new DbnReader();
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `GET /api/ws HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
      (form === 'dbn' ? 'sec-websocket-protocol: mdx.dbn.v1\r\n' : '') +
      `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}${HEAD_END}`,
  );
  let isOpen = false;
  socket.on('data', (chunk) => {
    if (!isOpen) {
      const head = chunk.toString('latin1');
      if (!head.startsWith('HTTP/1.1 101')) throw new Error(head.split('\r\n')[0]);
      isOpen = true;
      process.send!('ready');
      reader.read(chunk.subarray(head.indexOf(HEAD_END) + HEAD_END.length));
    } else reader.read(chunk);
    look();
  });
}

function look(): void {
  const { records, lagged } = reader;
  if (wanted === Number.POSITIVE_INFINITY || (records < wanted && lagged === 0)) return;
  wanted = Number.POSITIVE_INFINITY;
  process.send!({ records, lagged } satisfies ReaderCounts);
}
