/** Where the first of a kind of problem was seen. */
export interface Problem {
  readonly kind: string;
  count: number;
  /** Packet number (1-based; 0 for streams) and byte offset in that packet or stream. */
  readonly packetNumber: number;
  readonly offset: number;
}

/** Kinds of problem kept apart; more are counted under the last one. */
const PROBLEM_KINDS_MAX = 256;

/** What the decoders of one feed have read; shared by the decoders of all its channels. */
export class FeedCounts {
  /** Whole messages decoded, without unknown and malformed ones; index 0. Unknown ones: index 1. Malformed: 2. */
  readonly totals: Float64Array = new Float64Array(3);
  /** Messages by venue type; what an index means is the feed's (`typeName`). */
  readonly byType: Float64Array;
  readonly problems: Map<string, Problem> = new Map();
  /** What is worth a look and no fault of a message: cases in which the feed's rules are not confirmed. */
  readonly remarks: Map<string, Problem> = new Map();

  constructor(types: number) {
    this.byType = new Float64Array(types);
  }

  get messages(): number {
    return this.totals[0]!;
  }

  get unknown(): number {
    return this.totals[1]!;
  }

  get malformed(): number {
    return this.totals[2]!;
  }

  /** Counts one unknown message and keeps where the first of its kind was. */
  noteUnknown(kind: string, packetNumber: number, offset: number): void {
    this.totals[1]! += 1;
    note(this.problems, kind, packetNumber, offset);
  }

  /** Counts one malformed message or datagram and keeps where the first of its kind was. */
  noteMalformed(kind: string, packetNumber: number, offset: number): void {
    this.totals[2]! += 1;
    note(this.problems, kind, packetNumber, offset);
  }

  /** Counts one case of something that is worth a look. */
  remark(kind: string, packetNumber: number, offset: number): void {
    note(this.remarks, kind, packetNumber, offset);
  }
}

function note(notes: Map<string, Problem>, kind: string, packetNumber: number, offset: number): void {
  const known = notes.get(kind);
  if (known !== undefined) known.count += 1;
  else if (notes.size < PROBLEM_KINDS_MAX) notes.set(kind, { kind, count: 1, packetNumber, offset });
}
