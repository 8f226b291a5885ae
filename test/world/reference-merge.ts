/**
 * A merge that is slow and obvious, to compare the real one with: one entry per number, no ranges, no buffers. It reads the
 * files and packets of the simulator by itself and shares nothing with what it checks.
 */

export type ReferenceFeed = 'itch' | 'eobi' | 'fast-like';

/** A packet as it arrived. */
export interface Arrival {
  /** ns since 1970. */
  readonly time: bigint;
  readonly line: number;
  /** What tells the channels of the feed apart: the same on both lines. */
  readonly channel: number;
  readonly first: number;
  /** What each of its numbers carries, as text of bytes; empty: it names `first` as the next number. */
  readonly contents: readonly string[];
  readonly isEnd: boolean;
}

/** Reads a pcap file of nanoseconds with Ethernet, IPv4 and UDP, as the simulator writes it. */
export function arrivalsOf(capture: Buffer, line: number, feed: ReferenceFeed): Arrival[] {
  const arrivals: Arrival[] = [];
  for (let at = 24; at < capture.length; ) {
    const time = BigInt(capture.readUInt32LE(at)) * 1_000_000_000n + BigInt(capture.readUInt32LE(at + 4));
    const length = capture.readUInt32LE(at + 8);
    arrivals.push(arrivalOf(capture.subarray(at + 16, at + 16 + length), time, line, feed));
    at += 16 + length;
  }
  return arrivals;
}

/** Reads the packets of a pcapng stream, and the ranges that its records say are lost; the interface's name is the line. */
export function streamOf(
  capture: Buffer,
  feed: ReferenceFeed,
): { readonly arrivals: readonly Arrival[]; readonly lost: readonly (readonly [number, number])[] } {
  const arrivals: Arrival[] = [];
  const lost: [number, number][] = [];
  const names: string[] = [];
  for (let at = 0; at < capture.length; at += capture.readUInt32LE(at + 4)) {
    const type = capture.readUInt32LE(at);
    if (type === 1) names.push(capture.toString('latin1', at + 20, at + 21));
    else if (type === 6) {
      const time = (BigInt(capture.readUInt32LE(at + 12)) << 32n) | BigInt(capture.readUInt32LE(at + 16));
      const length = capture.readUInt32LE(at + 20);
      const line = 'ABR'.indexOf(names[capture.readUInt32LE(at + 8)]!);
      arrivals.push(arrivalOf(capture.subarray(at + 28, at + 28 + length), time, line, feed));
    } else if (type === 0x80006d78 && capture[at + 9] === 1 && capture[at + 10] === 3) {
      const first = Number(capture.readBigUInt64LE(at + 32));
      lost.push([first, first + Number(capture.readBigUInt64LE(at + 40)) - 1]);
    }
  }
  return { arrivals, lost };
}

function arrivalOf(frame: Buffer, time: bigint, line: number, feed: ReferenceFeed): Arrival {
  const port = frame.readUInt16BE(14 + 20 + 2);
  const payload = frame.subarray(14 + 20 + 8, 14 + 20 + frame.readUInt16BE(14 + 20 + 4));
  const whole = payload.toString('latin1');
  if (feed === 'eobi') {
    const first = payload.readUInt32LE(8);
    return { time, line, channel: port, first, contents: [whole], isEnd: false };
  }
  if (feed === 'fast-like') {
    const first = Number(payload.readBigUInt64BE(0));
    return { time, line, channel: 0, first, contents: [whole], isEnd: false };
  }
  const count = payload.readUInt16BE(18);
  const contents: string[] = [];
  let at = 20;
  for (let left = count === 0xffff ? 0 : count; left > 0; left -= 1) {
    const next = at + 2 + payload.readUInt16BE(at);
    contents.push(payload.toString('latin1', at, next));
    at = next;
  }
  if (at !== payload.length) throw new Error(`a packet with ${payload.length - at} bytes too many`);
  const first = Number(payload.readBigUInt64BE(10));
  return { time, line, channel: port, first, contents, isEnd: count === 0xffff };
}

/** Counts of one line, as in the report of a merge. */
export class ReferenceLine {
  packets = 0;
  messages = 0;
  deliveredFirst = 0;
  duplicates = 0;
  late = 0;
  outOfOrder = 0;
  missing = 0;
  heartbeats = 0;
}

class LineState {
  readonly counts: ReferenceLine = new ReferenceLine();
  /** Number → when the line first showed it. */
  readonly shown: Map<number, bigint> = new Map();
  /** One above the highest number it has shown or named. */
  highest = 1;
}

/** What one channel of lines A and B comes to, from number 1 on. */
export class ReferenceChannel {
  readonly lines: readonly [LineState, LineState] = [new LineState(), new LineState()];
  /** Numbers that were delivered or will be, with the line they came on first and what they carry. */
  readonly taken: Map<number, { readonly line: number; readonly content: string }> = new Map();
  readonly lost: Set<number> = new Set();
  /** Missing numbers, and since when. */
  readonly missing: Map<number, bigint> = new Map();
  highest = 1;
  conflicts = 0;

  /** Time has come to `now`. */
  expire(now: bigint, gapTimeoutNs: number): void {
    for (const [number, since] of this.missing) {
      if (Number(now - since) < gapTimeoutNs) continue;
      this.missing.delete(number);
      this.lost.add(number);
    }
  }

  take({ line, first, contents, time, isEnd }: Arrival): void {
    const { counts, shown, highest } = this.lines[line]!;
    counts.packets += 1;
    counts.messages += contents.length;
    if (contents.length === 0 && !isEnd) counts.heartbeats += 1;
    this.#raise(first, time);
    for (const [index, content] of contents.entries()) {
      const number = first + index;
      if (!shown.has(number)) {
        shown.set(number, time);
        if (number < highest) counts.outOfOrder += 1;
      }
      const taken = this.taken.get(number);
      if (taken !== undefined) counts.duplicates += 1;
      else if (this.lost.has(number)) counts.late += 1;
      else {
        this.missing.delete(number);
        this.taken.set(number, { line, content });
        counts.deliveredFirst += 1;
      }
    }
    this.highest = Math.max(this.highest, first + contents.length);
    this.lines[line]!.highest = Math.max(highest, first + contents.length);
  }

  finish(): void {
    for (const number of this.missing.keys()) this.lost.add(number);
    this.missing.clear();
    for (const { counts, shown } of this.lines) {
      for (let number = 1; number < this.highest; number += 1) if (!shown.has(number)) counts.missing += 1;
    }
  }

  /** Time of B minus time of A, of the numbers that both showed. */
  skew(): number[] {
    const [a, b] = this.lines;
    return [...a.shown].flatMap(([number, time]) => {
      const other = b.shown.get(number);
      return other === undefined ? [] : [Number(other - time)];
    });
  }

  #raise(number: number, time: bigint): void {
    for (let each = this.highest; each < number; each += 1) this.missing.set(each, time);
    this.highest = Math.max(this.highest, number);
  }
}

/** Merges two lines by the times of their packets, line A first where they are equal. */
export function referenceMerge(
  a: readonly Arrival[],
  b: readonly Arrival[],
  gapTimeoutNs: number,
): Map<number, ReferenceChannel> {
  const channels = new Map<number, ReferenceChannel>();
  const arrivals = [...a, ...b].sort((x, y) =>
    x.time < y.time ? -1 : x.time > y.time ? 1 : x.line - y.line,
  );
  for (const arrival of arrivals) {
    for (const channel of channels.values()) channel.expire(arrival.time, gapTimeoutNs);
    const channel = channels.get(arrival.channel) ?? new ReferenceChannel();
    channels.set(arrival.channel, channel);
    channel.take(arrival);
  }
  for (const channel of channels.values()) channel.finish();
  return channels;
}
