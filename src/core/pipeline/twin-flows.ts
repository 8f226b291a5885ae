import { formatAddress } from '../capture/address.ts';
import { MdxError } from '../errors.ts';
import type { Datagram } from '../packet/datagram.ts';
import type { Channel, Flow } from './flows.ts';

/** Recent datagrams remembered per channel, by number modulo this. */
const REMEMBERED = 4096;
/** Bytes of the first message that are compared: venue messages carry their time there. */
const COMPARED_BYTES = 32;
/** So many equal numbers with other bytes, and none with the same, prove two flows to be two channels. */
const DIFFERENT_MIN = 3;

interface Memory {
  readonly session: Int32Array;
  readonly number: Float64Array;
  readonly hash: Int32Array;
}

/**
 * Finds out whether two channels are one whose second line was not found in time (FlowPairs): to apply both would make a
 * wrong book. Same session, same number and same bytes on two flows is proof; same session and overlapping
 * numbers without a datagram to compare is taken for one at the end.
 */
export class TwinFlows {
  readonly #memories: Memory[] = [];
  /** Per pair of channels: numbers seen on both with different bytes. */
  readonly #different: Map<string, number> = new Map();

  /** Looks at a datagram with numbers; to be called when there is more than one channel. */
  observe(channels: readonly Channel[], channel: Channel, datagram: Datagram, headerBytes: number): void {
    const { first, session } = channel.decoder;
    if (session === 0 || first === 0) return;
    while (this.#memories.length < channels.length) {
      this.#memories.push({
        session: new Int32Array(REMEMBERED),
        number: new Float64Array(REMEMBERED),
        hash: new Int32Array(REMEMBERED),
      });
    }
    const slot = first % REMEMBERED;
    const hash = hashOf(datagram, headerBytes);
    for (const other of channels) {
      if (other === channel) continue;
      const memory = this.#memories[other.number]!;
      if (memory.number[slot] !== first) continue;
      if (sessionOf(other, memory.session[slot]!) !== sessionOf(channel, session)) continue;
      if (memory.hash[slot] === hash) throw twinError(channel, other);
      const pair = pairOf(channel, other);
      this.#different.set(pair, (this.#different.get(pair) ?? 0) + 1);
    }
    const own = this.#memories[channel.number]!;
    own.session[slot] = session;
    own.number[slot] = first;
    own.hash[slot] = hash;
  }

  /** At the end: throws when two channels shared numbers of one session and nothing proved them different. */
  conclude(channels: readonly Channel[]): void {
    for (const [index, channel] of channels.entries()) {
      for (const other of channels.slice(0, index)) {
        if ((this.#different.get(pairOf(channel, other)) ?? 0) >= DIFFERENT_MIN) continue;
        if (overlaps(channel, other)) throw twinError(channel, other);
      }
    }
  }
}

function overlaps(left: Channel, right: Channel): boolean {
  for (const mine of left.arbiter.sessions) {
    const name = sessionOf(left, mine.session);
    if (name === null || mine.first === null || mine.last === null) continue;
    for (const theirs of right.arbiter.sessions) {
      if (sessionOf(right, theirs.session) !== name || theirs.first === null || theirs.last === null)
        continue;
      if (mine.first <= theirs.last && theirs.first <= mine.last) return true;
    }
  }
  return false;
}

function sessionOf(channel: Channel, session: number): string | null {
  return channel.decoder.sessionText(session);
}

function pairOf(left: Channel, right: Channel): string {
  return `${Math.min(left.number, right.number)}/${Math.max(left.number, right.number)}`;
}

function hashOf(datagram: Datagram, headerBytes: number): number {
  const { bytes, offset, length } = datagram;
  let hash = 0x811c9dc5 | 0;
  const end = offset + Math.min(length, headerBytes + COMPARED_BYTES);
  for (let at = offset + headerBytes; at < end; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash;
}

function addressOf({ address, ipVersion }: Flow): string {
  return formatAddress(address, ipVersion);
}

function twinError(channel: Channel, other: Channel): MdxError {
  // The one that was seen first: the other one may be the later line.
  const [{ flows: keptFlows }, { flows: leftFlows }] =
    other.number < channel.number ? [other, channel] : [channel, other];
  const [kept, left] = [keptFlows[0]!, leftFlows[0]!];
  const choice = kept.port === left.port ? `--group ${addressOf(kept)}` : `--port ${kept.port}`;
  return new MdxError(
    'channel-on-two-flows',
    `the same channel arrives on two flows, to ${addressOf(kept)} port ${kept.port} and to ${addressOf(left)} port ${left.port}`,
    { hint: `Choose one of them, for example with ${choice}.` },
  );
}
