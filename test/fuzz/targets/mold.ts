import type { Random } from '../../../src/core/binary/random.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { ItchWriter } from '../itch-messages.ts';
import { FIRST_PORT, FLOWS, LineEpisode, Numbers } from '../line.ts';
import { holds, type Outcomes, type Target } from '../target.ts';
import { MoldLedger } from './mold-ledger.ts';

const PACKETS_PER_SESSION = 24;
const MESSAGES_MAX = 12;
const TWO_32 = 4294967296;

/** MoldUDP64 datagrams through the real way from packet to book. */
export function moldTarget(packets: readonly Uint8Array[]): Target {
  return {
    name: 'mold',
    title:
      'MoldUDP64 datagrams → pipeline, arbiter, decoder, books; counts add up, batches of any size agree',
    share: 400,
    casesPerEpisode: 512,
    start: (random, outcomes) => new MoldEpisode(packets, random, outcomes),
  };
}

class MoldEpisode extends LineEpisode {
  readonly #writer: ItchWriter;
  readonly #numbers: Numbers;
  readonly #session: Int32Array = new Int32Array(FLOWS).fill(0x41414141);
  #ledger: MoldLedger = new MoldLedger();

  constructor(corpus: readonly Uint8Array[], random: Random, outcomes: Outcomes) {
    super({ feed: itch, twin: itch }, corpus, random, outcomes);
    this.#writer = new ItchWriter(random);
    this.#numbers = new Numbers(random, Number.MAX_SAFE_INTEGER);
  }

  protected override note(payload: Buffer, flow: number): void {
    this.#ledger.note(payload, FIRST_PORT + flow);
  }

  protected override settle(): void {
    const { pipeline, counts } = this.line;
    const ledger = this.#ledger;
    const delivered = ledger.settle(pipeline.flows.channels);
    const decoded = counts.messages + counts.unknown + counts.malformed;
    const shown = delivered + ledger.damagedMessages + ledger.damaged;
    holds(
      decoded <= shown && decoded >= shown - ledger.empty,
      `messages: ${decoded} counted of ${shown} shown, ${ledger.empty} of them empty`,
    );
  }

  protected override renew(): void {
    this.#ledger = new MoldLedger();
  }

  /** Flows of one channel are told apart by their sessions, else the first two would be one channel on two flows. */
  protected override write(flow: number): void {
    const { random, packet } = this;
    const { view } = packet;
    // Mutants end sessions and leap far ahead, behind which everything is late: now and then all begins anew.
    if (random.below(PACKETS_PER_SESSION) === 0) {
      this.#session[flow] = random.word();
      this.#numbers.next[flow] = 1;
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
    const first = this.#numbers.first(flow, count);
    view.setUint32(10, Math.floor(first / TWO_32));
    view.setUint32(14, first % TWO_32);
    view.setUint16(18, kind === 0 ? 0xffff : count);
  }
}
