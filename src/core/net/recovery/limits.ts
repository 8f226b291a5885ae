/** What a server lets its clients do. */
export interface ServerLimits {
  /** Connections at a time; one more is closed at once. */
  readonly clients: number;
  /** For a question to arrive, and for a client that reads slowly to read on, ms. */
  readonly clientTimeoutMs: number;
  /** Mold requests of one address in a second; more are not answered. */
  readonly requestsPerSecond: number;
}

/** What goes wrong on purpose, for tests and demonstrations. */
export interface ServerFaults {
  /** Questions, from the start, that get no answer. */
  readonly failFirst: number;
  /** Share of packets that are left out of answers, 0 … 1. */
  readonly drop: number;
  /** Before each answer, ms. */
  readonly delayMs: number;
  /** Answers end in the middle of a packet, half way through. */
  readonly cut: boolean;
  readonly seed: number;
}

export const NO_FAULTS: ServerFaults = { failFirst: 0, drop: 0, delayMs: 0, cut: false, seed: 1 };

/** What a server did. */
export class ServerCounts {
  /** Connections taken. */
  connections = 0;
  /** Questions of both protocols that were read. */
  requests = 0;
  /** Those that were answered with at least one packet. */
  ranges = 0;
  packets = 0;
  messages = 0;
  /** Of packets, without the headers of frames. */
  bytes = 0;
  /** Questions that cannot be read, and connections beyond the limit. */
  refused = 0;
  /** Questions for numbers that are not there, or for a session that is not. */
  unanswered = 0;
  /** Mold requests beyond what one address may ask. */
  throttled = 0;
  /** Clients that did not ask, or did not read, in time. */
  slowClients = 0;
  /** Clients that left before their answer ended. */
  leftClients = 0;
  /** Packets that could not be read from their file any more. */
  unreadable = 0;
}

/** Most addresses that are told apart at a time. */
const ADDRESSES_MAX = 4096;

/** Counts what each address asks within a second. Bounded: with too many addresses it begins anew. */
export class RequestMeter {
  readonly #max: number;
  readonly #counts: Map<string, number> = new Map();
  #second = -1;

  constructor(max: number) {
    this.#max = max;
  }

  /** @param now ms. @returns false when this address has asked too much. */
  admits(address: string, now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second || this.#counts.size >= ADDRESSES_MAX) {
      this.#second = second;
      this.#counts.clear();
    }
    const count = (this.#counts.get(address) ?? 0) + 1;
    this.#counts.set(address, count);
    return count <= this.#max;
  }
}
