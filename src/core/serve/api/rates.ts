import type { EngineStatus } from '../status.ts';

/** What is counted up, at one moment. */
interface Sample {
  /** ms since 1970. */
  readonly time: number;
  readonly messages: number;
  readonly events: number;
  readonly lines: ReadonlyMap<
    string,
    { readonly packets: number; readonly bytes: number; readonly drops: number }
  >;
}

/** Per second, over the last samples; null while there are not enough. */
export interface LineRate {
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Packets dropped in that time, by the kernel or for want of a slot. */
  readonly drops: number;
}

/** Samples kept: with one a second, rates are those of the last ten seconds. */
const SAMPLES_MAX = 11;

/** How fast the counts of the engine move. */
export class Rates {
  readonly #samples: Sample[] = [];

  /** Notes how the counts stand. What was noted already, and what is older than the first word of the engine, changes nothing. */
  note({ time, messages, events, lines }: EngineStatus): void {
    if (time <= (this.#samples.at(-1)?.time ?? 0)) return;
    this.#samples.push({
      time,
      messages,
      events,
      lines: new Map(
        lines.map(({ name, received, bytes, poolFull, kernelDrops }) => [
          name,
          { packets: received, bytes, drops: poolFull + sumOf(kernelDrops) },
        ]),
      ),
    });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** @returns null where the line is not in two samples yet. */
  ofLine(name: string): LineRate | null {
    const before = this.#samples[0]?.lines.get(name);
    const after = this.#samples.at(-1)?.lines.get(name);
    const seconds = this.#seconds();
    if (before === undefined || after === undefined || seconds === 0) return null;
    return {
      packetsPerSecond: rate(after.packets - before.packets, seconds),
      bytesPerSecond: rate(after.bytes - before.bytes, seconds),
      drops: after.drops - before.drops,
    };
  }

  /** Messages and events a second; null with less than two samples. */
  ofEngine(): { readonly messagesPerSecond: number; readonly eventsPerSecond: number } | null {
    const before = this.#samples[0];
    const after = this.#samples.at(-1);
    const seconds = this.#seconds();
    if (before === undefined || after === undefined || seconds === 0) return null;
    return {
      messagesPerSecond: rate(after.messages - before.messages, seconds),
      eventsPerSecond: rate(after.events - before.events, seconds),
    };
  }

  #seconds(): number {
    return this.#samples.length < 2 ? 0 : (this.#samples.at(-1)!.time - this.#samples[0]!.time) / 1000;
  }
}

/** Of what could have begun anew in between. */
function rate(count: number, seconds: number): number {
  return Math.max(0, Math.round(count / seconds));
}

/** Sum of the counts of a record. */
export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
