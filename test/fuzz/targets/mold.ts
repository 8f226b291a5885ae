import type { Random } from '../../../src/core/binary/random.ts';
import { MdxError } from '../../../src/core/errors.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { FeedCounts } from '../../../src/core/feeds/counts.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import { Books } from '../../../src/core/pipeline/books.ts';
import { InvariantWatch } from '../../../src/core/pipeline/invariant-watch.ts';
import { PacketPipeline } from '../../../src/core/pipeline/packet-pipeline.ts';
import { checkMarkets, stateText } from '../books-check.ts';
import { EventCheck } from '../event-check.ts';
import { ItchWriter } from '../itch-messages.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { type Episode, holds, type Outcomes, same, type Target } from '../target.ts';
import { MoldLedger } from './mold-ledger.ts';

const CASES_PER_EPISODE = 512;
const CHECK_EVERY = 128;
const WATCHED_ONE_IN = 16;
const TWIN_ONE_IN = 8;
const BATCH_RECORDS = Int32Array.of(2, 7, 64, 1024);
const GAP_TIMEOUTS = Float64Array.of(0, 1000, 100_000, 5_000_000);
const MIDNIGHT = 1_692_676_800_000_000_000n;
const FIRST_PORT = 26_400;
const PORTS = 3;
const PACKETS_PER_SESSION = 24;
const MESSAGES_MAX = 12;
/** Longer than any UDP payload that mutants become. */
const PACKET_BYTES = 4096;
const NOISE_BYTE = 0xee;
const TWO_32 = 4294967296;

/** MoldUDP64 datagrams through the real way from packet to book. */
export function moldTarget(packets: readonly Uint8Array[]): Target {
  return {
    name: 'mold',
    title:
      'MoldUDP64 datagrams → pipeline, sequencer, decoder, books; counts add up, batches of any size agree',
    share: 400,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new MoldEpisode(packets, random, outcomes),
  };
}

interface LineOptions {
  readonly batchRecords: number;
  readonly gapTimeoutNs: number;
  readonly start: 'first-seen' | number;
  readonly midnight: bigint | null;
  readonly detect: boolean;
  readonly watched: boolean;
}

/** Everything behind one run over packets. */
class Line {
  readonly counts: FeedCounts = new FeedCounts(itch.typeCount);
  readonly watch: InvariantWatch | null;
  readonly books: Books;
  readonly check: EventCheck;
  readonly pipeline: PacketPipeline;

  constructor(options: LineOptions) {
    const dictionary = new Dictionary();
    this.watch = options.watched ? new InvariantWatch('all') : null;
    this.books = new Books(itch.rules, dictionary, null, this.watch === null ? [] : [this.watch]);
    this.check = new EventCheck(dictionary, this.books);
    this.pipeline = new PacketPipeline({
      feed: itch,
      counts: this.counts,
      dictionary,
      batch: new EventBatch(options.batchRecords),
      sink: this.check,
      flows: { ports: null, groups: null, snapshots: [], detect: options.detect },
      snapshots: { expected: false, required: false },
      sequencer: { gapTimeoutNs: options.gapTimeoutNs, start: options.start },
      midnight: () => options.midnight,
      messagesMax: Number.POSITIVE_INFINITY,
    });
  }
}

class MoldEpisode implements Episode {
  readonly #corpus: readonly Uint8Array[];
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #writer: ItchWriter;
  readonly #packet: Scratch = new Scratch(PACKET_BYTES);
  readonly #datagram: Datagram = new Datagram();
  /** The number that comes next, by port. */
  readonly #next: Float64Array = new Float64Array(PORTS).fill(1);
  readonly #session: Int32Array = new Int32Array(PORTS).fill(0x41414141);
  readonly #options: LineOptions;
  #line: Line;
  #twin: Line | null;
  #ledger: MoldLedger = new MoldLedger();
  #cases = 0;

  constructor(corpus: readonly Uint8Array[], random: Random, outcomes: Outcomes) {
    this.#corpus = corpus;
    this.#random = random;
    this.#outcomes = outcomes;
    this.#writer = new ItchWriter(random);
    this.#options = {
      batchRecords: BATCH_RECORDS[random.below(BATCH_RECORDS.length)]!,
      gapTimeoutNs: GAP_TIMEOUTS[random.below(GAP_TIMEOUTS.length)]!,
      start: random.below(4) === 0 ? 1 + random.below(20) : 'first-seen',
      midnight: random.below(4) === 0 ? null : MIDNIGHT,
      detect: random.below(4) === 0,
      watched: random.below(WATCHED_ONE_IN) === 0,
    };
    this.#line = new Line(this.#options);
    this.#twin = random.below(TWIN_ONE_IN) === 0 ? this.#makeTwin() : null;
    this.#datagram.attach(new Uint8Array(PACKET_BYTES + 16).fill(NOISE_BYTE));
    this.#datagram.timeHigh = 394_000_000;
    this.#datagram.destination[3] = 0xe9000001 | 0;
  }

  next(): void {
    this.#cases += 1;
    this.#makePacket();
    const datagram = this.#datagram;
    try {
      const accepted = this.#line.pipeline.accept(datagram);
      if (this.#twin !== null) same('accepted by the twin', this.#twin.pipeline.accept(datagram), accepted);
      if (accepted) {
        const { bytes, offset, length, destinationPort } = datagram;
        this.#ledger.note(Buffer.from(bytes.buffer, bytes.byteOffset + offset, length), destinationPort);
      } else this.#outcomes.add('of no channel');
    } catch (error) {
      this.#restartAfter(error);
    }
    if (this.#cases % CHECK_EVERY === 0) checkMarkets(this.#line.books.markets);
  }

  end(): void {
    const { pipeline, counts, check, books, watch } = this.#line;
    try {
      pipeline.finish();
    } catch (error) {
      this.#restartAfter(error);
      return;
    }
    const ledger = this.#ledger;
    const delivered = ledger.settle(pipeline.flows.channels);
    const decoded = counts.messages + counts.unknown + counts.malformed;
    const shown = delivered + ledger.damagedMessages + ledger.damaged;
    holds(
      decoded <= shown && decoded >= shown - ledger.empty,
      `messages: ${decoded} counted of ${shown} shown, ${ledger.empty} of them empty`,
    );
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
    checkMarkets(this.#line.books.markets);
    this.#outcomes.add('channel-on-two-flows');
    this.#count();
    this.#line = new Line(this.#options);
    if (this.#twin !== null) this.#twin = this.#makeTwin();
    this.#ledger = new MoldLedger();
  }

  #makeTwin(): Line {
    return new Line({ ...this.#options, batchRecords: this.#options.batchRecords === 2 ? 1024 : 2 });
  }

  #count(): void {
    const { counts, check, pipeline } = this.#line;
    this.#outcomes.add('messages', counts.messages);
    this.#outcomes.add('unknown messages', counts.unknown);
    this.#outcomes.add('malformed messages and datagrams', counts.malformed);
    this.#outcomes.add('events', check.events);
    for (const { sequencer } of pipeline.flows.channels) {
      for (const session of sequencer.sessions) {
        this.#outcomes.add('duplicates', session.duplicates);
        this.#outcomes.add('out of order', session.outOfOrder);
        this.#outcomes.add('late', session.late);
        this.#outcomes.add('gaps', session.gaps.length);
      }
    }
  }

  /** The next datagram: well made or from the corpus, its transport bent now and then, and mutated every sixth time. */
  #makePacket(): void {
    const random = this.#random;
    const packet = this.#packet;
    const datagram = this.#datagram;
    // Flows of one channel are told apart by their sessions, else the first two would be one channel on two flows.
    const flow = random.below(8) === 0 ? random.below(PORTS) : 0;
    if (random.below(10) === 0) packet.set(this.#corpus[random.below(this.#corpus.length)]!);
    else this.#write(flow);
    if (random.below(6) === 0) mutate(packet, random, this.#corpus[random.below(this.#corpus.length)]!);
    datagram.bytes.set(packet.content(), 8);
    datagram.bytes.fill(NOISE_BYTE, 8 + packet.length, 16 + packet.length);
    datagram.offset = 8;
    datagram.length = packet.length;
    datagram.packetNumber = this.#cases;
    datagram.destinationPort = FIRST_PORT + flow;
    this.#advance();
  }

  #write(flow: number): void {
    const random = this.#random;
    const packet = this.#packet;
    const { view } = packet;
    // Mutants end sessions and leap far ahead, behind which everything is late: now and then all begins anew.
    if (random.below(PACKETS_PER_SESSION) === 0) {
      this.#session[flow] = random.word();
      this.#next[flow] = 1;
    }
    packet.bytes.fill(0x20, 0, 4);
    view.setInt32(4, this.#session[flow]!);
    view.setUint16(8, 0x5341 + flow);
    if (random.below(256) === 0) view.setUint8(random.below(8), random.word());
    let at = 20;
    const kind = random.below(32);
    const count = kind < 2 ? 0 : 1 + random.below(MESSAGES_MAX);
    for (let message = 0; message < count; message += 1) {
      const length = random.below(512) === 0 ? random.below(3) : this.#writer.write(view, at + 2);
      view.setUint16(at, length);
      at += 2 + length;
    }
    packet.length = at;
    const first = this.#first(flow, count);
    view.setUint32(10, Math.floor(first / TWO_32));
    view.setUint32(14, first % TWO_32);
    view.setUint16(18, kind === 0 ? 0xffff : count);
  }

  /** The number of the packet: the next one most of the time. */
  #first(flow: number, count: number): number {
    const random = this.#random;
    const next = this.#next[flow]!;
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
        return Number.MAX_SAFE_INTEGER - random.below(16);
      default:
        break;
    }
    this.#next[flow] = first + count;
    return first;
  }

  /** Capture time mostly moves on a little, sometimes far, sometimes backwards. */
  #advance(): void {
    const random = this.#random;
    const datagram = this.#datagram;
    const leap = random.below(64);
    if (leap === 0) datagram.timeLow = random.word();
    else if (leap === 1 && random.below(16) === 0) datagram.timeHigh = random.word();
    else datagram.timeLow = (datagram.timeLow + random.below(20_000)) | 0;
  }
}
