import type { ThreadCpu } from '../../observe/thread-cpu.ts';
import { type Hello, MESSAGE_BYTES_MAX, type TellsGap } from './layout.ts';

/** How a connection of a sender ended. All but `goodbye` are trouble, and all are counted. */
export type Ending =
  /** The sender said that it was the end. */
  | 'goodbye'
  /** It went without a word. */
  | 'broken'
  /** It was cut, because: */
  | 'identity' /* it did not say who it is in time, or something else first, or twice */
  | 'hello' /* who it says it is cannot be read */
  | 'length' /* a message is longer than the limit, or has no type */
  | 'type' /* a message is of no known type */
  | 'gap' /* a gap cannot be read */
  | 'metadata' /* metadata cannot be read or are longer than the limit */
  | 'records' /* records cannot be read */
  | 'silent' /* nothing came for too long */
  | 'replaced' /* the same source connected again */
  | 'names' /* there are too many sources */
  | 'full' /* there are too many senders */
  | 'stopped' /* the server itself ends */;

/** Every ending, in the order of reports. */
export const ENDINGS: readonly Ending[] = [
  'goodbye',
  'broken',
  'identity',
  'hello',
  'length',
  'type',
  'gap',
  'metadata',
  'records',
  'silent',
  'replaced',
  'names',
  'full',
  'stopped',
];

/**
 * Takes what senders say, in the order each said it. Nobody but whoever said hello says anything else. Bytes are valid until
 * a call returns.
 */
export interface IngestSink {
  hello(sender: number, hello: Hello): void;
  metadata(sender: number, bytes: Uint8Array, from: number, to: number): void;
  records(sender: number, bytes: Uint8Array, from: number, to: number): void;
  gap(sender: number, gap: TellsGap): void;
  closed(sender: number, ending: Ending): void;
}

/** What keeps a server and its senders in bounds. */
export interface IngestLimits {
  /** Connections at a time. */
  readonly senders: number;
  /** Who connects says who it is within so long, ms. */
  readonly helloMs: number;
  /** Who says nothing for so long is taken for gone, ms. */
  readonly silentMs: number;
  /** Longest message, its type included. */
  readonly messageBytes: number;
  /** Of one sender: bytes read ahead of the books, and bytes of its metadata. */
  readonly bufferedBytes: number;
}

export const INGEST_LIMITS: IngestLimits = {
  senders: 1024,
  helloMs: 5000,
  silentMs: 10_000,
  messageBytes: MESSAGE_BYTES_MAX,
  bufferedBytes: 1 << 20,
};

/** What a server has counted. */
export class IngestCounts {
  /** Connections that were taken, and that are there now. */
  accepted = 0;
  connected = 0;
  /** Bytes that were read, and those of them that were taken. */
  bytes = 0;
  taken = 0;
  messages = 0;
  heartbeats = 0;
  /** Bytes that were read and not taken yet. */
  held = 0;
  /** How often reading from a sender was stopped until the books had caught up. */
  pauses = 0;
  readonly endings: Map<Ending, number> = new Map();
  /** Threads that hear senders beside the one with the books. */
  readonly threads: ThreadCpu[] = [];

  end(ending: Ending): void {
    this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
  }
}
