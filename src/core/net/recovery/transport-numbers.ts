import { HEADER_DATA, type TransportReader } from '../../feeds/feed.ts';
import {
  PACKET_DAMAGED,
  PACKET_OTHER_SESSION,
  PACKET_READ,
  type PacketNumbers,
} from '../../merge/recovery/surroundings.ts';
import { Datagram } from '../../packet/datagram.ts';

/** Tells the numbers of fetched packets by the feed's transport header. One reader per channel, as lines have them. */
export class TransportNumbers implements PacketNumbers {
  first = 0;
  count = 0;
  readonly #open: () => TransportReader;
  readonly #readers: Map<number, TransportReader> = new Map();
  readonly #datagram: Datagram = new Datagram();

  /** @param open makes a reader for a channel. */
  constructor(open: () => TransportReader) {
    this.#open = open;
  }

  read(
    channel: number,
    session: Uint8Array | null,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number {
    const datagram = this.#datagram;
    if (datagram.bytes !== bytes) datagram.attach(bytes);
    datagram.offset = offset;
    datagram.length = length;
    const reader = this.#readerOf(channel);
    // Packets without a number are of no use: nothing says where they belong.
    if (reader.readHeader(datagram) !== HEADER_DATA || reader.first === 0) return PACKET_DAMAGED;
    this.first = reader.first;
    this.count = reader.count;
    if (reader.sessionOf === undefined) return PACKET_READ;
    const wanted = session === null ? 0 : reader.sessionOf(session);
    return reader.session === wanted ? PACKET_READ : PACKET_OTHER_SESSION;
  }

  #readerOf(channel: number): TransportReader {
    const found = this.#readers.get(channel);
    if (found !== undefined) return found;
    const reader = this.#open();
    this.#readers.set(channel, reader);
    return reader;
  }
}
