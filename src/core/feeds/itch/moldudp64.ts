import type { Datagram } from '../../packet/datagram.ts';
import type { DecoderOptions, PacketDecoder } from '../feed.ts';
import { MessageDecoder } from './messages.ts';
import { BLOCK_PREFIX_BYTES, MOLD_HEADER_BYTES } from './mold-layout.ts';
import { MoldTransport } from './mold-transport.ts';

/** ITCH in MoldUDP64. */
export class MoldDecoder extends MoldTransport implements PacketDecoder {
  readonly #messages: MessageDecoder;

  constructor(source: string, options: DecoderOptions) {
    super();
    this.#messages = new MessageDecoder(source, options, {
      prefixBytes: BLOCK_PREFIX_BYTES,
      receiveIsVenue: false,
    });
  }

  decode(datagram: Datagram, first: number, skip: number, take: number): void {
    const { view } = datagram;
    let at = datagram.offset + MOLD_HEADER_BYTES;
    for (let left = skip; left > 0; left -= 1) at += BLOCK_PREFIX_BYTES + view.getUint16(at);
    const messages = this.#messages;
    messages.packetNumber = datagram.packetNumber;
    messages.origin = datagram.offset;
    const sequence = first === 0 ? 0 : first + skip;
    messages.decode(view, at, take, sequence, datagram.timeHigh, datagram.timeLow);
  }

  tally(datagram: Datagram, take: number): void {
    const messages = this.#messages;
    messages.packetNumber = datagram.packetNumber;
    messages.origin = datagram.offset;
    messages.tally(datagram.view, datagram.offset + MOLD_HEADER_BYTES, take);
  }
}
