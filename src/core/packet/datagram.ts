const EMPTY: Uint8Array = new Uint8Array(0);
const EMPTY_VIEW: DataView = new DataView(EMPTY.buffer);

/**
 * One UDP payload where it lies: a span of a buffer, with its addresses and its receive time.
 *
 * One object is reused for all datagrams of a source; whoever wants to keep one copies its bytes. The numbers
 * are kept in halves and small integers so that setting them allocates nothing.
 */
export class Datagram {
  /** Buffer that holds the payload, and a view of exactly that buffer (same start, same length). */
  bytes: Uint8Array = EMPTY;
  view: DataView = EMPTY_VIEW;
  /** First byte of the payload in `bytes`, and its length. */
  offset = 0;
  length = 0;
  /** Receive time, ns since 1970 UTC, as signed 32-bit halves. */
  timeHigh = 0;
  timeLow = 0;
  /** Number of the packet in its source, from 1; messages about damage name it. */
  packetNumber = 0;
  /** 4 or 6. */
  ipVersion = 4;
  sourcePort = 0;
  destinationPort = 0;
  /** Destination address as four 32-bit words, network order; IPv4 in the last one, the others 0. */
  readonly destination: Int32Array = new Int32Array(4);
  /** Source address, likewise. */
  readonly source: Int32Array = new Int32Array(4);

  /** Points the datagram at a buffer. `view` is made here, once per buffer, not once per datagram. */
  attach(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A datagram of its own: the payload in a new buffer. For packets that have to wait, not for every one. */
  copy(): Datagram {
    return this.copyTo(new Datagram());
  }

  /** Makes a new datagram a copy of this one. */
  protected copyTo<T extends Datagram>(copy: T): T {
    copy.attach(this.bytes.slice(this.offset, this.offset + this.length));
    copy.length = this.length;
    copy.timeHigh = this.timeHigh;
    copy.timeLow = this.timeLow;
    copy.packetNumber = this.packetNumber;
    copy.ipVersion = this.ipVersion;
    copy.sourcePort = this.sourcePort;
    copy.destinationPort = this.destinationPort;
    copy.destination.set(this.destination);
    copy.source.set(this.source);
    return copy;
  }
}
