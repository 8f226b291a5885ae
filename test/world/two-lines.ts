import { ByteWindow } from '../../src/core/binary/byte-window.ts';
import { toBigUint } from '../../src/core/binary/time.ts';
import { CAPTURE_PACKET, CaptureReader, detectCapture } from '../../src/core/capture/capture-reader.ts';
import { PcapngWriter, PcapWriter } from '../../src/core/capture/capture-writer.ts';

/** Ethernet, IPv4 and UDP. */
const HEADERS_BYTES = 42;

interface Frame {
  readonly line: number;
  readonly time: bigint;
  readonly timeHigh: number;
  readonly timeLow: number;
  readonly bytes: Uint8Array;
}

/**
 * One capture with both lines in it, as a port that sees both would make it: by time, line A first. `named`: the interfaces
 * say which line they are.
 */
export function bothLines(
  a: Uint8Array,
  b: Uint8Array,
  { named }: { readonly named: boolean } = { named: true },
): Buffer {
  const frames = [...framesOf(a, 0), ...framesOf(b, 1)];
  frames.sort((x, y) => (x.time < y.time ? -1 : x.time > y.time ? 1 : x.line - y.line));
  const chunks: Buffer[] = [];
  const writer = new PcapngWriter((chunk) => chunks.push(Buffer.from(chunk)));
  const lines = ['A', 'B'].map((line) =>
    writer.addInterface(named ? interfaceOf(line) : { name: line, description: 'a span port' }),
  );
  for (const { line, timeHigh, timeLow, bytes } of frames) {
    writer.interfaceId = lines[line]!;
    writer.writeFrame(timeHigh, timeLow, bytes, 0, bytes.length, bytes.length);
  }
  writer.flush();
  return Buffer.concat(chunks);
}

/** The capture of both lines without the MoldUDP64 packets that have any of the numbers `from` … `to`. */
export function withoutNumbers(capture: Uint8Array, from: number, to: number): Buffer {
  const chunks: Buffer[] = [];
  const writer = new PcapngWriter((chunk) => chunks.push(Buffer.from(chunk)));
  const lines = ['A', 'B'].map((line) => writer.addInterface(interfaceOf(line)));
  for (const { line, timeHigh, timeLow, bytes } of framesOf(capture, -1)) {
    const mold = new DataView(bytes.buffer, bytes.byteOffset + HEADERS_BYTES);
    const first = Number(mold.getBigUint64(10));
    const count = mold.getUint16(18);
    const messages = count === 0xffff ? 0 : count;
    if (messages > 0 && first <= to && first + messages > from) continue;
    writer.interfaceId = lines[line]!;
    writer.writeFrame(timeHigh, timeLow, bytes, 0, bytes.length, bytes.length);
  }
  writer.flush();
  return Buffer.concat(chunks);
}

/** A capture of one line without its first frames. */
export function withoutFirst(capture: Uint8Array, frames: number): Buffer {
  const chunks: Buffer[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(Buffer.from(chunk)));
  for (const { timeHigh, timeLow, bytes } of framesOf(capture, 0).slice(frames)) {
    writer.writeFrame(timeHigh, timeLow, bytes, 0, bytes.length, bytes.length);
  }
  writer.flush();
  return Buffer.concat(chunks);
}

/** Of the frames of a capture of one line those with an even place, or those with an odd one. */
export function everyOther(capture: Uint8Array, place: 0 | 1): Buffer {
  const chunks: Buffer[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(Buffer.from(chunk)));
  for (const [at, { timeHigh, timeLow, bytes }] of framesOf(capture, 0).entries()) {
    if (at % 2 === place) writer.writeFrame(timeHigh, timeLow, bytes, 0, bytes.length, bytes.length);
  }
  writer.flush();
  return Buffer.concat(chunks);
}

/** What the datagrams of a capture of one line carry. */
export function payloadsOf(capture: Uint8Array): Buffer[] {
  return framesOf(capture, 0).map(({ bytes }) => Buffer.from(bytes.subarray(HEADERS_BYTES)));
}

function interfaceOf(line: string): { readonly name: string; readonly description: string } {
  return { name: line, description: `mdx/1 line=${line} clock=file source=file:${line} pair=0` };
}

/** @param line of the frames; −1 = the number of their interface. */
function framesOf(capture: Uint8Array, line: number): Frame[] {
  const window = new ByteWindow(Math.max(capture.length, 1 << 20));
  window.room().set(capture);
  window.commit(capture.length);
  window.ended = true;
  const reader = new CaptureReader(window, detectCapture(capture)!);
  const frames: Frame[] = [];
  while (reader.next() === CAPTURE_PACKET) {
    const { timeHigh, timeLow, dataOffset, capturedLength } = reader;
    frames.push({
      line: line < 0 ? reader.interfaceId : line,
      time: toBigUint(timeHigh, timeLow),
      timeHigh,
      timeLow,
      bytes: window.bytes.slice(dataOffset, dataOffset + capturedLength),
    });
  }
  return frames;
}
