/** Sees the messages of a run whole, as they came; the bytes are its own only until it returns. */
export interface MessageSink {
  /** What stands in front of the messages of a stream, where its format has such a head: DBN metadata. */
  head?(bytes: Uint8Array): void;
  /**
   * One message of `length` bytes, known type or not, without what frames it. `book` is NO_BOOK where it names none;
   * the time is that of its arrival, ns since 1970 (or the unknown midnight) as halves.
   */
  message(
    bytes: Uint8Array,
    offset: number,
    length: number,
    book: number,
    timeHigh: number,
    timeLow: number,
  ): void;
}

/** A value for printing; integers of 64 bits are bigints, and nested values are fields of their own. */
export type MessageValue = string | number | bigint | null | MessageFields | readonly MessageFields[];
export interface MessageFields {
  readonly [name: string]: MessageValue;
}

/** One message, readable: for printing, not for speed. */
export interface DescribedMessage {
  /** Messages of one schema have the same fields. */
  readonly schema: string;
  /** In the order in which they are printed. */
  readonly fields: MessageFields;
}

/** Reads messages for printing. */
export interface MessageDescriber {
  /**
   * Reads the message at `offset`; null where its type is unknown or it is too short for it.
   * @param pretty prices as decimals and times as ISO 8601, undefined ones null; else the integers of the wire
   */
  describe(bytes: Uint8Array, offset: number, length: number, pretty: boolean): DescribedMessage | null;
}
