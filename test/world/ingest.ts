import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ACTION_ADD, ACTION_CANCEL, F_LAST, SIDE_CHAR_BID } from '../../src/core/feeds/dbn/layout.ts';
import { writeRecord } from '../../src/core/feeds/dbn/records.ts';
import { encodeHello, encodeMessage, type Hello, TYPE_RECORDS } from '../../src/core/net/ingest/layout.ts';
import type { IngestStanding } from '../../src/core/pipeline/ingest/ingest-standing.ts';
import { type RunResult, run } from '../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../src/core/pipeline/run-options.ts';
import { runOptions } from './run-options.ts';

const T0 = 1_758_742_200_000_000_000n;
const RTYPE_MBO = 0xa0;

/** A run that reads what senders send. */
export interface Served<R> {
  readonly port: number;
  readonly told: string[];
  readonly standing: IngestStanding;
  readonly result: Promise<R>;
  /** Asks it to stop. */
  stop(): void;
}

/** Starts a run over an ingest input. @param query behind the `?` of its URI. */
export function serveIngest(query: string, wanted: Partial<RunOptions> = {}): Promise<Served<RunResult>> {
  return serveWith(query, (paths, options) => run(runOptions(paths, { ...options, ...wanted })));
}

/** The same with what reads it. */
export async function serveWith<R>(
  query: string,
  read: (paths: readonly string[], options: Partial<RunOptions>) => Promise<R>,
): Promise<Served<R>> {
  const told: string[] = [];
  const asked = new AbortController();
  let standing: IngestStanding | null = null;
  let isListening = (_port: number): void => {};
  const listening = new Promise<number>((resolve) => {
    isListening = resolve;
  });
  const result = read([`ingest+listen://127.0.0.1:0${query}`], {
    signal: asked.signal,
    stop: () => asked.signal.aborted,
    onIngest: (now) => {
      standing = now;
    },
    tell: (text) => {
      told.push(text);
      const port = /^listening ingest:\/\/127\.0\.0\.1:(\d+)$/.exec(text)?.[1];
      if (port !== undefined) isListening(Number(port));
    },
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
  });
  const port = await Promise.race([listening, result.then(() => 0)]);
  return { port, told, standing: standing!, result, stop: () => asked.abort() };
}

/** A connection of a sender, which writes what the test says. */
export class TestSender {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    socket.resume();
  }

  static async connect(port: number): Promise<TestSender> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new TestSender(socket);
  }

  /** One that has said who it is. */
  static async named(port: number, source: string, wanted: Partial<Hello> = {}): Promise<TestSender> {
    const sender = await TestSender.connect(port);
    sender.write(helloOf(source, wanted));
    return sender;
  }

  write(bytes: Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  records(...records: Uint8Array[]): this {
    return this.write(encodeMessage(TYPE_RECORDS, Buffer.concat(records)));
  }
}

export function helloOf(source: string, wanted: Partial<Hello> = {}): Uint8Array {
  return encodeHello({ source, start: 1, continues: false, kinds: 0, note: '', ...wanted });
}

/** An order of 1 that enters on the bid of an instrument, at a time and price of its id. */
export function addRecord(instrument: number, id: number, publisher = 1): Uint8Array<ArrayBuffer> {
  return mboRecord(instrument, id, publisher, ACTION_ADD);
}

/** It leaves. */
export function cancelRecord(instrument: number, id: number, publisher = 1): Uint8Array<ArrayBuffer> {
  return mboRecord(instrument, id, publisher, ACTION_CANCEL);
}

function mboRecord(
  instrument: number,
  id: number,
  publisher: number,
  action: number,
): Uint8Array<ArrayBuffer> {
  return writeRecord(
    {
      rtype: RTYPE_MBO,
      publisher_id: publisher,
      instrument_id: instrument,
      ts_event: T0 + BigInt(id),
      ts_recv: T0 + BigInt(id),
      order_id: BigInt(id),
      price: BigInt(id) * 1_000_000_000n,
      size: 1,
      flags: F_LAST,
      action: String.fromCharCode(action),
      side: String.fromCharCode(SIDE_CHAR_BID),
    },
    3,
  );
}
