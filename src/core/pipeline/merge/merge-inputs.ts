import { nsBetween } from '../../binary/time.ts';
import { type PacketSource, SOURCE_END, SOURCE_NONE, SOURCE_PACKET, SourcePacket } from '../packet-source.ts';

const NS_PER_MS = 1e6;

/** A source, and what it gave and nobody took yet. */
export interface MergeInput {
  readonly source: PacketSource;
  readonly packet: SourcePacket;
  /** One of SOURCE_*. */
  readonly state: number;
}

interface Head extends MergeInput {
  state: number;
}

/** The sources of a merge as one: files by the times of their packets, live ones as they come. */
export class MergeInputs {
  readonly #heads: readonly Head[];

  constructor(sources: readonly PacketSource[]) {
    this.#heads = sources.map((source) => ({ source, packet: new SourcePacket(), state: SOURCE_NONE }));
  }

  /** Some source has a running clock. */
  get isLive(): boolean {
    return this.#heads.some(isLive);
  }

  get hasEnded(): boolean {
    return this.#heads.every(({ state }) => state === SOURCE_END);
  }

  /**
   * What is next: the oldest packet, line A first, then in the order of the sources; what is no packet at once. Valid until
   * the next call but one of `done`. Null: nothing can be taken, because nothing is at hand, or because a file has to be
   * read on before it is known whether it has an older one.
   */
  next(): MergeInput | null {
    let oldest: Head | null = null;
    let mustRead = false;
    for (const head of this.#heads) {
      if (head.state === SOURCE_NONE) head.state = head.source.next(head.packet);
      if (head.state === SOURCE_NONE) mustRead ||= !head.source.isLive;
      else if (head.state === SOURCE_PACKET) {
        if (oldest === null || isBefore(head.packet, oldest.packet)) oldest = head;
      } else if (head.state !== SOURCE_END) return head;
    }
    return mustRead && this.#heads.length > 1 ? null : oldest;
  }

  /** What `next` gave was taken. */
  done(input: MergeInput): void {
    (input as Head).state = SOURCE_NONE;
  }

  /**
   * Until something comes, at most `ms` on live sources.
   * @returns how long nothing came, ns: 0 where something has, or where sources without a running clock are read on.
   */
  async wait(ms: number): Promise<number> {
    const heads = this.#heads;
    const empty = heads.length === 1 ? heads : heads.filter(isEmpty);
    const before = performance.now();
    if (empty.length === 1) await empty[0]!.source.wait(ms);
    else await Promise.race(empty.map(({ source }) => source.wait(ms)));
    if (!empty.some(isLive)) return 0;
    for (const head of empty) head.state = head.source.next(head.packet);
    return empty.every(isEmpty) ? Math.round((performance.now() - before) * NS_PER_MS) : 0;
  }

  stop(): void {
    for (const { source } of this.#heads) source.stop();
  }
}

function isEmpty({ state }: Head): boolean {
  return state === SOURCE_NONE;
}

function isLive({ source }: Head): boolean {
  return source.isLive;
}

function isBefore(a: SourcePacket, b: SourcePacket): boolean {
  const ns = nsBetween(a.timeHigh, a.timeLow, b.timeHigh, b.timeLow);
  return ns < 0 || (ns === 0 && a.line < b.line);
}
