import { ProtoReader, ProtoWriter, WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT } from './protobuf.ts';

/*
 * A message between stages is two frames, behind a topic where it is published:
 *
 *     version   1 byte, 1
 *     message   1 byte id (0x40 PacketBatch, 0x41 EventBatch), then the message of proto/mdx_stream.proto
 */

export const PROTOCOL_VERSION = 1;
/** Larger messages are not taken. */
export const MESSAGE_BYTES_MAX: number = 16 * 1024 * 1024;
const ID_PACKETS = 0x40;
const ID_EVENTS = 0x41;
/** What the fields in front of the payload take at most. */
const HEAD_BYTES_MAX = 64;

const FIELD_STREAM = 1;
const FIELD_SEQUENCE = 2;
const FIELD_FIRST = 3;
const FIELD_COUNT = 4;
const FIELD_END = 5;
const FIELD_PAYLOAD = 6;

/** Many packets or events in one message, with what it takes to see that one before is missing. */
export interface Batch {
  readonly kind: 'packets' | 'events';
  /** Random number of the sender's stream, as halves. */
  readonly streamHigh: number;
  readonly streamLow: number;
  /** From 1 in its stream. */
  readonly sequence: number;
  /** Number of its first packet or event, from 1; of the next one where it has none. */
  readonly first: number;
  readonly count: number;
  /** Nothing follows. */
  readonly end: boolean;
  /** A whole section of pcapng, or a whole segment of frames. */
  readonly payload: Uint8Array;
}

/** Why a message is not taken. */
export type Refusal = 'unknownVersion' | 'unknownId' | 'malformed';

/** The message frame of a batch. */
export function encodeBatch(batch: Batch): Uint8Array<ArrayBuffer> {
  const writer = new ProtoWriter(HEAD_BYTES_MAX + batch.payload.length);
  writer.byte(batch.kind === 'packets' ? ID_PACKETS : ID_EVENTS);
  writer.fixed64(FIELD_STREAM, batch.streamHigh, batch.streamLow);
  writer.uint(FIELD_SEQUENCE, batch.sequence);
  writer.uint(FIELD_FIRST, batch.first);
  writer.uint(FIELD_COUNT, batch.count);
  writer.uint(FIELD_END, batch.end ? 1 : 0);
  writer.data(FIELD_PAYLOAD, batch.payload);
  return writer.bytes.subarray(0, writer.used);
}

/** Reads the two frames behind a topic. Fields that are not known are left out. */
export function decodeBatch(frames: readonly Uint8Array[]): Batch | Refusal {
  const [version, message] = frames;
  if (frames.length !== 2 || version!.length !== 1 || message!.length === 0) return 'malformed';
  if (version![0] !== PROTOCOL_VERSION) return 'unknownVersion';
  const id = message![0];
  if (id !== ID_PACKETS && id !== ID_EVENTS) return 'unknownId';
  if (message!.length > MESSAGE_BYTES_MAX) return 'malformed';
  const numbers = [0, 0, 0, 0, 0, 0];
  let streamHigh = 0;
  let streamLow = 0;
  let payload: Uint8Array = message!.subarray(0, 0);
  const reader = new ProtoReader(message!, 1);
  while (reader.next()) {
    const { field, wire } = reader;
    if (field === FIELD_STREAM && wire === WIRE_FIXED64) {
      streamHigh = reader.high;
      streamLow = reader.low;
    } else if (field >= FIELD_SEQUENCE && field <= FIELD_END && wire === WIRE_VARINT) {
      numbers[field] = reader.value;
    } else if (field === FIELD_PAYLOAD && wire === WIRE_BYTES) payload = reader.data;
    else if (field <= FIELD_PAYLOAD) return 'malformed';
  }
  const sequence = numbers[FIELD_SEQUENCE]!;
  const first = numbers[FIELD_FIRST]!;
  const count = numbers[FIELD_COUNT]!;
  const isSafe = Number.isFinite(sequence) && Number.isSafeInteger(first + count);
  if (reader.failed || !isSafe || sequence === 0 || first === 0) return 'malformed';
  const kind = id === ID_PACKETS ? 'packets' : 'events';
  return { kind, streamHigh, streamLow, sequence, first, count, end: numbers[FIELD_END] !== 0, payload };
}
