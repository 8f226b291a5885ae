import { digest32 } from '../../binary/digest.ts';
import type { Datagram } from '../../packet/datagram.ts';
import { HEADER_DAMAGED, HEADER_DATA, type TransportReader } from '../feed.ts';
import { NUMBER_BYTES } from './layout.ts';
import { MessageReader } from './messages.ts';

const TWO_32 = 4294967296;

/**
 * Framing of FAST-like packets (layout.ts draws them). The packets are numbered, not the messages: a packet counts as one.
 *
 * A packet is damaged when it is shorter than its number, when the number passes 2^53 − 1, and where the head of a
 * message cannot be read or its body runs past the end.
 */
export class FastLikeTransport implements TransportReader {
  /** The format has none. */
  readonly session = 0;
  first = 0;
  count = 0;
  damageOffset = 0;
  readonly headerBytes: number = NUMBER_BYTES;
  protected readonly messages: MessageReader = new MessageReader();

  readHeader(datagram: Datagram): number {
    const { view, offset, length } = datagram;
    if (length < NUMBER_BYTES) return this.#damaged(0, 0, length);
    const number = view.getUint32(offset) * TWO_32 + view.getUint32(offset + 4);
    if (number > Number.MAX_SAFE_INTEGER) return this.#damaged(0, 0, 0);
    const { messages } = this;
    messages.begin(datagram);
    let whole = 0;
    while (messages.next()) whole += 1;
    if (messages.damageOffset >= 0) return this.#damaged(number, whole, messages.damageOffset);
    this.first = number;
    this.count = 1;
    return HEADER_DATA;
  }

  digest({ view, offset, length }: Datagram, _count: number, into: Int32Array): void {
    into[0] = digest32(view, offset, length);
  }

  sessionText(): null {
    return null;
  }

  /** `whole` messages stand in front of the damage at `damageOffset`. */
  #damaged(number: number, whole: number, damageOffset: number): number {
    this.first = number;
    this.count = whole;
    this.damageOffset = damageOffset;
    return HEADER_DAMAGED;
  }
}
