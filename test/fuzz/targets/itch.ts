import type { Random } from '../../../src/core/binary/random.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { EventWriter } from '../../../src/core/event/writer.ts';
import { FeedCounts } from '../../../src/core/feeds/counts.ts';
import { HEADER_DATA, type PacketDecoder } from '../../../src/core/feeds/feed.ts';
import { describeMessage, encodeMessage } from '../../../src/core/feeds/itch/fields.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import { Books } from '../../../src/core/pipeline/books.ts';
import { checkMarkets } from '../books-check.ts';
import { EventCheck } from '../event-check.ts';
import { ItchWriter } from '../itch-messages.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { type Episode, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 1024;
const MESSAGE_BYTES = 256;
const CHECK_EVERY = 256;
const DESCRIBED_ONE_IN = 8;
const HEADER_BYTES = 20;

/** Single messages through the decoder into books, and through the readable form. */
export function itchTarget(): Target {
  return {
    name: 'itch',
    title:
      'single ITCH messages → decoder, books, fields; one event per readable message, fields read back the same',
    share: 150,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new ItchEpisode(random, outcomes),
  };
}

class ItchEpisode implements Episode {
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #counts: FeedCounts = new FeedCounts(itch.typeCount);
  readonly #books: Books;
  readonly #check: EventCheck;
  readonly #writer: EventWriter;
  readonly #decoder: PacketDecoder;
  readonly #source: ItchWriter;
  readonly #message: Scratch = new Scratch(MESSAGE_BYTES);
  readonly #other: Scratch = new Scratch(MESSAGE_BYTES);
  readonly #again: Uint8Array = new Uint8Array(MESSAGE_BYTES);
  readonly #datagram: Datagram = new Datagram();
  #cases = 0;
  #empty = 0;

  constructor(random: Random, outcomes: Outcomes) {
    this.#random = random;
    this.#outcomes = outcomes;
    this.#source = new ItchWriter(random);
    const dictionary = new Dictionary();
    this.#books = new Books(itch.rules, dictionary, null, []);
    this.#check = new EventCheck(dictionary, this.#books);
    this.#writer = new EventWriter(new EventBatch(64), this.#check);
    const midnight = random.below(2) === 0 ? null : 1n << 60n;
    const targets = { dictionary, writer: this.#writer, counts: this.#counts };
    this.#decoder = itch.packetDecoders!(targets).open({ channel: 0, midnight });
    this.#datagram.attach(new Uint8Array(HEADER_BYTES + 2 + MESSAGE_BYTES));
    this.#datagram.view.setUint16(18, 1);
  }

  next(): void {
    const random = this.#random;
    const message = this.#message;
    this.#cases += 1;
    message.length = this.#source.write(message.view, 0);
    if (random.below(3) > 0) {
      this.#other.length = this.#source.write(this.#other.view, 0);
      mutate(message, random, this.#other.content());
    }
    this.#decode();
    if (random.below(DESCRIBED_ONE_IN) === 0) this.#describe();
    if (this.#cases % CHECK_EVERY === 0) this.#verify();
  }

  end(): void {
    this.#verify();
    const { messages, unknown, malformed } = this.#counts;
    this.#outcomes.add('messages', messages);
    this.#outcomes.add('unknown', unknown);
    this.#outcomes.add('malformed', malformed);
  }

  #verify(): void {
    this.#writer.flush();
    const { messages, unknown, malformed } = this.#counts;
    same('events', this.#check.events, messages);
    same('messages + unknown + malformed + empty', messages + unknown + malformed + this.#empty, this.#cases);
    checkMarkets(this.#books.markets);
  }

  #decode(): void {
    const datagram = this.#datagram;
    const { length } = this.#message;
    datagram.bytes.set(this.#message.content(), HEADER_BYTES + 2);
    datagram.view.setUint32(14, this.#cases);
    datagram.view.setUint16(HEADER_BYTES, length);
    datagram.length = HEADER_BYTES + 2 + length;
    if (length === 0) this.#empty += 1;
    same('answer', this.#decoder.readHeader(datagram), HEADER_DATA);
    this.#decoder.decode(datagram, this.#decoder.first, 0, 1);
    itch.detectDatagram!(datagram);
  }

  /** What can be described can be written, and then reads the same. */
  #describe(): void {
    const { bytes, length } = this.#message;
    const described = describeMessage(bytes, 0, length);
    if (described === null) return;
    const written = encodeMessage(described.type, described.fields, this.#again, 0);
    const again = describeMessage(this.#again, 0, written);
    same('fields read back', text(again), text(described));
  }
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? `${field}n` : field));
}
