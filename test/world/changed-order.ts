/** Bytes of a record of a pcap file, and of Ethernet, IPv4 and UDP in front of a Mold header of 20. */
const FILE_HEAD = 24;
const RECORD_HEAD = 16;
const MOLD_AT = 42;
const MOLD_HEAD = 20;
const SHARES_AT = 20;

/** The one thing that is another. */
export interface ChangedOrder {
  /** Number of its message. */
  readonly number: number;
  /** The venue's number of the instrument. */
  readonly instrument: number;
  /** Where its shares stand in the file. */
  readonly offset: number;
  /** What they are now. */
  readonly shares: number;
}

/**
 * Makes the first order that is added at message `from` or behind it larger by one share: in a little-endian pcap file of
 * ITCH over MoldUDP64 and IPv4, as `mdx simulate` writes them.
 */
export function changeOneOrder(capture: Buffer, from: number): ChangedOrder {
  for (let record = FILE_HEAD; record < capture.length; ) {
    const end = record + RECORD_HEAD + capture.readUInt32LE(record + 8);
    const mold = record + RECORD_HEAD + MOLD_AT;
    const first = Number(capture.readBigUInt64BE(mold + 10));
    const count = capture.readUInt16BE(mold + 18);
    let at = mold + MOLD_HEAD;
    for (let message = 0; message < count && count !== 0xffff; message += 1) {
      if (first + message >= from && capture[at + 2] === 0x41) {
        const offset = at + 2 + SHARES_AT;
        const shares = capture.readUInt32BE(offset) + 1;
        capture.writeUInt32BE(shares, offset);
        return { number: first + message, instrument: capture.readUInt16BE(at + 3), offset, shares };
      }
      at += 2 + capture.readUInt16BE(at);
    }
    record = end;
  }
  throw new Error(`no order is added from message ${from} on`);
}
