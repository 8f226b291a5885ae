import { nsBetween } from '../binary/time.ts';
import { type Feed, HEADER_DATA, type PacketDecoder, type TransportReader } from '../feeds/feed.ts';
import { type Channel, type Flow, type FlowTable, hasLine, sameFlow } from './flows.ts';
import { LINE_A, LINE_B, type SourcePacket } from './packet-source.ts';

/** Answers of `FlowPairs.offer`. */
/** Its flow is known: it can be handled now. */
export const PAIR_PASS = 0;
/** It is kept, behind others whose flow is in doubt. */
export const PAIR_HELD = 1;
/** It is none of the feed's. */
export const PAIR_REFUSED = 2;

/** Most packets and bytes of them that are kept for a proof. */
const HELD_MAX = 1024;
const HELD_BYTES_MAX: number = 8 * 1024 * 1024;
/**
 * Packets remembered of a flow without a twin, and least time between them: those of a slow flow are all remembered,
 * a busy one soon shows others.
 */
const RECENT_MAX = 8;
const RECENT_NS = 1e6;
/** Most packets without numbers that are kept of a flow that has shown none yet. */
const PARKED_MAX = 16_384;
/** Lines of one channel are not further apart, in numbers. */
const APART_MAX = 65_536;
/**
 * So many numbers with equal bytes, and more than with other bytes, prove one channel; one alone does not, as channels of a
 * venue may begin with the same message. Fewer decide where no more are to come.
 */
const SAME_MIN = 8;
/** So many numbers with other bytes, and no fewer than with equal ones, prove two channels. */
const DIFFERENT_MIN = 3;
/** Numbers remembered per flow, by number modulo this. */
const REMEMBERED = 16_384;
const MESSAGES_MAX = 65_536;

/** A flow, and what it showed while something was in doubt. */
class Party<D extends TransportReader> {
  /** Null: in doubt. */
  flow: Flow<D> | null;
  readonly packet: SourcePacket;
  readonly subchannel: number;
  readonly reader: TransportReader;
  /** It has shown a number. */
  isNumbered = false;
  /** What came before that. */
  readonly parked: SourcePacket[] = [];
  readonly numbers: Float64Array = new Float64Array(REMEMBERED).fill(-1);
  readonly digests: Int32Array = new Int32Array(REMEMBERED);
  readonly sessions: Int32Array = new Int32Array(REMEMBERED);
  /** Compared with the parties before this one: numbers with equal and with other bytes. */
  readonly same: Map<Party<D>, number> = new Map();
  readonly different: Map<Party<D>, number> = new Map();
  /** Parties before this one that may carry the same channel. */
  candidates: readonly Party<D>[] = [];

  constructor(flow: Flow<D> | null, packet: SourcePacket, subchannel: number, reader: TransportReader) {
    this.flow = flow;
    this.packet = packet;
    this.subchannel = subchannel;
    this.reader = reader;
  }
}

/**
 * Finds the flows that carry one channel, as in a capture on a port that sees both lines: those that show the same bytes under the
 * same numbers of the same session. From a new flow's first number on that may be of a known channel, all packets are
 * kept until that is proved or disproved, so that they can be arbitrated as they arrived. Where a source says which pair
 * of groups a packet is of, that is taken as it is.
 */
export class FlowPairs<D extends TransportReader = PacketDecoder> {
  readonly #feed: Feed;
  readonly #table: FlowTable<D>;
  #held: SourcePacket[] = [];
  #heldBytes = 0;
  /** Flows that were compared, known ones first; doubtful ones in order of first sight. */
  #parties: Party<D>[] = [];
  /** Some numbered flow is in doubt. */
  #holds = false;
  readonly #digests: Int32Array = new Int32Array(MESSAGES_MAX);

  constructor(feed: Feed, table: FlowTable<D>) {
    this.#feed = feed;
    this.#table = table;
  }

  /** Packets are kept, and every doubt about them is gone, or more must not be kept: `take` them. */
  get isSettled(): boolean {
    return this.#holds && (this.#isFull() || this.#isProved());
  }

  get holds(): boolean {
    return this.#holds;
  }

  /** Looks at a packet; one that is kept is copied. @returns one of PAIR_*. */
  offer(packet: SourcePacket): number {
    const flow = this.#table.find(packet, packet.line);
    if (flow !== null) {
      if (!this.#holds) {
        if (flow.channel.flows.length === 1 && packet.pair < 0) remember(flow, packet);
        return PAIR_PASS;
      }
      this.#note(this.#partyOf(flow, packet), packet);
      return this.#keep(packet.copy());
    }
    const doubtful = this.#doubtful(packet);
    if (doubtful !== null) return this.#wait(doubtful, packet.copy());
    if (!this.#table.admits(packet)) return PAIR_REFUSED;
    return this.#meet(packet);
  }

  /** Opens the flows in doubt as what they were proved to be, and hands over what was kept. */
  take(): readonly SourcePacket[] {
    const packets: SourcePacket[] = [];
    for (const party of this.#parties) {
      if (party.flow !== null || !party.isNumbered) continue;
      const { packet } = party;
      party.flow = this.#table.open(packet, packet.line, packet.pair, this.#twinOf(party));
      packets.push(...party.parked);
    }
    packets.push(...this.#held);
    this.#parties = this.#parties.filter(({ isNumbered }) => !isNumbered);
    this.#held = [];
    this.#heldBytes = 0;
    this.#holds = false;
    return packets;
  }

  /** The input is at its end: as `take`, and flows that showed no number are channels of their own. */
  takeAll(): readonly SourcePacket[] {
    const packets = [...this.take()];
    for (const { packet, parked } of this.#parties) {
      this.#table.open(packet, packet.line, packet.pair, null);
      packets.push(...parked);
    }
    this.#parties = [];
    return packets;
  }

  /** The first packet of a flow. */
  #meet(packet: SourcePacket): number {
    const table = this.#table;
    const { line, pair } = packet;
    if (line >= 0 && pair >= 0) {
      return this.#opened(packet, table.channelOfPair(packet, pair));
    }
    const party = new Party<D>(null, packet.copy(), table.subchannelOf(packet), this.#feed.transport!());
    if (!this.#holds && !table.channels.some((channel) => this.#mayTake(channel, party))) {
      return this.#opened(packet, null);
    }
    this.#parties.push(party);
    return this.#wait(party, party.packet);
  }

  #opened(packet: SourcePacket, channel: Channel<D> | null): number {
    const flow = this.#table.open(packet, packet.line, packet.pair, channel);
    if (flow === null) return PAIR_REFUSED;
    if (packet.pair < 0) remember(flow, packet);
    return this.#holds ? this.#keep(packet.copy()) : PAIR_PASS;
  }

  /** A packet of a flow in doubt. */
  #wait(party: Party<D>, copy: SourcePacket): number {
    const { reader } = party;
    const isNumbered = reader.readHeader(copy) === HEADER_DATA && reader.first > 0;
    if (!isNumbered && !party.isNumbered) {
      party.parked.push(copy);
      if (party.parked.length < PARKED_MAX) return PAIR_HELD;
      party.isNumbered = true;
      this.#holds = true;
      return PAIR_HELD;
    }
    if (!party.isNumbered) this.#doubt(party);
    this.#note(party, copy);
    return this.#keep(copy);
  }

  /** The flow's first number: from here on nothing is handled before it is known whose it is. */
  #doubt(party: Party<D>): void {
    party.isNumbered = true;
    this.#holds = true;
    // Every known flow is a candidate until something speaks against it.
    for (const channel of this.#table.channels) {
      if (!this.#mayTake(channel, party) || !this.#isNear(channel, party)) continue;
      for (const flow of channel.flows) this.#partyOf(flow, party.packet);
    }
    const known = this.#parties.filter(
      ({ flow }) => flow !== null && this.#mayTake(flow.channel, party) && this.#isNear(flow.channel, party),
    );
    const doubtful = this.#parties.filter(
      (each) => each !== party && each.flow === null && each.isNumbered && mayPair(each, party),
    );
    party.candidates = [...known, ...doubtful];
  }

  /** May a channel have one more flow, which is that of the party? */
  #mayTake(channel: Channel<D>, { packet, subchannel }: Party<D>): boolean {
    if (channel.flows[0]?.subchannel !== subchannel) return false;
    return packet.line >= 0
      ? !hasLine(channel, packet.line)
      : !(hasLine(channel, LINE_A) && hasLine(channel, LINE_B));
  }

  /** Does the channel know the session of the party's packet in hand, with numbers near it? */
  #isNear({ decoder, arbiter }: Channel<D>, { reader }: Party<D>): boolean {
    const text = reader.sessionText(reader.session);
    const { sessions } = arbiter;
    if (text === null) {
      const last = sessions.at(-1)?.last ?? null;
      // Numbers of 32 bits may have been extended there.
      return last === null || Math.abs((reader.first - last) | 0) <= APART_MAX;
    }
    if (sessions.length === 0) return true;
    const session = sessions.find((each) => decoder.sessionText(each.session) === text);
    if (session === undefined) return false;
    return session.last === null || Math.abs(reader.first - session.last) <= APART_MAX;
  }

  #doubtful(packet: SourcePacket): Party<D> | null {
    if (this.#parties.length === 0) return null;
    const subchannel = this.#table.subchannelOf(packet);
    for (const party of this.#parties) {
      const isOf =
        party.flow === null &&
        party.packet.line === packet.line &&
        party.subchannel === subchannel &&
        sameFlow(party.packet, packet);
      if (isOf) return party;
    }
    return null;
  }

  #partyOf(flow: Flow<D>, packet: SourcePacket): Party<D> {
    const known = this.#parties.find((party) => party.flow === flow);
    if (known !== undefined) return known;
    const party = new Party(flow, packet, flow.subchannel, this.#feed.transport!());
    party.isNumbered = true;
    for (const recent of flow.recent) this.#note(party, recent);
    // Known ones stand in front: they are what a flow in doubt may be the twin of.
    this.#parties.unshift(party);
    return party;
  }

  /** Compares the numbers of a packet with those that the other flows showed, and remembers them. */
  #note(party: Party<D>, packet: SourcePacket): void {
    const { reader, numbers, digests, sessions } = party;
    if (reader.readHeader(packet) !== HEADER_DATA || reader.first === 0) return;
    const { first, count, session } = reader;
    reader.digest(packet, count, this.#digests);
    const text = reader.sessionText(session);
    for (let index = 0; index < count; index += 1) {
      const number = first + index;
      const slot = number % REMEMBERED;
      for (const other of this.#parties) {
        if (other === party || other.numbers[slot] !== number) continue;
        if (other.reader.sessionText(other.sessions[slot]!) !== text) continue;
        const counts = other.digests[slot] === this.#digests[index] ? 'same' : 'different';
        addOne(party[counts], other);
        addOne(other[counts], party);
      }
      numbers[slot] = number;
      digests[slot] = this.#digests[index]!;
      sessions[slot] = session;
    }
  }

  #keep(copy: SourcePacket): number {
    this.#held.push(copy);
    this.#heldBytes += copy.length;
    return PAIR_HELD;
  }

  #isFull(): boolean {
    return this.#held.length >= HELD_MAX || this.#heldBytes >= HELD_BYTES_MAX;
  }

  #isProved(): boolean {
    for (const party of this.#parties) {
      if (party.flow !== null || !party.isNumbered) continue;
      const { same, different, candidates } = party;
      if (candidates.some((other) => isProvedSame(same.get(other) ?? 0, different.get(other) ?? 0))) continue;
      const isOwn = candidates.every((other) =>
        isProvedDifferent(same.get(other) ?? 0, different.get(other) ?? 0),
      );
      if (!isOwn) return false;
    }
    return true;
  }

  /** The channel that a flow in doubt is one more line of; null: it is one of its own. */
  #twinOf(party: Party<D>): Channel<D> | null {
    let best: Party<D> | null = null;
    for (const other of party.candidates) {
      if (other.flow === null || !isSame(party, other) || !this.#mayTake(other.flow.channel, party)) continue;
      if (best === null || party.same.get(other)! > party.same.get(best)!) best = other;
    }
    return best?.flow?.channel ?? null;
  }
}

/** Notes a packet of a flow without a twin, one in a while. */
function remember<D extends TransportReader>(flow: Flow<D>, packet: SourcePacket): void {
  const { timeHigh, timeLow } = packet;
  const { recent } = flow;
  if (
    recent.length === RECENT_MAX &&
    nsBetween(timeHigh, timeLow, flow.recentHigh, flow.recentLow) < RECENT_NS
  )
    return;
  flow.recentHigh = timeHigh;
  flow.recentLow = timeLow;
  recent.push(packet.copy());
  if (recent.length > RECENT_MAX) recent.shift();
}

function mayPair<D extends TransportReader>(left: Party<D>, right: Party<D>): boolean {
  if (left.subchannel !== right.subchannel) return false;
  return left.packet.line < 0 || left.packet.line !== right.packet.line;
}

function isSame<D extends TransportReader>(party: Party<D>, other: Party<D>): boolean {
  return (party.same.get(other) ?? 0) > (party.different.get(other) ?? 0);
}

/** Do so many numbers with equal and with other bytes prove two flows to be one channel? */
export function isProvedSame(same: number, different: number): boolean {
  return same >= SAME_MIN && same > different;
}

/** Do they prove them to be two? */
export function isProvedDifferent(same: number, different: number): boolean {
  return different >= DIFFERENT_MIN && different >= same;
}

function addOne<D extends TransportReader>(counts: Map<Party<D>, number>, of: Party<D>): void {
  counts.set(of, (counts.get(of) ?? 0) + 1);
}
