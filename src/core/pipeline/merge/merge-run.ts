import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PipeInterface } from '../../capture/pipe-interface.ts';
import { GAP_LOST, GAP_OPEN } from '../../event/record.ts';
import {
  type Feed,
  HEADER_DAMAGED,
  HEADER_DATA,
  HEADER_END_OF_SESSION,
  type TransportReader,
} from '../../feeds/feed.ts';
import { Arbiter } from '../../merge/arbiter.ts';
import { LinePreference } from '../../merge/preference.ts';
import type { ArbiterOptions, ArbiterSink } from '../../merge/session-merge.ts';
import { WaitingRoom } from '../../merge/waiting-room.ts';
import type { RecoveryCallbacks, RecoveryClient } from '../../net/recovery/client.ts';
import { Datagram } from '../../packet/datagram.ts';
import { FlowPairs, PAIR_HELD, PAIR_PASS } from '../flow-pairs.ts';
import { type Flow, type FlowFilter, FlowTable, passes } from '../flows.ts';
import {
  LINE_R,
  type PacketSource,
  SOURCE_RECORD,
  SOURCE_TIME,
  type SourcePacket,
} from '../packet-source.ts';
import { FeedSearch } from './feed-search.ts';
import { MergeChannel, MergeFlow } from './merge-channel.ts';
import { MergeClock } from './merge-clock.ts';
import { type MergeInput, MergeInputs } from './merge-inputs.ts';
import type { MergeOptions, MergeResult } from './merge-options.ts';
import type { MergeOutput } from './merge-output.ts';

/** Packets between two looks at whether to stop, unless the options say otherwise. */
const PACKETS_PER_TURN = 1024;
/** The last hole of a session, and then that of the one that waits behind it. */
const ROUNDS_AT_END = 2;
/** Longest sleep while nothing comes, ms. */
const IDLE_MS = 100;

/**
 * Makes one stream of the packets of all sources: files by the times of their packets, live ones as they come. Throws
 * MdxError where no feed can be told, or where a source cannot be read.
 */
export function merge(options: MergeOptions): Promise<MergeResult> {
  return new MergeRun(options).execute();
}

class MergeRun implements ArbiterSink, RecoveryCallbacks {
  readonly #options: MergeOptions;
  readonly #inputs: MergeInputs;
  readonly #room: WaitingRoom = new WaitingRoom();
  readonly #clock: MergeClock = new MergeClock(this.#room);
  readonly #preference: LinePreference = new LinePreference();
  readonly #search: FeedSearch;
  readonly #filter: FlowFilter;
  readonly #fetched: Datagram = new Datagram();
  #feed: Feed | null = null;
  #table: FlowTable<TransportReader> | null = null;
  #pairs: FlowPairs<TransportReader> | null = null;
  /** By the numbers of the channels. */
  readonly #channels: MergeChannel[] = [];
  readonly #flows: Map<Flow<TransportReader>, MergeFlow> = new Map();
  #output: MergeOutput | null = null;
  #recovery: RecoveryClient | null = null;
  /** The packet whose header was read last, and how many numbers it has. */
  #hand: Datagram | null = null;
  #handCount = 0;
  /** How long nothing has come. */
  #idleNs = 0;
  #packets = 0;
  #packetsDelivered = 0;
  #delivered = 0;
  #lost = 0;
  #other = 0;
  #stopped: MergeResult['stopped'] = null;

  constructor(options: MergeOptions) {
    this.#options = options;
    this.#inputs = new MergeInputs(options.sources);
    const { ports, groups } = options.filter;
    const looks = ports === null && groups === null;
    this.#filter = { ports, groups, snapshots: [], detect: looks };
    this.#search = new FeedSearch(options.feed, options.feeds, looks);
  }

  async execute(): Promise<MergeResult> {
    const started = process.hrtime.bigint();
    try {
      await this.#pump();
      if (this.#table === null) this.#settleFeed();
      this.#release(this.#pairs?.takeAll() ?? []);
      await this.#recoverTheEnd();
      for (const { arbiter } of this.#channels) arbiter.finish();
    } finally {
      await this.#recovery?.close();
    }
    const flows = [...this.#flows.values()];
    this.#output?.finish(flows, this.#clock.timeHigh, this.#clock.timeLow);
    return {
      feed: this.#feed,
      channels: this.#channels,
      flows,
      room: this.#room,
      preference: this.#preference,
      packetsDelivered: this.#packetsDelivered,
      recovery: this.#recovery?.counts ?? null,
      otherPackets: this.#other,
      stopped: this.#stopped,
      elapsedNs: Number(process.hrtime.bigint() - started),
    };
  }

  deliver(number: number, line: number, datagram: Datagram, first: number, skip: number, take: number): void {
    const channel = this.#channels[number]!;
    this.#preference.note(line, this.#room.clock[0]!);
    this.#delivered += take;
    this.#packetsDelivered += 1;
    channel.heartbeatLine = -1;
    if (first > 0) channel.next = first + skip + take;
    if (this.#output === null) return;
    // Whole, unless messages in front or behind are not passed on; a feed that is not cut has one number per packet.
    const isWhole =
      channel.transport.cut === undefined || (skip === 0 && take === this.#countOf(channel, datagram));
    this.#output.write(channel, line, datagram, first, skip, take, isWhole);
  }

  gap(number: number, session: number, first: number, count: number, state: number, by: number): void {
    const channel = this.#channels[number]!;
    if (state === GAP_LOST) {
      this.#lost += count;
      if (first + count > channel.next) {
        channel.next = first + count;
        channel.heartbeatLine = -1;
      }
    }
    this.#output?.gap(channel, session, first, count, state, by, this.#clock.timeHigh, this.#clock.timeLow);
    const recovery = this.#recovery;
    if (recovery === null) return;
    const id = channel.transport.sessionId?.(session) ?? null;
    if (state === GAP_OPEN) recovery.request(number, id, first, count);
    else recovery.satisfied(number, first, count, id);
  }

  session(number: number, session: number, first: number): void {
    const channel = this.#channels[number]!;
    channel.session = session;
    channel.next = first;
    channel.heartbeatLine = -1;
    const isReset = this.#feed!.sessionEvent === 'reset';
    this.#output?.session(channel, session, first, isReset, this.#clock.timeHigh, this.#clock.timeLow);
  }

  readonly onPacket = (number: number, bytes: Uint8Array, offset: number, length: number): void => {
    const channel = this.#channels[number]!;
    const { flow } = channel.flowOf(LINE_R);
    const datagram = this.#fetched;
    if (datagram.bytes !== bytes) datagram.attach(bytes);
    datagram.offset = offset;
    datagram.length = length;
    datagram.timeHigh = this.#clock.timeHigh;
    datagram.timeLow = this.#clock.timeLow;
    datagram.ipVersion = flow.ipVersion;
    datagram.destination.set(flow.address);
    datagram.destinationPort = flow.port;
    this.#read(channel, LINE_R, datagram);
  };

  readonly onUnrecoverable = (number: number, first: number, count: number): void => {
    this.#channels[number]!.arbiter.abandon(first, count);
    if (this.#options.stopsAtLoss) this.#stopped = 'loss';
  };

  async #pump(): Promise<void> {
    const { packetsPerTurn = PACKETS_PER_TURN } = this.#options;
    let turn = 0;
    for (;;) {
      const input = this.#inputs.next();
      if (input !== null) {
        this.#handle(input);
        this.#inputs.done(input);
        turn += 1;
        if (this.#isWaitingForAnswers) await this.#recovery!.idle();
        if (turn < packetsPerTurn && this.#stopped === null) continue;
      }
      turn = 0;
      await this.#breathe();
      if (this.#heedStop()) return;
      if (input !== null) continue;
      if (this.#inputs.hasEnded) return;
      this.#pass(await this.#inputs.wait(this.#waitMs));
    }
  }

  /** Holes that were open at the end grow old, and are asked for, as if nothing came any more. */
  async #recoverTheEnd(): Promise<void> {
    const recovery = this.#recovery;
    if (recovery === null) return;
    for (let round = 0; round < ROUNDS_AT_END; round += 1) {
      await recovery.idle();
      this.#clock.pass(this.#options.arbiter.gapTimeoutNs);
      this.#expire();
    }
    await recovery.idle();
  }

  /** Between files, time stands still while lost packets are fetched. */
  get #isWaitingForAnswers(): boolean {
    const recovery = this.#recovery;
    if (recovery === null || recovery.isIdle) return false;
    return !this.#inputs.isLive;
  }

  #handle({ packet, source, state }: MergeInput): void {
    if (state === SOURCE_RECORD) {
      if (source.record !== undefined) this.#output?.lineState(source.record);
      return;
    }
    if (state === SOURCE_TIME) {
      // While packets are kept, their time has not come.
      if (this.#pairs?.holds !== true) this.#advance(packet);
      return;
    }
    this.#packets += 1;
    this.#idleNs = 0;
    if (this.#table === null) this.#detect(packet, source);
    else this.#accept(packet, source);
  }

  /** Time comes to that of a packet; holes that have become too old are reported before it is looked at. */
  #advance(packet: Datagram): void {
    this.#clock.advance(packet);
    if (this.#room.isDue) this.#expire();
  }

  #expire(): void {
    this.#room.rearm();
    for (const { arbiter } of this.#channels) arbiter.expire();
  }

  #accept(packet: SourcePacket, source: PacketSource): void {
    const table = this.#table!;
    const pairs = this.#pairs!;
    const { line, pair } = packet;
    if (line >= 0 && pair >= 0) {
      let flow = table.find(packet, line);
      if (flow === null && passes(this.#filter, packet)) {
        // What a packet pipe or a live line carries was chosen by whoever named it.
        flow = table.open(packet, line, pair, table.channelOfPair(packet, pair));
        if (flow !== null) this.#stateOf(flow, source.origin());
      }
      if (flow !== null && !pairs.holds) {
        this.#advance(packet);
        this.#takeOf(flow, packet);
        return;
      }
    }
    const answer = pairs.offer(packet);
    if (answer === PAIR_PASS) this.#take(packet);
    else if (answer !== PAIR_HELD) {
      if (!pairs.holds) this.#advance(packet);
      this.#refuse(source);
    }
    if (pairs.isSettled) this.#release(pairs.take());
  }

  /** Packets that were kept until it was known whose they are. */
  #release(packets: readonly SourcePacket[]): void {
    for (const packet of packets) this.#take(packet);
  }

  #refuse(source: PacketSource): void {
    this.#other += 1;
    source.refuse?.();
  }

  /** A packet whose flow is open, unless there are too many. */
  #take(packet: SourcePacket): void {
    this.#advance(packet);
    const flow = this.#table!.find(packet, packet.line);
    if (flow === null) {
      this.#other += 1;
      return;
    }
    this.#takeOf(flow, packet);
  }

  #takeOf(flow: Flow<TransportReader>, packet: SourcePacket): void {
    this.#stateOf(flow, null).packets += 1;
    this.#read(this.#channels[flow.channel.number]!, flow.line, packet);
  }

  /** What became of a flow, made at its first packet. */
  #stateOf(flow: Flow<TransportReader>, origin: PipeInterface | null): MergeFlow {
    const known = this.#flows.get(flow);
    if (known !== undefined) return known;
    const { channel } = flow;
    const state = new MergeFlow(flow, channel.pair >= 0 ? channel.pair : channel.number, origin);
    // Pairs that have shown nothing yet have their channels, too.
    for (const each of this.#table!.channels.slice(this.#channels.length)) {
      this.#channels.push(new MergeChannel(each));
    }
    this.#channels[channel.number]!.flows.push(state);
    this.#flows.set(flow, state);
    return state;
  }

  #read(channel: MergeChannel, line: number, datagram: Datagram): void {
    const { transport, arbiter } = channel;
    const kind = transport.readHeader(datagram);
    this.#hand = datagram;
    this.#handCount = transport.count;
    if (kind === HEADER_DATA) {
      if (channel.next < 0 && channel.session === 0) channel.session = transport.session;
      arbiter.data(line, datagram, transport);
    } else if (kind === HEADER_DAMAGED) arbiter.damaged(line);
    else {
      arbiter.mark(line, transport, kind === HEADER_END_OF_SESSION);
      this.#passHeartbeat(channel, line, datagram);
    }
  }

  /** A heartbeat or end of session goes on when it says what the output says, from the line that said it first. */
  #passHeartbeat(channel: MergeChannel, line: number, datagram: Datagram): void {
    const { transport } = channel;
    if (channel.next < 0) channel.session = transport.session;
    else if (transport.session !== channel.session || transport.first !== channel.next) return;
    if (channel.heartbeatLine >= 0 && channel.heartbeatLine !== line) return;
    channel.heartbeatLine = line;
    this.#packetsDelivered += 1;
    this.#output?.write(channel, line, datagram, transport.first, 0, 0, true);
  }

  /** How many numbers a packet has. One that has waited is read once more; feeds that are not cut never get here. */
  #countOf({ transport }: MergeChannel, datagram: Datagram): number {
    if (datagram === this.#hand) return this.#handCount;
    transport.readHeader(datagram);
    return transport.count;
  }

  /** Until the feed is known packets are held. */
  #detect(packet: SourcePacket, source: PacketSource): void {
    if (!passes(this.#filter, packet)) {
      this.#refuse(source);
      return;
    }
    const found = this.#search.offer(packet, source);
    if (found !== null) this.#begin(found);
    else if (this.#search.isExhausted) this.#settleFeed();
  }

  /** Nothing told the feed: the one that was named, or an error. */
  #settleFeed(): void {
    const { feed, sources } = this.#options;
    if (feed === null && this.#stopped !== null && this.#search.isEmpty) return;
    this.#begin(this.#search.settle(sources, this.#other));
  }

  #begin(feed: Feed): void {
    const { arbiter, output, recovery } = this.#options;
    this.#feed = feed;
    const table = new FlowTable<TransportReader>(feed, this.#filter, (number) => ({
      decoder: feed.transport!(),
      arbiter: new Arbiter(number, { ...arbiter, ...this.#startOf(number) }, this, this.#room),
    }));
    this.#table = table;
    this.#pairs = new FlowPairs(feed, table);
    this.#output = output?.(feed) ?? null;
    this.#recovery = recovery?.(feed, this) ?? null;
    this.#options.onBegin?.({
      feed,
      channels: this.#channels,
      room: this.#room,
      preference: this.#preference,
      recovery: this.#recovery?.counts ?? null,
    });
    const { first } = this.#search;
    if (first !== null && (first.line < 0 || first.pair < 0)) table.open(first, first.line, first.pair, null);
    for (const { packet, source } of this.#search.take()) this.#accept(packet, source);
  }

  #startOf(number: number): Pick<ArbiterOptions, 'startOf'> {
    const { startOf } = this.#options;
    if (startOf === undefined) return {};
    return {
      startOf: (session) =>
        startOf(number, this.#channels[number]?.transport.sessionText(session) ?? null) ?? -1,
    };
  }

  /** @returns null where there is nothing to wait for. */
  #breathe(): Promise<void> | null {
    this.#output?.flush();
    const waits = this.#options.breathe({
      packets: this.#packets,
      delivered: this.#delivered,
      lost: this.#lost,
      waiting: this.#room.packets,
    });
    return this.#recovery === null || this.#recovery.isIdle ? waits : this.#turn(waits);
  }

  /** Answers of recovery come between turns of the event loop. */
  async #turn(waits: Promise<void> | null): Promise<void> {
    await waits;
    await nextTurn();
  }

  /** @returns true when the run is over. */
  #heedStop(): boolean {
    if (this.#options.stop() && this.#stopped === null) {
      this.#stopped = 'request';
      this.#inputs.stop();
    }
    return this.#stopped === 'loss';
  }

  /** Until a hole has become too old while nothing came, or until it is worth to look around. */
  get #waitMs(): number {
    const room = this.#room;
    return Math.min(IDLE_MS, Math.max(1, Math.ceil((room.due - room.clock[0]!) / 1e6)));
  }

  /** So long nothing came, ns. */
  #pass(passed: number): void {
    if (passed === 0 || !this.#clock.hasStarted) return;
    // Whose line a flow is may stay in doubt on a quiet line; what came of it must not be kept back.
    if (this.#pairs?.holds === true) this.#release(this.#pairs.take());
    // Packets bring the time with them; while none comes, what has passed here has passed there.
    this.#clock.pass(passed);
    if (this.#room.isDue) this.#expire();
    this.#idleNs += passed;
    if (this.#idleNs >= this.#options.idleMs * 1e6) this.#inputs.stop();
  }
}
