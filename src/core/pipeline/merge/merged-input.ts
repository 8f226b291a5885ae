import { GAP_LOST } from '../../event/record.ts';
import type { Feed, ProductNumbers } from '../../feeds/feed.ts';
import type { RecoveryCallbacks, RecoveryClient } from '../../net/recovery/client.ts';
import type { Datagram } from '../../packet/datagram.ts';
import type { Channel } from '../flows.ts';
import { openPacketPipeline } from '../open-packet-pipeline.ts';
import type { PacketPipeline } from '../packet-pipeline.ts';
import type { RunState } from '../run-state.ts';
import type { MergeChannel } from './merge-channel.ts';
import type { MergedSources, MergeResult } from './merge-options.ts';
import type { MergeOutput } from './merge-output.ts';
import { merge } from './merge-run.ts';

/** Packets between two looks at whether to stop: whoever watches sees no more at once. */
const PACKETS_PER_TURN = 16;

interface Loss {
  readonly first: number;
  readonly count: number;
}

/** A channel of the merge on its way to its decoder. */
class MergedChannel {
  /** Null: no packet of it has come. */
  channel: Channel | null = null;
  /** First number of the session that begins with the next packet, −1 = none does. */
  begins = -1;
  /** Number behind everything that was handed over or told as lost, −1 = none was. */
  next = -1;
  /** What is lost and not told yet, in order: something in front of it may still come. */
  losses: Loss[] = [];
}

/**
 * Merges and decodes in one step: what the merge lets through goes to the decoders from where it lies, and is not asked once
 * more whether it is the next.
 *
 * Recovery brings packets while the merge sleeps, and its connection is no place for errors of books and those who watch
 * them: they are kept, and end the run at the next turn.
 */
export class MergedInput implements MergeOutput {
  /** What the merge did, once all was read. */
  result: MergeResult | null = null;
  readonly #state: RunState;
  #pipeline: PacketPipeline | null = null;
  /** By the numbers of the merge. */
  readonly #channels: MergedChannel[] = [];
  #client: RecoveryClient | null = null;
  #onMerged: () => void = () => {};
  /** A packet has come since the last flush. */
  #isMerging = false;
  /** Payloads that were handed over. */
  #bytes = 0;
  #failure: unknown = null;

  constructor(state: RunState) {
    this.#state = state;
  }

  get channels(): readonly Channel[] {
    return this.#pipeline?.flows.channels ?? [];
  }

  get products(): readonly ProductNumbers[] {
    return this.#pipeline?.products ?? [];
  }

  /** Reads until the sources have ended or the run is stopped, and closes them. Rejects with MdxError. */
  async read(merged: MergedSources): Promise<void> {
    const state = this.#state;
    const { sources, recovery, onMerged = () => {} } = merged;
    const path = sources.map(({ name }) => name).join(', ');
    this.#onMerged = onMerged;
    state.options.signal?.addEventListener('abort', () => this.#interrupt(merged), { once: true });
    try {
      this.result = await merge({
        ...merged,
        recovery:
          recovery === null
            ? null
            : (feed, callbacks) => this.#recover(recovery(feed, this.#flushed(callbacks))),
        output: (feed) => this.#open(feed, path),
        packetsPerTurn: PACKETS_PER_TURN,
        idleMs: Number.POSITIVE_INFINITY,
        stop: () => state.stopped !== null,
        breathe: () => this.#breathe(path),
      });
    } finally {
      for (const source of sources) await source.close();
    }
    if (this.#failure !== null) throw this.#failure;
    if (state.stopped === null || state.options.endsOpen !== true) this.#pipeline?.finish();
  }

  write(
    from: MergeChannel,
    line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
  ): void {
    if (this.#isOver) return;
    if (!this.#isMerging) {
      this.#isMerging = true;
      this.#onMerged();
    }
    this.#bytes += datagram.length;
    try {
      this.#decode(from, line, datagram, first, skip, take);
    } catch (error) {
      this.#failure = error;
    }
  }

  gap(from: MergeChannel, _session: number, first: number, count: number, state: number): void {
    if (state !== GAP_LOST || this.#isOver) return;
    const of = this.#channelOf(from);
    const { channel, losses } = of;
    const behind = losses.findIndex((loss) => loss.first > first);
    losses.splice(behind < 0 ? losses.length : behind, 0, { first, count });
    if (channel === null || of.begins >= 0) return;
    try {
      this.#tellLosses(of, channel, 0);
    } catch (error) {
      this.#failure = error;
    }
  }

  /** It is told with its first packet, whose time it has. */
  session(from: MergeChannel, _session: number, first: number): void {
    const of = this.#channelOf(from);
    of.begins = first;
    of.losses = [];
  }

  lineState(): void {}

  flush(): void {
    this.#isMerging = false;
    if (this.#isOver) return;
    try {
      this.#pipeline?.flush();
    } catch (error) {
      this.#failure = error;
    }
  }

  finish(): void {}

  /** Nothing more goes on. */
  get #isOver(): boolean {
    return this.#failure !== null || this.#state.stopped !== null;
  }

  #open(feed: Feed, path: string): this {
    const state = this.#state;
    const { ports, groups, snapshots } = state.options;
    state.feed = feed;
    // Which flows are the feed's, the merge has found out.
    const flows = { ports, groups, snapshots, detect: false };
    this.#pipeline = openPacketPipeline(state, feed, path, flows);
    return this;
  }

  #decode(
    from: MergeChannel,
    line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
  ): void {
    const pipeline = this.#pipeline!;
    const of = this.#channelOf(from);
    pipeline.advance(datagram);
    of.channel ??= pipeline.flowOf(datagram, line, from.flowOf(line).pair)?.channel ?? null;
    const { channel } = of;
    if (channel === null) return;
    pipeline.readHeader(channel, datagram);
    if (of.begins >= 0) {
      pipeline.session(channel.number, channel.decoder.session, of.begins);
      of.next = of.begins;
      of.begins = -1;
    }
    if (of.losses.length > 0) this.#tellLosses(of, channel, first + skip - 1);
    if (take > 0) pipeline.handOver(channel, line, datagram, first, skip, take);
    if (first > 0) of.next = Math.max(of.next, first + skip + take);
    if (of.losses.length > 0) this.#tellLosses(of, channel, 0);
  }

  /**
   * Tells what is lost of the numbers up to `before`, and what comes next. Never more: a channel is where its last event is,
   * and a restart would not ask for what is missing in front of it.
   */
  #tellLosses(of: MergedChannel, { number, decoder }: Channel, before: number): void {
    const { losses } = of;
    while (losses.length > 0 && losses[0]!.first <= Math.max(before, of.next)) {
      const { first, count } = losses.shift()!;
      of.next = Math.max(of.next, first + count);
      this.#pipeline!.gap(number, decoder.session, first, count, GAP_LOST);
    }
  }

  #channelOf({ number }: MergeChannel): MergedChannel {
    while (this.#channels.length <= number) this.#channels.push(new MergedChannel());
    return this.#channels[number]!;
  }

  #recover(client: RecoveryClient): RecoveryClient {
    this.#client = client;
    return client;
  }

  /** What recovery brings between two turns is handed over at once: nobody sees channels ahead of their books. */
  #flushed({ onPacket, onUnrecoverable }: RecoveryCallbacks): RecoveryCallbacks {
    return {
      onPacket: (channel, bytes, offset, length) => {
        onPacket(channel, bytes, offset, length);
        this.flush();
      },
      onUnrecoverable: (channel, first, count, session) => {
        onUnrecoverable(channel, first, count, session);
        this.flush();
      },
    };
  }

  #breathe(path: string): Promise<void> | null {
    if (this.#failure !== null) throw this.#failure;
    return this.#state.breathe({ path, bytes: this.#bytes, total: null });
  }

  /** Somebody asked to stop: what is on its way is of no interest any more, nor what will not come. */
  #interrupt({ sources }: MergedSources): void {
    this.flush();
    this.#state.stopped ??= 'request';
    void this.#client?.close();
    for (const source of sources) source.stop();
  }
}
