import type { Market } from '../../book/market.ts';
import { EventBatch, type EventSink } from '../../event/batch.ts';
import { Dictionary } from '../../event/dictionary.ts';
import { EventWriter } from '../../event/writer.ts';
import { FeedCounts } from '../../feeds/counts.ts';
import { eobiReleases } from '../../feeds/eobi/index.ts';
import { fastLike } from '../../feeds/fast-like/index.ts';
import type { Feed, PacketDecoder } from '../../feeds/feed.ts';
import { itch } from '../../feeds/itch/index.ts';
import { Books } from '../../pipeline/books.ts';
import { EobiPackets } from '../eobi-stream.ts';
import { type Changes, EventSource } from '../event-stream.ts';
import { FastLikePackets } from '../fast-like-stream.ts';
import { ItchPackets } from '../itch-stream.ts';
import { heapUse } from '../measure.ts';
import { PacketTape } from '../packet-tape.ts';
import type { SteadyState, Workload, WorkloadOptions } from '../workload.ts';
import { INSTRUMENTS, LIVE, marketChecksum, SEED } from './synthetic.ts';

/** Runs of the steady state that are looked at: ten million messages with the usual size of a run. */
const STEADY_RUNS = 10;
/** Where the events of decoding alone go. */
const NOWHERE: EventSink = { accept: () => {} };

/** The events of a source as packets of a feed. */
export interface PacketStream {
  /** Messages in all packets so far. */
  readonly messages: number;
  /** A packet of at most `messagesMax` messages, of the source's fill or its steady part. Valid until the next call. */
  next(filling: boolean, messagesMax: number): Uint8Array;
}

/** What is measured of a feed. */
export interface PacketFeed {
  readonly feed: Feed;
  /** More than a message takes on a tape, with the header of a packet that it may have for itself alone. */
  readonly messageBytesMax: number;
  /** The changes that it can say. */
  readonly changes: Changes;
  readonly stream: (source: EventSource, seed: number) => PacketStream;
}

export const ITCH: PacketFeed = {
  feed: itch,
  messageBytesMax: 64,
  changes: 'replace',
  stream: (source, seed) => new ItchPackets(source, seed),
};

export const EOBI: PacketFeed = {
  feed: eobiReleases[0]!,
  messageBytesMax: 120,
  changes: 'replace',
  stream: (source, seed) => new EobiPackets(source, seed),
};

export const FAST_LIKE: PacketFeed = {
  feed: fastLike,
  messageBytesMax: 48,
  changes: 'quantity',
  stream: (source, seed) => new FastLikePackets(source, seed),
};

/** A decoder with its writer, and what its events go to. */
interface Chain {
  readonly decoder: PacketDecoder;
  readonly writer: EventWriter;
  readonly market: Market;
}

function chain(feed: Feed, applies: boolean): Chain {
  const dictionary = new Dictionary();
  const books = new Books(feed.rules, dictionary, null, []);
  const writer = new EventWriter(new EventBatch(), applies ? books : NOWHERE);
  const counts = new FeedCounts(feed.typeCount);
  const decoder = feed.packetDecoders!({ dictionary, writer, counts }).open({ channel: 0, midnight: 0n });
  return { decoder, writer, market: books.marketOf(0) };
}

function packetSource({ changes, stream }: PacketFeed): PacketStream {
  const source = new EventSource({
    instruments: INSTRUMENTS,
    live: LIVE,
    seed: SEED,
    shape: 'touch',
    changes,
  });
  return stream(source, SEED);
}

/** Puts packets with `messages` messages on a tape. */
function record(packets: PacketStream, tape: PacketTape, filling: boolean, messages: number): void {
  const end = packets.messages + messages;
  while (packets.messages < end) tape.put(packets.next(filling, end - packets.messages));
}

/** Packets in memory → decoder, and with `applies` → books that were filled before. */
export function decodePackets(of: PacketFeed, options: WorkloadOptions, applies: boolean): Workload {
  const packets = packetSource(of);
  const total = LIVE + options.events;
  const tape = new PacketTape(total * of.messageBytesMax, total);
  record(packets, tape, true, LIVE);
  const fill = tape.packets;
  const fillBytes = tape.bytes;
  record(packets, tape, false, options.events);
  let { decoder, writer, market } = chain(of.feed, applies);
  return {
    units: options.events,
    bytes: tape.bytes - fillBytes,
    note: null,
    reset() {
      ({ decoder, writer, market } = chain(of.feed, applies));
      tape.play(decoder, 0, fill);
      writer.flush();
    },
    run() {
      tape.play(decoder, fill, tape.packets);
      writer.flush();
    },
    checksum: () => (applies ? marketChecksum(market) : null),
  };
}

/** Decoding and applying that goes on and on: every run has new packets and the books of the run before. */
export function steadyPackets(of: PacketFeed, options: WorkloadOptions): Workload {
  const packets = packetSource(of);
  const most = Math.max(LIVE, options.events);
  const tape = new PacketTape(most * of.messageBytesMax, most);
  const { decoder, writer } = chain(of.feed, true);
  const play = (): void => {
    tape.play(decoder, 0, tape.packets);
    writer.flush();
  };
  const load = (filling: boolean, messages: number): void => {
    tape.clear();
    record(packets, tape, filling, messages);
  };
  load(true, LIVE);
  play();
  return {
    units: options.events,
    bytes: null,
    note: null,
    reset: () => load(false, options.events),
    run: play,
    checksum: () => null,
    steady(): SteadyState {
      let heapGrowthBytes = 0;
      let scavenges = 0;
      let otherCollections = 0;
      for (let run = 0; run < STEADY_RUNS; run += 1) {
        load(false, options.events);
        const use = heapUse(play);
        heapGrowthBytes += use.allocatedBytes;
        scavenges += use.scavenges;
        otherCollections += use.otherCollections;
      }
      return { units: STEADY_RUNS * options.events, heapGrowthBytes, scavenges, otherCollections };
    },
  };
}
