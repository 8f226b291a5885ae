import { formatAddress } from '../capture/address.ts';
import { MdxError } from '../errors.ts';
import type { Datagram } from '../packet/datagram.ts';
import { isProvedDifferent, isProvedSame } from './flow-pairs.ts';
import type { Channel, Flow } from './flows.ts';

/** Recent datagrams remembered per channel, by number modulo this. */
const REMEMBERED = 4096;
/** Bytes of the first message that are compared: venue messages carry their time there. */
const COMPARED_BYTES = 32;

/** Numbers that two channels showed with equal and with other bytes. */
interface Comparison {
  same: number;
  different: number;
}

interface Memory {
  readonly session: Int32Array;
  readonly number: Float64Array;
  readonly hash: Int32Array;
}

/**
 * Finds out whether two channels are one whose second line was not found in time (FlowPairs): to apply both would make a
 * wrong book. The proof is that of FlowPairs: numbers of one session with equal bytes on both. At the end, overlapping
 * numbers of one session are taken for one, unless the bytes have proved two.
 */
export class TwinFlows {
  readonly #memories: Memory[] = [];
  /** Per pair of channels. */
  readonly #comparisons: Map<string, Comparison> = new Map();

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
      const compared = this.#comparisonOf(channel, other);
      compared[memory.hash[slot] === hash ? 'same' : 'different'] += 1;
      if (isProvedSame(compared.same, compared.different)) throw twinError(channel, other);
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
        const { same, different } = this.#comparisonOf(channel, other);
        if (isProvedDifferent(same, different)) continue;
        if (overlaps(channel, other)) throw twinError(channel, other);
      }
    }
  }

  #comparisonOf(left: Channel, right: Channel): Comparison {
    const pair = `${Math.min(left.number, right.number)}/${Math.max(left.number, right.number)}`;
    const known = this.#comparisons.get(pair);
    if (known !== undefined) return known;
    const comparison = { same: 0, different: 0 };
    this.#comparisons.set(pair, comparison);
    return comparison;
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
