/*
 * What a sender of events writes into its connection (docs/ingest.md). One direction: nobody answers. Little-endian.
 *
 *     u32 length of what follows | u8 type | body
 *
 *     0 hello       u8 protocol, u8 continues, u16 0 | u32 kinds | u64 start | u8 n, u8[n] source | u16 n, u8[n] note
 *     1 records     whole DBN records, one behind the other
 *     2 gap         u64 first | u64 last | u64 time of the last one, ns since 1970, 0 = not known
 *     3 heartbeat   nothing
 *     4 goodbye     nothing
 *     5 metadata    a piece of the DBN metadata of the records behind it; none: version 3, without names
 *
 * `start` is the number of the first record to come. The records of a source are numbered on from there, across
 * connections; the numbers of a gap were records that nobody has any more. Who starts with 1 begins anew, unless it
 * `continues` (1): then these are the records that it sent before.
 */

export const TYPE_HELLO = 0;
export const TYPE_RECORDS = 1;
export const TYPE_GAP = 2;
export const TYPE_HEARTBEAT = 3;
export const TYPE_GOODBYE = 4;
export const TYPE_METADATA = 5;

export const INGEST_PROTOCOL = 1;
/** The length in front of a message. */
export const LENGTH_BYTES = 4;
/** Length, type: a message without its body. */
export const HEAD_BYTES = 5;
/** Longest message, its type included: what `length` may say. */
export const MESSAGE_BYTES_MAX: number = 100 * 1024;
/** How often a sender that has nothing to say says so. */
export const HEARTBEAT_MS = 2000;

const HELLO_FIXED_BYTES = 17;
const GAP_BYTES = 24;
const NOTE_BYTES_MAX = 512;
const SOURCE_BYTES_MAX = 64;
/** What names a source: shown, and part of keys. */
const SOURCE = /^[\x21-\x7e]+$/;
const TWO_32 = 4294967296;

/** Who sends, and with which number it begins. */
export interface Hello {
  readonly source: string;
  /** Number of the first record to come, from 1. */
  readonly start: number;
  /** It sends on what it sent before, also where that is from the first record on. */
  readonly continues: boolean;
  /** Kinds of events that are to be expected, one bit each; 0 = it does not say. */
  readonly kinds: number;
  readonly note: string;
}

/** Numbers of records that will not come. */
export interface TellsGap {
  readonly first: number;
  readonly last: number;
  /** Time of the last one, ns since 1970 in halves; 0 = not known. */
  readonly timeHigh: number;
  readonly timeLow: number;
}

/** Is it a name that a source can have? */
export function isSourceName(text: string): boolean {
  return SOURCE.test(text) && text.length <= SOURCE_BYTES_MAX;
}

/** @returns the whole message. */
export function encodeHello(hello: Hello): Uint8Array<ArrayBuffer> {
  const source = Buffer.from(hello.source, 'latin1');
  const note = Buffer.from(hello.note).subarray(0, NOTE_BYTES_MAX);
  const message = begin(TYPE_HELLO, HELLO_FIXED_BYTES + source.length + 2 + note.length);
  const view = new DataView(message.buffer, HEAD_BYTES);
  view.setUint8(0, INGEST_PROTOCOL);
  view.setUint8(1, hello.continues ? 1 : 0);
  view.setUint32(4, hello.kinds, true);
  putNumber(view, 8, hello.start);
  view.setUint8(16, source.length);
  message.set(source, HEAD_BYTES + HELLO_FIXED_BYTES);
  view.setUint16(HELLO_FIXED_BYTES + source.length, note.length, true);
  message.set(note, HEAD_BYTES + HELLO_FIXED_BYTES + source.length + 2);
  return message;
}

/** @returns the whole message. */
export function encodeGap({ first, last, timeHigh, timeLow }: TellsGap): Uint8Array<ArrayBuffer> {
  const message = begin(TYPE_GAP, GAP_BYTES);
  const view = new DataView(message.buffer, HEAD_BYTES);
  putNumber(view, 0, first);
  putNumber(view, 8, last);
  view.setInt32(16, timeLow, true);
  view.setInt32(20, timeHigh, true);
  return message;
}

/** @returns the whole message: heartbeat, goodbye, or with a body what it is the body of. */
export function encodeMessage(type: number, body: Uint8Array = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  const message = begin(type, body.length);
  message.set(body, HEAD_BYTES);
  return message;
}

/** Reads the body of a hello. @returns what is wrong with it where it is none. */
export function decodeHello(body: Uint8Array): Hello | string {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (body.length < HELLO_FIXED_BYTES + 2) return `hello of ${body.length} bytes`;
  const protocol = view.getUint8(0);
  if (protocol !== INGEST_PROTOCOL) return `protocol ${protocol}, expected ${INGEST_PROTOCOL}`;
  const sourceBytes = view.getUint8(16);
  const noteAt = HELLO_FIXED_BYTES + sourceBytes + 2;
  if (noteAt > body.length) return `a source of ${sourceBytes} bytes in a hello of ${body.length}`;
  const source = textOf(body, HELLO_FIXED_BYTES, sourceBytes);
  if (!isSourceName(source)) return 'a source that is no name of 1 to 64 visible ASCII characters';
  const noteBytes = view.getUint16(noteAt - 2, true);
  if (noteBytes > NOTE_BYTES_MAX || noteAt + noteBytes !== body.length) return `a note of ${noteBytes} bytes`;
  const start = numberAt(view, 8);
  if (start === 0 || !Number.isSafeInteger(start)) return 'a start that is no number of a record';
  const note = textOf(body, noteAt, noteBytes).replace(/[^\x20-\x7e]/g, '?');
  return { source, start, continues: view.getUint8(1) === 1, kinds: view.getUint32(4, true), note };
}

/** Reads the body of a gap. @returns null where it is none. */
export function decodeGap(body: Uint8Array): TellsGap | null {
  if (body.length !== GAP_BYTES) return null;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const first = numberAt(view, 0);
  const last = numberAt(view, 8);
  // Behind the last one, too, there must be a number.
  if (first === 0 || last < first || !Number.isSafeInteger(last + 1)) return null;
  return { first, last, timeLow: view.getInt32(16, true), timeHigh: view.getInt32(20, true) };
}

/** Writes length and type of a message with a body of so many bytes in front of it. */
export function putHead(view: DataView, at: number, type: number, bodyBytes: number): void {
  view.setUint32(at, bodyBytes + 1, true);
  view.setUint8(at + LENGTH_BYTES, type);
}

function begin(type: number, bodyBytes: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(HEAD_BYTES + bodyBytes);
  putHead(new DataView(message.buffer), 0, type, bodyBytes);
  return message;
}

function putNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function numberAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

function textOf(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('latin1');
}
