import { MdxError } from '../errors.ts';
import type { Feed } from '../feeds/feed.ts';
import type { Datagram } from '../packet/datagram.ts';
import { sameFlow } from './flows.ts';

/** Datagrams, and bytes of them, looked at before the answer is that no feed matches. */
export const DETECT_DATAGRAMS_MAX = 1024;
const DETECT_BYTES_MAX: number = 8 * 1024 * 1024;

/**
 * Tells the feed of a capture from its first datagrams: the first flow whose datagrams exactly one feed calls its own
 * decides. Releases of one protocol may share messages, so what fits several is left open until another datagram of
 * the flow leaves one. What was looked at is kept, so that nothing is lost when the answer comes.
 */
export class FeedDetector<T extends Datagram = Datagram> {
  readonly held: T[] = [];
  readonly #feeds: readonly Feed[];
  #heldBytes = 0;
  /** What the datagrams of a flow fit so far, where that is more than one. */
  readonly #open: { readonly datagram: Datagram; feeds: readonly Feed[] }[] = [];

  constructor(feeds: readonly Feed[]) {
    this.#feeds = feeds.filter((feed) => feed.detectDatagram !== undefined);
  }

  /** Holds a datagram and looks at it. @returns the feed when it is known now. */
  offer(datagram: T): Feed | null {
    const copy = datagram.copy() as T;
    this.held.push(copy);
    this.#heldBytes += datagram.length;
    const matching = this.#feeds.filter((feed) => feed.detectDatagram?.(datagram) === 'yes');
    if (matching.length === 0) return null;
    const flow = this.#open.find((each) => sameFlow(each.datagram, datagram));
    const both = flow?.feeds.filter((feed) => matching.includes(feed)) ?? [];
    const feeds = both.length > 0 ? both : matching;
    if (feeds.length === 1) return feeds[0]!;
    if (flow === undefined) this.#open.push({ datagram: copy, feeds });
    else flow.feeds = feeds;
    return null;
  }

  /** Enough was seen to give up. */
  get exhausted(): boolean {
    return this.held.length >= DETECT_DATAGRAMS_MAX || this.#heldBytes >= DETECT_BYTES_MAX;
  }

  /**
   * The error for a capture whose feed could not be told.
   * @param leftOut datagrams that were not looked at, because others were asked for.
   */
  failure(path: string, leftOut: number): MdxError {
    if (this.held.length === 0 && leftOut > 0) {
      return new MdxError(
        'feed-none',
        `reading ${path}: none of its ${leftOut} datagrams is one that --port, --group, --from or --until asks for`,
      );
    }
    const ambiguous = this.#open[0]?.feeds.map((feed) => feed.name);
    if (ambiguous !== undefined) {
      return new MdxError('feed-ambiguous', `reading ${path}: its datagrams fit ${ambiguous.join(' and ')}`, {
        hint: `Choose with --feed ${ambiguous.join(' or --feed ')}.`,
      });
    }
    const seen = describeHeld(this.held);
    return new MdxError('feed-none', `reading ${path}: no feed matches its datagrams (${seen})`, {
      hint: '`mdx feeds` lists the feeds that mdx reads; --feed NAME takes one anyway.',
    });
  }
}

/** What was seen, for the message: how many, where to, how they begin. */
function describeHeld(held: readonly Datagram[]): string {
  if (held.length === 0) return 'there were none';
  const ports = [...new Set(held.map((datagram) => datagram.destinationPort))].slice(0, 4).join(', ');
  const { bytes, offset, length } = held[0]!;
  const start = Array.from(bytes.subarray(offset, offset + Math.min(length, 16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join(' ');
  return `${held.length} to port ${ports}; the first has ${length} bytes: ${start}${length > 16 ? ' …' : ''}`;
}
