import type { Random } from '../../src/core/binary/random.ts';
import { MdxError } from '../../src/core/errors.ts';
import { EventBatch } from '../../src/core/event/batch.ts';
import { Dictionary } from '../../src/core/event/dictionary.ts';
import { FeedCounts } from '../../src/core/feeds/counts.ts';
import type { Feed, PacketDecoder, SnapshotOptions } from '../../src/core/feeds/feed.ts';
import { ONE_LINE } from '../../src/core/merge/session-merge.ts';
import { Datagram } from '../../src/core/packet/datagram.ts';
import { Books } from '../../src/core/pipeline/books.ts';
import { InvariantWatch } from '../../src/core/pipeline/invariant-watch.ts';
import { PacketPipeline } from '../../src/core/pipeline/packet-pipeline.ts';
import { checkMarkets, stateText } from './books-check.ts';
import { EventCheck } from './event-check.ts';
import { mutate } from './mutate.ts';
import { Scratch } from './scratch.ts';
import { type Episode, type Outcomes, same } from './target.ts';

const CHECK_EVERY = 128;
const WATCHED_ONE_IN = 16;
const TWIN_ONE_IN = 8;
const BATCH_RECORDS = Int32Array.of(2, 7, 64, 1024);
const GAP_TIMEOUTS = Float64Array.of(0, 1000, 100_000, 5_000_000);
const MIDNIGHT = 1_692_676_800_000_000_000n;
export const FIRST_PORT = 26_400;
/** Destinations that packets are sent to. */
export const FLOWS = 3;
/** Longer than any UDP payload that mutants become. */
const PACKET_BYTES = 4096;
const NOISE_BYTE = 0xee;

interface LineOptions {
  readonly feed: Feed;
  readonly snapshots: SnapshotOptions;
  readonly batchRecords: number;
  readonly gapTimeoutNs: number;
  readonly start: 'first-seen' | number;
  readonly midnight: bigint | null;
  readonly detect: boolean;
  readonly watched: boolean;
}

/** Everything behind one run over packets. */
class Line {
  readonly counts: FeedCounts;
  readonly watch: InvariantWatch | null;
  readonly books: Books;
  readonly check: EventCheck;
  readonly pipeline: PacketPipeline;

  constructor(options: LineOptions) {
    const { feed } = options;
    const dictionary = new Dictionary();
    this.counts = new FeedCounts(feed.typeCount);
    this.watch = options.watched ? new InvariantWatch('all') : null;
    this.books = new Books(feed.rules, dictionary, null, this.watch === null ? [] : [this.watch]);
    this.check = new EventCheck(dictionary, this.books);
    this.pipeline = new PacketPipeline({
      feed,
      counts: this.counts,
      dictionary,
      batch: new EventBatch(options.batchRecords),
      sink: this.check,
      flows: { ports: null, groups: null, snapshots: [], detect: options.detect },
      snapshots: options.snapshots,
      arbiter: { ...ONE_LINE, gapTimeoutNs: options.gapTimeoutNs, start: options.start },
      midnight: () => options.midnight,
      messagesMax: Number.POSITIVE_INFINITY,
    });
  }
}

/**
 * Datagrams of a packet feed on several flows, through pipeline, arbiter, decoder and books; now and then through a
 * twin of another batch size, which must agree. What the packets are, and what must come of them, the feed's own episode says.
 */
export abstract class LineEpisode implements Episode {
  protected readonly random: Random;
  protected readonly outcomes: Outcomes;
  /** Where packets are made. */
  protected readonly packet: Scratch = new Scratch(PACKET_BYTES);
  protected line: Line;
  readonly #corpus: readonly Uint8Array[];
  readonly #datagram: Datagram = new Datagram();
  readonly #options: LineOptions;
  readonly #twinFeed: Feed;
  #twin: Line | null;
  #cases = 0;

  /** @param feed what the line runs with; `twin` what its twin does. */
  constructor(
    feeds: { readonly feed: Feed; readonly twin: Feed; readonly snapshots?: SnapshotOptions },
    corpus: readonly Uint8Array[],
    random: Random,
    outcomes: Outcomes,
  ) {
    this.#corpus = corpus;
    this.random = random;
    this.outcomes = outcomes;
    this.#options = {
      feed: feeds.feed,
      snapshots: feeds.snapshots ?? { expected: false, required: false },
      batchRecords: BATCH_RECORDS[random.below(BATCH_RECORDS.length)]!,
      gapTimeoutNs: GAP_TIMEOUTS[random.below(GAP_TIMEOUTS.length)]!,
      start: random.below(4) === 0 ? 1 + random.below(20) : 'first-seen',
      midnight: random.below(4) === 0 ? null : MIDNIGHT,
      detect: random.below(4) === 0,
      watched: random.below(WATCHED_ONE_IN) === 0,
    };
    this.line = new Line(this.#options);
    this.#twinFeed = feeds.twin;
    this.#twin = random.below(TWIN_ONE_IN) === 0 ? this.#makeTwin() : null;
    this.#datagram.attach(new Uint8Array(PACKET_BYTES + 16).fill(NOISE_BYTE));
    this.#datagram.timeHigh = 394_000_000;
    this.#datagram.destination[3] = 0xe9000001 | 0;
  }

  /** Most packets go to one flow, so that its numbers go on. */
  protected chooseFlow(): number {
    return this.random.below(8) === 0 ? this.random.below(FLOWS) : 0;
  }

  /** Makes the next packet of a flow in `packet`. */
  protected abstract write(flow: number): void;
  /** Takes down what was accepted. */
  protected abstract note(payload: Buffer, flow: number): void;
  /** After the end: throws Broken unless what was counted is what was taken down. */
  protected abstract settle(): void;
  /** Another capture begins: nothing has been taken down. */
  protected abstract renew(): void;

  next(): void {
    this.#cases += 1;
    this.#makePacket();
    const datagram = this.#datagram;
    try {
      const accepted = this.line.pipeline.accept(datagram);
      if (this.#twin !== null) same('accepted by the twin', this.#twin.pipeline.accept(datagram), accepted);
      if (accepted) {
        const { bytes, offset, length, destinationPort } = datagram;
        this.note(Buffer.from(bytes.buffer, bytes.byteOffset + offset, length), destinationPort - FIRST_PORT);
      } else this.outcomes.add('of no channel');
    } catch (error) {
      this.#restartAfter(error);
    }
    if (this.#cases % CHECK_EVERY === 0) checkMarkets(this.line.books.markets);
  }

  end(): void {
    const { pipeline, check, books, watch } = this.line;
    try {
      pipeline.finish();
    } catch (error) {
      this.#restartAfter(error);
      return;
    }
    this.settle();
    checkMarkets(books.markets);
    if (watch !== null) same('problems seen while the books were built', watch.problems.join('; '), '');
    this.#count();
    if (this.#twin === null) return;
    this.#twin.pipeline.finish();
    same('events with another batch size', this.#twin.check.events, check.events);
    same('digest with another batch size', this.#twin.check.digest, check.digest);
    same('books with another batch size', stateText(this.#twin.books.markets), stateText(books.markets));
  }

  /** One error is in the contract: one channel on two flows. Then another capture begins. */
  #restartAfter(error: unknown): void {
    if (!(error instanceof MdxError && error.code === 'channel-on-two-flows')) throw error;
    checkMarkets(this.line.books.markets);
    this.outcomes.add('channel-on-two-flows');
    this.#count();
    this.line = new Line(this.#options);
    if (this.#twin !== null) this.#twin = this.#makeTwin();
    this.renew();
  }

  #makeTwin(): Line {
    const batchRecords = this.#options.batchRecords === 2 ? 1024 : 2;
    return new Line({ ...this.#options, feed: this.#twinFeed, batchRecords });
  }

  #count(): void {
    const { counts, check, pipeline } = this.line;
    this.outcomes.add('messages', counts.messages);
    this.outcomes.add('unknown messages', counts.unknown);
    this.outcomes.add('malformed messages and datagrams', counts.malformed);
    this.outcomes.add('events', check.events);
    for (const { arbiter } of pipeline.flows.channels) {
      for (const session of arbiter.sessions) {
        const { duplicates, outOfOrder, late } = session.total;
        this.outcomes.add('duplicates', duplicates);
        this.outcomes.add('out of order', outOfOrder);
        this.outcomes.add('late', late);
        this.outcomes.add('gaps', session.gaps.list.length);
      }
    }
  }

  /** The next datagram: well made or from the corpus, its transport bent now and then, and mutated every sixth time. */
  #makePacket(): void {
    const { random, packet } = this;
    const datagram = this.#datagram;
    const isOwn = random.below(10) > 0;
    // The same packet on two flows would make one channel of them.
    const flow = isOwn || random.below(32) === 0 ? this.chooseFlow() : 0;
    if (!isOwn) packet.set(this.#corpus[random.below(this.#corpus.length)]!);
    else this.write(flow);
    if (random.below(6) === 0) mutate(packet, random, this.#corpus[random.below(this.#corpus.length)]!);
    datagram.bytes.set(packet.content(), 8);
    datagram.bytes.fill(NOISE_BYTE, 8 + packet.length, 16 + packet.length);
    datagram.offset = 8;
    datagram.length = packet.length;
    datagram.packetNumber = this.#cases;
    datagram.destinationPort = FIRST_PORT + flow;
    this.#advance();
  }

  /** Capture time mostly moves on a little, sometimes far, sometimes backwards. */
  #advance(): void {
    const { random } = this;
    const datagram = this.#datagram;
    const leap = random.below(64);
    if (leap === 0) datagram.timeLow = random.word();
    else if (leap === 1 && random.below(16) === 0) datagram.timeHigh = random.word();
    else datagram.timeLow = (datagram.timeLow + random.below(20_000)) | 0;
  }
}

/** Numbers of packets or messages: the next one most of the time, else repeated, ahead, far ahead, none. */
export class Numbers {
  /** The number that comes next, by flow. */
  readonly next: Float64Array = new Float64Array(FLOWS).fill(1);
  readonly #random: Random;
  readonly #largest: number;

  constructor(random: Random, largest: number) {
    this.#random = random;
    this.#largest = largest;
  }

  /** First number of a packet that uses `count` of them. */
  first(flow: number, count: number): number {
    const random = this.#random;
    const next = this.next[flow]!;
    let first = next;
    switch (random.below(24)) {
      case 0:
      case 1:
        // Again, or overlapping what was sent.
        return Math.max(0, next - random.below(40));
      case 2:
        first = next + random.below(12);
        break;
      case 3:
        if (random.below(32) !== 0) return next + random.below(40);
        first = next + random.below(1 << 20);
        break;
      case 4:
        return random.below(2) === 0 ? 0 : next;
      case 5:
        if (random.below(256) !== 0) break;
        return this.#largest - random.below(16);
      default:
        break;
    }
    this.next[flow] = first + count;
    return first;
  }
}

/** The same feed, whose decoders tell about every packet that they decode or tally, before they do. */
export function observed(feed: Feed, note: (datagram: Datagram, first: number) => void): Feed {
  return {
    ...feed,
    packetDecoders(targets, snapshots) {
      const decoders = feed.packetDecoders!(targets, snapshots);
      return {
        open: (channel) => new ObservedDecoder(decoders.open(channel), note),
        ...(decoders.products === undefined ? {} : { products: decoders.products }),
        finish: () => decoders.finish?.(),
      };
    },
  };
}

class ObservedDecoder implements PacketDecoder {
  readonly #decoder: PacketDecoder;
  readonly #note: (datagram: Datagram, first: number) => void;

  constructor(decoder: PacketDecoder, note: (datagram: Datagram, first: number) => void) {
    this.#decoder = decoder;
    this.#note = note;
  }

  get session(): number {
    return this.#decoder.session;
  }

  get first(): number {
    return this.#decoder.first;
  }

  get count(): number {
    return this.#decoder.count;
  }

  get headerBytes(): number {
    return this.#decoder.headerBytes;
  }

  get damageOffset(): number {
    return this.#decoder.damageOffset;
  }

  readHeader(datagram: Datagram): number {
    return this.#decoder.readHeader(datagram);
  }

  decode(datagram: Datagram, first: number, skip: number, take: number): void {
    this.#note(datagram, first);
    this.#decoder.decode(datagram, first, skip, take);
  }

  tally(datagram: Datagram, take: number): void {
    this.#note(datagram, 0);
    this.#decoder.tally(datagram, take);
  }

  digest(datagram: Datagram, count: number, into: Int32Array): void {
    this.#decoder.digest(datagram, count, into);
  }

  sessionText(session: number): string | null {
    return this.#decoder.sessionText(session);
  }

  lost(): void {
    this.#decoder.lost?.();
  }
}
