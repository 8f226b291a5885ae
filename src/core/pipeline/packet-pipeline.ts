import { nsBetween } from '../binary/time.ts';
import type { EventBatch, EventSink } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import {
  GAP_LOST,
  KIND_GAP,
  KIND_RESET,
  KIND_SESSION,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
} from '../event/record.ts';
import { EventWriter } from '../event/writer.ts';
import type { FeedCounts } from '../feeds/counts.ts';
import {
  type Feed,
  HEADER_DAMAGED,
  HEADER_DATA,
  HEADER_END_OF_SESSION,
  type PacketDecoders,
  type ProductNumbers,
  type SnapshotOptions,
} from '../feeds/feed.ts';
import type { MessageSink } from '../feeds/message-sink.ts';
import { Arbiter } from '../merge/arbiter.ts';
import type { ArbiterOptions, ArbiterSink } from '../merge/session-merge.ts';
import { WaitingRoom } from '../merge/waiting-room.ts';
import type { Datagram } from '../packet/datagram.ts';
import type { TransportPlace } from './books.ts';
import { type Channel, type ChannelParts, type Flow, type FlowFilter, FlowTable } from './flows.ts';
import { LINE_NAMES } from './packet-source.ts';
import { TwinFlows } from './twin-flows.ts';

const TWO_32 = 4294967296;
/** A channel may come on any of them, which its packets show. */
const LINES: number = LINE_NAMES.length;

export interface PacketPipelineOptions {
  readonly feed: Feed;
  readonly counts: FeedCounts;
  readonly dictionary: Dictionary;
  readonly batch: EventBatch;
  readonly sink: EventSink;
  readonly messages?: MessageSink | null;
  readonly flows: FlowFilter;
  readonly snapshots: SnapshotOptions;
  readonly arbiter: Omit<ArbiterOptions, 'lines'>;
  /** ns from 1970 to the midnight that venue times count from; asked with the first datagram. Null: unknown. */
  readonly midnight: (datagram: Datagram) => bigint | null;
  /** Most messages to decode. */
  readonly messagesMax: number;
}

/**
 * Datagrams → events: finds the channel, makes one stream of what its lines show, decodes what is new.
 * Synchronous; whoever feeds it decides when to breathe.
 */
export class PacketPipeline implements ArbiterSink {
  readonly flows: FlowTable;
  readonly #options: PacketPipelineOptions;
  readonly #writer: EventWriter;
  readonly #decoders: PacketDecoders;
  readonly #room: WaitingRoom = new WaitingRoom();
  readonly #twins: TwinFlows = new TwinFlows();
  /** By channel, the session of what was handed over last. */
  readonly #sessions: number[] = [];
  /** Zero of the clock that ages holes: the first datagram's time. */
  #zeroHigh = 0;
  #zeroLow = 0;
  /** By channel, the transport number behind everything that was decoded or lost; 0 = not known. */
  readonly #next: number[] = [];
  #started = false;
  /** Time of the datagram in hand, for records that no message carries. */
  #timeHigh = 0;
  #timeLow = 0;

  constructor(options: PacketPipelineOptions) {
    this.#options = options;
    this.#writer = new EventWriter(options.batch, options.sink);
    const { feed, dictionary, counts, messages = null, snapshots } = options;
    const decoders = feed.packetDecoders?.({ dictionary, counts, messages, writer: this.#writer }, snapshots);
    if (decoders === undefined) throw new Error(`${feed.name} has no packets`);
    this.#decoders = decoders;
    this.flows = new FlowTable(options.feed, options.flows, (number, datagram) =>
      this.#make(number, datagram),
    );
  }

  /** Products of the feed, where it has such. */
  get products(): readonly ProductNumbers[] {
    return this.#decoders.products ?? [];
  }

  /** How far each channel has been decoded. */
  get places(): readonly TransportPlace[] {
    const seen = this.flows.channels.filter(({ flows }) => flows.length > 0);
    return seen.map(({ number }) => ({
      channel: number,
      session: this.sessionOf(number),
      nextTransport: this.#next[number] ?? 0,
    }));
  }

  /** Id of the session that the events of a channel are of, as they are handed over; null = none. */
  sessionOf(channel: number): string | null {
    const decoder = this.flows.channels[channel]?.decoder;
    return decoder?.sessionText(this.#sessions[channel] ?? 0) ?? null;
  }

  /** All messages that were asked for have been decoded. */
  get full(): boolean {
    return this.#options.counts.messages >= this.#options.messagesMax;
  }

  /**
   * Takes a datagram. @param line as its source says it, −1 = it does not; @param pair likewise, for a flow that was not
   * opened yet. @returns false when it is not one of the feed's.
   */
  accept(datagram: Datagram, line = -1, pair = -1): boolean {
    this.advance(datagram);
    const flow = this.flowOf(datagram, line, pair);
    if (flow === null) return false;
    const { channel } = flow;
    const { decoder, arbiter } = channel;
    const kind = this.readHeader(channel, datagram);
    if (kind === HEADER_DATA) arbiter.data(flow.line, datagram, decoder);
    else if (kind === HEADER_DAMAGED) this.#damaged(channel, flow.line, datagram);
    else arbiter.mark(flow.line, decoder, kind === HEADER_END_OF_SESSION);
    return true;
  }

  /** Reads the header of a channel's datagram. @returns one of HEADER_*. Throws MdxError where another channel is the same one. */
  readHeader(channel: Channel, datagram: Datagram): number {
    const kind = channel.decoder.readHeader(datagram);
    const { channels } = this.flows;
    if (kind === HEADER_DATA && channels.length > 1) {
      this.#twins.observe(channels, channel, datagram, channel.decoder.headerBytes);
    }
    return kind;
  }

  /**
   * As `deliver`, for whoever has put the numbers in order himself, and tells `session` and `gap`, too. The header of the
   * datagram was read.
   */
  handOver(
    { number, decoder }: Channel,
    line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
  ): void {
    this.#sessions[number] ??= decoder.session;
    this.deliver(number, line, datagram, first, skip, take);
  }

  /** Time comes to that of a datagram; holes that have become too old are reported. */
  advance(datagram: Datagram): void {
    if (!this.#started) {
      this.#started = true;
      this.#zeroHigh = datagram.timeHigh;
      this.#zeroLow = datagram.timeLow;
    }
    const now = nsBetween(datagram.timeHigh, datagram.timeLow, this.#zeroHigh, this.#zeroLow);
    const { clock } = this.#room;
    if (now > clock[0]!) clock[0] = now;
    this.#timeHigh = datagram.timeHigh;
    this.#timeLow = datagram.timeLow;
    if (this.#room.isDue) this.#expire();
  }

  /** The flow of a datagram, opened at first sight; null where it is none of the feed's. */
  flowOf(datagram: Datagram, line: number, pair: number): Flow | null {
    const { flows } = this;
    const known = flows.find(datagram, line);
    if (known !== null || !flows.admits(datagram)) return known;
    return flows.open(datagram, line, pair, pair < 0 ? null : flows.channelOfPair(datagram, pair));
  }

  /** The stream says that numbers of a channel are lost. @param id of their session, as the wire has it. */
  declareLost({ decoder, arbiter }: Channel, id: Uint8Array, first: number, count: number): void {
    const session = decoder.sessionOf === undefined ? decoder.session : decoder.sessionOf(id);
    if (session >= 0) arbiter.declareLost(session, first, count);
  }

  /** Hands over what has been decoded so far. */
  flush(): void {
    this.#writer.flush();
  }

  /** The input has ended: reports what is missing and hands everything over. */
  finish(): void {
    for (const channel of this.flows.channels) channel.arbiter.finish();
    this.#decoders.finish?.();
    this.#writer.flush();
    if (this.flows.channels.length > 1) this.#twins.conclude(this.flows.channels);
  }

  deliver(
    channel: number,
    _line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
  ): void {
    const { counts, messagesMax } = this.#options;
    this.#sessions[channel] ??= this.flows.channels[channel]!.arbiter.session;
    const left = messagesMax - counts.messages;
    const wanted = Math.min(take, left);
    if (wanted <= 0) return;
    this.flows.channels[channel]!.decoder.decode(datagram, first, skip, wanted);
    if (first > 0) this.#next[channel] = first + skip + wanted;
  }

  gap(channel: number, _session: number, first: number, count: number, state: number): void {
    // An open hole changes no book yet.
    if (state !== GAP_LOST) return;
    this.#next[channel] = Math.max(this.#next[channel] ?? 0, first + count);
    this.#note(channel, KIND_GAP, first, count, GAP_LOST);
    this.flows.channels[channel]!.decoder.lost?.();
  }

  session(channel: number, session: number, first: number): void {
    this.#next[channel] = first;
    const isReset = this.#options.feed.sessionEvent === 'reset';
    this.#note(channel, isReset ? KIND_RESET : KIND_SESSION, first, 0, 0);
    this.#sessions[channel] = session;
  }

  /** Writes an event about the transport itself. No venue has stamped it: both its times are those of the packet in hand. */
  #note(channel: number, kind: number, first: number, count: number, state: number): void {
    const writer = this.#writer;
    const { batch } = writer;
    writer.flush();
    writer.begin(channel, this.#timeHigh, this.#timeLow, first, 1);
    batch.venueBaseHigh = this.#timeHigh;
    batch.venueBaseLow = this.#timeLow;
    const { words } = batch;
    words.fill(0, 0, RECORD_WORDS);
    words[0] = kind;
    words[WORD_BOOK] = NO_BOOK;
    put(words, WORD_ID, first);
    put(words, WORD_QUANTITY, count);
    words[WORD_PRICE] = state;
    batch.count = 1;
    // Readers see a gap before anything that comes behind it.
    writer.flush();
  }

  #damaged(channel: Channel, line: number, datagram: Datagram): void {
    const { counts } = this.#options;
    const { decoder } = channel;
    counts.noteMalformed('damaged datagram', datagram.packetNumber, decoder.damageOffset);
    channel.arbiter.damaged(line);
    // Without numbers nothing can be applied twice, so the whole messages in front of the damage are decoded.
    // With numbers they count, but their numbers stay missing: whether and where they belong is not known.
    if (decoder.first === 0) this.deliver(channel.number, line, datagram, 0, 0, decoder.count);
    else decoder.tally(datagram, decoder.count);
  }

  #expire(): void {
    this.#room.rearm();
    for (const channel of this.flows.channels) channel.arbiter.expire();
  }

  #make(number: number, datagram: Datagram): ChannelParts {
    const { arbiter, midnight } = this.#options;
    return {
      decoder: this.#decoders.open({ channel: number, midnight: midnight(datagram) }),
      arbiter: new Arbiter(number, { ...arbiter, lines: LINES, comparesWhenAsked: true }, this, this.#room),
    };
  }
}

function put(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = Math.floor(value / TWO_32);
}
