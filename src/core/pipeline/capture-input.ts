import { toBigUint } from '../binary/time.ts';
import {
  CAPTURE_DAMAGED,
  CAPTURE_END,
  CAPTURE_MORE,
  CAPTURE_PACKET,
  CAPTURE_RECORD,
  CAPTURE_TRUNCATED,
  type CaptureFormat,
  CaptureReader,
} from '../capture/capture-reader.ts';
import { GAP_STATE_LOST, RECORD_GAP } from '../capture/pipe-record.ts';
import { SKIP_NAMES, UDP_OK, UdpExtractor } from '../capture/udp.ts';
import { MdxError } from '../errors.ts';
import type { Feed, ProductNumbers } from '../feeds/feed.ts';
import type { Datagram } from '../packet/datagram.ts';
import type { ByteSource } from './byte-source.ts';
import { FeedDetector } from './detect.ts';
import { FlowPairs, PAIR_HELD, PAIR_PASS } from './flow-pairs.ts';
import { type Channel, type FlowFilter, passes, sameFlow } from './flows.ts';
import { openPacketPipeline } from './open-packet-pipeline.ts';
import type { PacketPipeline } from './packet-pipeline.ts';
import { LINE_NAMES, SourcePacket } from './packet-source.ts';
import type { InputResult, RunState } from './run-state.ts';
import { ToldLosses } from './told-losses.ts';

/** Packets between two looks at whether to stop. */
const PACKETS_PER_TURN = 8192;
/** The same where events are watched, which may print many times what is read: then a slow reader counts. */
const PACKETS_PER_TURN_WATCHED = 16;
/** Longest that packets whose flow is in doubt wait for a pipe, ms. */
const PATIENCE_MS = 100;

/** Reads captures, which are one capture if they are several: packets → datagrams of one feed → events. */
export class CaptureInput {
  readonly #state: RunState;
  readonly #packet: SourcePacket = new SourcePacket();
  readonly #extractor: UdpExtractor = new UdpExtractor();
  readonly #detector: FeedDetector<SourcePacket>;
  /** Nobody has named port or group: a flow is the feed's when one of its datagrams looks like it. */
  readonly #looks: boolean;
  #pipeline: PacketPipeline | null = null;
  /** Finds the lines of the pipeline's channels. */
  #pairs: FlowPairs | null = null;
  /** Packets that it kept and that can be handled now. */
  #released: SourcePacket[] = [];
  /** What a packet pipe says besides packets. */
  readonly #told: ToldLosses = new ToldLosses();
  /** The first of the released packets was waited for. */
  #isDue = false;
  /** Time of the last packet of the input at hand. */
  #lastHigh = 0;
  #lastLow = 0;
  /** Set while a paced run waits: ns. */
  #wait = 0;

  constructor(state: RunState) {
    this.#state = state;
    const { feeds, ports, groups } = state.options;
    this.#looks = ports === null && groups === null;
    this.#detector = new FeedDetector(state.feed === null ? feeds : [state.feed]);
  }

  get channels(): readonly Channel[] {
    return this.#pipeline?.flows.channels ?? [];
  }

  get products(): readonly ProductNumbers[] {
    return this.#pipeline?.products ?? [];
  }

  async read(source: ByteSource, format: CaptureFormat): Promise<void> {
    const state = this.#state;
    state.refuseMixture(source.path, true);
    const input = state.addInput(source.path, format, true);
    const reader = new CaptureReader(state.window, format);
    const skipped = new Float64Array(SKIP_NAMES.length);
    this.#packet.attach(state.window.bytes);
    for (;;) {
      const step = this.#walk(reader, input, skipped);
      if (this.#wait > 0) {
        await this.#waitForDatagram(source);
        // What was waited for is due now, also where a key has cut the waiting short.
        if (state.stopped === null && this.#released.length === 0) this.#take(input);
        else this.#isDue = true;
        if (state.stopped !== null) break;
        continue;
      }
      if (step === CAPTURE_DAMAGED || step === CAPTURE_TRUNCATED) {
        state.noteCaptureEnd(source, input, reader, step === CAPTURE_TRUNCATED);
        break;
      }
      await this.#breathe(source);
      if (state.stopped !== null || step === CAPTURE_END) break;
      // At the end of the input the reader looks once more at what is left and answers END or TRUNCATED.
      if (step === CAPTURE_MORE) await this.#fill(source);
    }
    if (input.firstTime !== null) {
      input.lastTime = toBigUint(this.#lastHigh, this.#lastLow);
      state.latest = { path: input.path, time: input.lastTime };
    }
    state.noteSource(input, source);
    for (const [index, name] of SKIP_NAMES.entries()) {
      if (skipped[index]! > 0) input.skipped.set(name, (input.skipped.get(name) ?? 0) + skipped[index]!);
    }
  }

  /** The run ends before its input: hands over what was decoded, and leaves what waits. */
  leave(): void {
    this.#pipeline?.flush();
  }

  /** The last capture has ended. Throws MdxError where no feed could be told. */
  finish(): void {
    const { inputs, damage, feed, stopped } = this.#state;
    const { held } = this.#detector;
    if (feed !== null && held.length > 0) this.#takeAnyway(feed);
    if (this.#pairs !== null) this.#release(this.#pairs.takeAll());
    this.#pipeline?.finish();
    const last = inputs.at(-1);
    if (feed !== null || last === undefined || last.packets === null) return;
    const damaged = damage.at(-1);
    if (held.length === 0 && damaged !== undefined) {
      throw new MdxError('input-damaged', `reading ${damaged.path}: ${damaged.problem}`, {
        hint: 'Nothing in front of the damage could be used.',
      });
    }
    const leftOut = inputs.reduce((sum, input) => sum + (input.datagrams ?? 0), 0);
    if (stopped === null || held.length > 0) throw this.#detector.failure(last.path, leftOut);
  }

  /** Walks the packets in the window. @returns the reader's answer, or CAPTURE_PACKET when it is time to breathe. */
  #walk(reader: CaptureReader, input: InputResult, skipped: Float64Array): number {
    const state = this.#state;
    const packet = this.#packet;
    const extractor = this.#extractor;
    const { window } = state;
    const { pacer, from, until } = state.options;
    const bounded = from !== null || until !== null;
    const packetsMax = state.isWatched ? PACKETS_PER_TURN_WATCHED : PACKETS_PER_TURN;
    let packets = 0;
    let datagrams = 0;
    let step = CAPTURE_PACKET;
    while (packets < packetsMax) {
      if (this.#released.length > 0) {
        this.#drain();
        if (this.#wait > 0 || state.stopped !== null) break;
      }
      step = reader.next();
      if (step === CAPTURE_RECORD) this.#heed(reader);
      if (step >= CAPTURE_RECORD) continue;
      if (step !== CAPTURE_PACKET) break;
      packets += 1;
      // Simple packets of pcapng have no time, those of an anonymised capture may have none.
      if (input.firstTime === null && (reader.timeHigh | reader.timeLow) !== 0) {
        input.firstTime = toBigUint(reader.timeHigh, reader.timeLow);
        state.refuseBackwards(input.path, input.firstTime);
      }
      const outcome = extractor.extract(reader, window, packet);
      if (outcome !== UDP_OK) {
        skipped[outcome]! += 1;
        continue;
      }
      datagrams += 1;
      const pipe = reader.interfaces[reader.interfaceId]?.pipe ?? null;
      packet.line = pipe === null ? -1 : LINE_NAMES.indexOf(pipe.line);
      packet.pair = pipe?.pair ?? -1;
      packet.interfaceId = pipe === null ? -1 : reader.interfaceId;
      this.#told.enter(reader.interfaces);
      if (bounded && isOutside(input, packet, from, until)) continue;
      if (pacer !== null && this.#pairs?.holds !== true) {
        // A datagram that is not due yet stays where it is in the window.
        this.#wait = pacer.waitNs(packet.timeHigh, packet.timeLow);
        if (this.#wait > 0) break;
      }
      this.#take(input);
      if (state.stopped !== null) break;
    }
    if (packets > 0) {
      this.#lastHigh = reader.timeHigh;
      this.#lastLow = reader.timeLow;
    }
    input.packets! += packets;
    input.datagrams! += datagrams;
    return step;
  }

  /** Decodes the datagram at hand, or counts it as none of the feed's. */
  #take(input: InputResult): void {
    if (!this.#accept(this.#packet)) count(input.skipped, 'otherPort');
  }

  /** @returns false when the packet is not one of the feed's. */
  #accept(packet: SourcePacket): boolean {
    const pairs = this.#pairs;
    if (pairs === null) return this.#detect(packet);
    const answer = pairs.offer(packet);
    if (answer === PAIR_PASS) return this.#process(packet);
    // Time passes with every datagram, but not beyond those that are kept.
    if (answer !== PAIR_HELD && !pairs.holds && this.#released.length === 0) this.#pipeline!.advance(packet);
    if (pairs.isSettled) this.#released = [...pairs.take()];
    return answer === PAIR_HELD;
  }

  /** Handles packets that were kept until it was known whose they are, when they are due. */
  #drain(): void {
    const state = this.#state;
    const { pacer } = state.options;
    const released = this.#released;
    let done = 0;
    while (done < released.length && state.stopped === null) {
      const packet = released[done]!;
      if (pacer !== null && !this.#isDue) {
        this.#wait = pacer.waitNs(packet.timeHigh, packet.timeLow);
        if (this.#wait > 0) break;
      }
      this.#isDue = false;
      done += 1;
      if (!this.#process(packet)) count(state.inputs.at(-1)!.skipped, 'otherPort');
    }
    released.splice(0, done);
  }

  /** The same at once, where there is no time to wait for. */
  #release(packets: readonly SourcePacket[]): void {
    for (const packet of [...this.#released.splice(0), ...packets]) {
      if (this.#state.stopped !== null) return;
      if (!this.#process(packet)) count(this.#state.inputs.at(-1)!.skipped, 'otherPort');
    }
  }

  #process(packet: SourcePacket): boolean {
    const state = this.#state;
    const pipeline = this.#pipeline!;
    if (this.#told.waits) this.#told.tell(packet, pipeline);
    const accepted = pipeline.accept(packet, packet.line, packet.pair);
    if (packet.interfaceId >= 0) this.#told.learn(packet, pipeline.flows);
    if (pipeline.full) state.stopped = 'limit';
    if (state.gate !== null) {
      // At once, so that what is read does not depend on the size of a batch.
      pipeline.flush();
      if (state.gate.passed) state.stopped = 'until';
    }
    return accepted;
  }

  /** What a packet pipe says of itself: numbers that were lost before it are lost here, too. */
  #heed({ record, interfaces }: CaptureReader): void {
    if (record.kind !== RECORD_GAP || record.state !== GAP_STATE_LOST) return;
    // It stands where it happened, so what is kept was in front of it.
    if (this.#pairs !== null) this.#release(this.#pairs.take());
    this.#told.add(record, interfaces, this.#pipeline);
  }

  /** Before the first channel: looks at datagrams until one tells. Held ones count when their turn comes. */
  #detect(packet: SourcePacket): boolean {
    const state = this.#state;
    if (!passes(this.#flowFilter(false), packet)) return false;
    if (state.feed !== null && !this.#looks) {
      this.#openPipeline(state.feed, false);
      return this.#accept(packet);
    }
    const feed = this.#detector.offer(packet);
    if (feed !== null) {
      state.feed = feed;
      const { flows } = this.#openPipeline(feed, this.#looks);
      // Heartbeats and the like in front of the datagram that tells are of its channel, though they look like nothing.
      const { held } = this.#detector;
      const telling = held.at(-1)!;
      const first = held.find((each) => sameFlow(each, telling))!;
      flows.open(first, first.line, first.pair, null);
      this.#replayHeld();
    } else if (this.#detector.exhausted) {
      if (state.feed === null) throw this.#detector.failure(state.inputs.at(-1)!.path, 0);
      this.#takeAnyway(state.feed);
    }
    return true;
  }

  /** No datagram looks like the feed that was named: so it is the user who knows, and every flow is one of it. */
  #takeAnyway(feed: Feed): void {
    this.#openPipeline(feed, false);
    this.#replayHeld();
  }

  #replayHeld(): void {
    const { held } = this.#detector;
    const input = this.#state.inputs.at(-1)!;
    for (const each of held) {
      if (!this.#accept(each)) count(input.skipped, 'otherPort');
      if (this.#state.stopped !== null) break;
    }
    held.length = 0;
  }

  #openPipeline(feed: Feed, detect: boolean): PacketPipeline {
    const state = this.#state;
    const pipeline = openPacketPipeline(state, feed, state.inputs.at(-1)!.path, this.#flowFilter(detect));
    this.#pipeline = pipeline;
    this.#pairs = new FlowPairs(feed, pipeline.flows);
    return pipeline;
  }

  #flowFilter(detect: boolean): FlowFilter {
    const { ports, groups, snapshots } = this.#state.options;
    return { ports, groups, snapshots, detect };
  }

  /** Waits until the datagram at hand is due; whoever watches has all that came before. */
  async #waitForDatagram(source: ByteSource): Promise<void> {
    const wait = this.#wait;
    this.#wait = 0;
    this.#pipeline?.flush();
    await this.#state.breathe(source);
    await this.#state.pause(wait);
  }

  /** While a pipe brings nothing, packets that are kept do not wait for it for long. */
  #fill(source: ByteSource): Promise<unknown> {
    const filling = this.#state.fill(source);
    const pairs = this.#pairs;
    return pairs?.holds === true ? this.#fillInTime(filling, pairs) : filling;
  }

  async #fillInTime(filling: Promise<boolean>, pairs: FlowPairs): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS, 'late');
    });
    const outcome = await Promise.race([filling, patience]);
    clearTimeout(timer);
    if (outcome !== 'late') return;
    this.#release(pairs.take());
    if (this.#state.isWatched) this.#pipeline?.flush();
    await filling;
  }

  /** @returns null where there is nothing to wait for. */
  #breathe(source: ByteSource): Promise<void> | null {
    if (this.#state.isWatched) this.#pipeline?.flush();
    return this.#state.breathe(source);
  }
}

/** Counts a datagram that arrived earlier or later than asked for. */
function isOutside(
  input: InputResult,
  { timeHigh, timeLow }: Datagram,
  from: bigint | null,
  until: bigint | null,
): boolean {
  const time = toBigUint(timeHigh, timeLow);
  const isEarly = from !== null && time < from;
  if (!isEarly && (until === null || time <= until)) return false;
  count(input.skipped, isEarly ? 'beforeFrom' : 'afterUntil');
  return true;
}

function count(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}
