import type { Market } from '../../book/market.ts';
import { EventBatch, type EventSink } from '../../event/batch.ts';
import { Dictionary } from '../../event/dictionary.ts';
import { EventWriter } from '../../event/writer.ts';
import { FeedCounts } from '../../feeds/counts.ts';
import type { PacketDecoder } from '../../feeds/feed.ts';
import { itch } from '../../feeds/itch/index.ts';
import { Books } from '../../pipeline/books.ts';
import { EventSource } from '../event-stream.ts';
import { ItchPackets } from '../itch-stream.ts';
import { heapUse } from '../measure.ts';
import { PacketTape } from '../packet-tape.ts';
import type { SteadyState, Workload, WorkloadOptions } from '../workload.ts';
import { INSTRUMENTS, LIVE, marketChecksum, SEED } from './synthetic.ts';

/** More than a message takes on a tape, with the header of a packet that it may have for itself alone. */
const MESSAGE_BYTES_MAX = 64;
/** Runs of the steady state that are looked at: ten million messages with the usual size of a run. */
const STEADY_RUNS = 10;
/** Where the events of decoding alone go. */
const NOWHERE: EventSink = { accept: () => {} };

/** A decoder of ITCH with its writer, and what its events go to. */
interface Chain {
  readonly decoder: PacketDecoder;
  readonly writer: EventWriter;
  readonly market: Market;
}

function chain(applies: boolean): Chain {
  const dictionary = new Dictionary();
  const books = new Books(itch.rules, dictionary, null, []);
  const writer = new EventWriter(new EventBatch(), applies ? books : NOWHERE);
  const counts = new FeedCounts(itch.typeCount);
  const decoder = itch.packetDecoders!({ dictionary, writer, counts }).open({ channel: 0, midnight: 0n });
  return { decoder, writer, market: books.marketOf(0) };
}

function packetSource(): ItchPackets {
  const source = new EventSource({
    instruments: INSTRUMENTS,
    live: LIVE,
    seed: SEED,
    shape: 'touch',
    replaces: true,
  });
  return new ItchPackets(source, SEED);
}

/** Puts packets with `messages` messages on a tape. */
function record(packets: ItchPackets, tape: PacketTape, filling: boolean, messages: number): void {
  const end = packets.messages + messages;
  while (packets.messages < end) tape.put(packets.next(filling, end - packets.messages));
}

/** Packets in memory → decoder, and with `applies` → books that were filled before. */
export function decodeItch(options: WorkloadOptions, applies: boolean): Workload {
  const packets = packetSource();
  const total = LIVE + options.events;
  const tape = new PacketTape(total * MESSAGE_BYTES_MAX, total);
  record(packets, tape, true, LIVE);
  const fill = tape.packets;
  const fillBytes = tape.bytes;
  record(packets, tape, false, options.events);
  let { decoder, writer, market } = chain(applies);
  return {
    units: options.events,
    bytes: tape.bytes - fillBytes,
    note: null,
    reset() {
      ({ decoder, writer, market } = chain(applies));
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
export function steadyItch(options: WorkloadOptions): Workload {
  const packets = packetSource();
  const most = Math.max(LIVE, options.events);
  const tape = new PacketTape(most * MESSAGE_BYTES_MAX, most);
  const { decoder, writer } = chain(true);
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
