import { headerBytes, OPCODE_BINARY, writeHeader } from '../websocket/framing.ts';
import type { EventForm } from './event-form.ts';
import { controlText, type EventFraming, type Pieces } from './framing.ts';
import { bitOf } from './kinds.ts';

/** In front of the record of an event stands its number, u64 little-endian, which no client gets. */
export const NUMBER_BYTES = 8;
const TWO_32 = 4294967296;
/** The header of a frame. */
const AROUND_BYTES_MAX = 10;
const NOTHING: DataView = new DataView(new ArrayBuffer(0));

/** Records of DBN, whole. */
export const DBN_FORM: EventForm = {
  kinds: bitOf('mbo'),
  isNumbered: false,

  seqAt: numberAt,

  missed(behind, to) {
    const view = new DataView(new ArrayBuffer(2 * NUMBER_BYTES));
    putNumber(view, 0, to);
    putNumber(view, NUMBER_BYTES, behind);
    return Buffer.from(view.buffer);
  },

  behindAt: (bytes, at) => numberAt(bytes, at + NUMBER_BYTES),
};

/** Writes the number of an event, a safe integer. */
export function putNumber(view: DataView, at: number, seq: number): void {
  view.setInt32(at, seq | 0, true);
  view.setInt32(at + 4, Math.floor(seq / TWO_32), true);
}

function numberAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * TWO_32 + bytes.readUInt32LE(at);
}

/** Binary messages of a WebSocket: whole records one behind the other; what is said beside them is text. */
export class DbnFraming implements EventFraming {
  readonly protocol = 'dbn';
  readonly name = 'dbn';
  readonly eventsMax: number;
  readonly joins = false;
  readonly control: EventFraming['control'] = controlText;

  constructor(eventsMax: number) {
    this.eventsMax = eventsMax;
  }

  room(bytes: number): number {
    return bytes + AROUND_BYTES_MAX;
  }

  write(out: Buffer, at: number, { sources, starts, ends, count, bytes }: Pieces): number {
    const length = bytes - count * NUMBER_BYTES;
    let to = writeHeader(out, at, OPCODE_BINARY, length);
    const target = new DataView(out.buffer, out.byteOffset, out.length);
    let source = NOTHING;
    for (let piece = 0; piece < count; piece += 1) {
      const memory = sources[piece]!;
      if (memory.buffer !== source.buffer) source = new DataView(memory.buffer);
      // Records are whole words, and too short for a copy that makes an object first.
      const end = memory.byteOffset + ends[piece]!;
      for (let from = memory.byteOffset + starts[piece]! + NUMBER_BYTES; from < end; from += 4) {
        target.setInt32(to, source.getInt32(from, true), true);
        to += 4;
      }
    }
    return at + headerBytes(length) + length;
  }
}
