import { NumberSet } from './number-set.ts';

/** What waits for one session of one channel. */
export interface Lane {
  readonly channel: number;
  /** Raw id, null where the feed's sessions have none. */
  readonly session: Uint8Array | null;
  readonly waiting: NumberSet;
  /** Number of the last request for it: the highest one of a channel is its newest session. */
  asked: number;
}

/**
 * Ranges that wait to be fetched, by channel and session. What touches joins; lanes take turns, and within one the lowest
 * range comes first.
 */
export class WaitingRanges {
  readonly #lanes: Lane[] = [];
  #requests = 0;

  /** Ranges that wait. */
  get count(): number {
    let count = 0;
    for (const { waiting } of this.#lanes) count += waiting.count;
    return count;
  }

  /** The lane of a channel and session that is asked for. */
  open(channel: number, session: Uint8Array | null): Lane {
    let lane = this.find(channel, session);
    if (lane === null) {
      lane = { channel, session: session?.slice() ?? null, waiting: new NumberSet(), asked: 0 };
      this.#lanes.push(lane);
    }
    this.#requests += 1;
    lane.asked = this.#requests;
    return lane;
  }

  /** The lane of a channel and session, null where nothing was asked for it. */
  find(channel: number, session: Uint8Array | null): Lane | null {
    for (const lane of this.#lanes) {
      if (lane.channel === channel && sameId(lane.session, session)) return lane;
    }
    return null;
  }

  /** The lane of a channel that was asked for last. */
  newest(channel: number): Lane | null {
    let newest: Lane | null = null;
    for (const lane of this.#lanes) {
      if (lane.channel === channel && lane.asked > (newest?.asked ?? 0)) newest = lane;
    }
    return newest;
  }

  /** The lane whose turn it is, null where nothing waits. Lanes without anything are forgotten. */
  next(): Lane | null {
    for (let left = this.#lanes.length; left > 0; left -= 1) {
      const lane = this.#lanes.shift()!;
      if (lane.waiting.isEmpty) continue;
      this.#lanes.push(lane);
      return lane;
    }
    return null;
  }
}

function sameId(left: Uint8Array | null, right: Uint8Array | null): boolean {
  if (left === null || right === null) return left === right;
  if (left.length !== right.length) return false;
  for (let at = 0; at < right.length; at += 1) if (left[at] !== right[at]) return false;
  return true;
}
