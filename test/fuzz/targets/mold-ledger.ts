import type { Channel } from '../../../src/core/pipeline/flows.ts';
import { Broken, same } from '../target.ts';

const HEADER_BYTES = 20;
const EXACT_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const SESSIONS_MAX = 1024;
const COUNT_END = 0xffff;

/** What one channel was sent. */
interface Account {
  packets: number;
  /** Packets that could not be read before the first that could: nobody knows their session. */
  early: number;
  sequenced: number;
  unsequenced: number;
  /** One above the highest number sent, or the highest named as next. */
  end: bigint;
  readonly sessions: Set<string>;
}

/** Keeps account of MoldUDP64 packets by reading them its own way, and holds the arbiter's counts against it. */
export class MoldLedger {
  /** Damaged packets, the whole messages in them, and messages without a byte (nobody counts those). */
  damaged = 0;
  damagedMessages = 0;
  empty = 0;
  readonly #accounts: Map<number, Account> = new Map();

  /** Takes down one packet; `port` stands for its channel. */
  note(packet: Buffer, port: number): void {
    let account = this.#accounts.get(port);
    if (account === undefined) {
      account = { packets: 0, early: 0, sequenced: 0, unsequenced: 0, end: 0n, sessions: new Set() };
      this.#accounts.set(port, account);
    }
    account.packets += 1;
    const found = this.#read(packet, account);
    if (found === null) {
      this.damaged += 1;
      if (account.sessions.size === 0) account.early += 1;
      return;
    }
    const end = found.first + BigInt(found.count);
    if (end > account.end) account.end = end;
    if (found.first === 0n) account.unsequenced += found.count;
    else account.sequenced += found.count;
  }

  /** @returns null for a damaged packet. */
  #read(packet: Buffer, account: Account): { readonly first: bigint; readonly count: number } | null {
    if (packet.length < HEADER_BYTES) return null;
    const first = packet.readBigUInt64BE(10);
    const named = packet.readUInt16BE(18);
    const count = named === COUNT_END ? 0 : named;
    if (first + BigInt(count) > EXACT_MAX) return null;
    let at = HEADER_BYTES;
    let empty = 0;
    for (let whole = 0; whole < count; whole += 1) {
      const end = at + 2 > packet.length ? packet.length + 1 : at + 2 + packet.readUInt16BE(at);
      if (end > packet.length) {
        this.damagedMessages += whole;
        this.empty += empty;
        return null;
      }
      if (end === at + 2) empty += 1;
      at = end;
    }
    const session = packet.toString('latin1', 0, 10);
    const id = /^[ \0]*$/.test(session) ? '' : session;
    if (id !== '' && !account.sessions.has(id) && namedSessions(account) === SESSIONS_MAX) return null;
    account.sessions.add(id);
    this.empty += empty;
    return { first, count };
  }

  /**
   * After the end: per channel every packet is counted, every message without number, and every message with one is
   * delivered, a duplicate or late. @returns the messages delivered.
   */
  settle(channels: readonly Channel[]): number {
    same('channels', channels.length, this.#accounts.size);
    let delivered = 0;
    for (const { flows, arbiter } of channels) {
      const { port } = flows[0]!;
      const account = this.#accounts.get(port);
      if (account === undefined) throw new Broken(`a channel of port ${port}, which no packet was sent to`);
      let packets = 0;
      let unsequenced = 0;
      let sequenced = 0n;
      for (const session of arbiter.sessions) {
        const { total, gaps } = session;
        packets += total.packets;
        unsequenced += total.unsequenced;
        let passed = 0n;
        if (session.first !== null && session.last !== null) {
          if (BigInt(session.last) >= account.end)
            throw new Broken(
              `the last number of port ${port} is ${session.last}, none was sent from ${account.end} on`,
            );
          passed = BigInt(session.last) - BigInt(session.first) + 1n;
          for (const { from, to } of gaps.list) passed -= BigInt(to) - BigInt(from) + 1n;
        }
        same(`gaps not listed on port ${port}`, gaps.notListed, 0);
        if (passed < 0n) throw new Broken(`more lost than there was on port ${port}: ${passed}`);
        delivered += Number(passed);
        sequenced += passed + BigInt(total.duplicates) + BigInt(total.late);
      }
      same(`packets of port ${port}`, packets, account.packets - account.early);
      same(`unsequenced messages of port ${port}`, unsequenced, account.unsequenced);
      same(`delivered + duplicates + late of port ${port}`, sequenced, BigInt(account.sequenced));
      delivered += unsequenced;
    }
    return delivered;
  }
}

function namedSessions({ sessions }: Account): number {
  return sessions.has('') ? sessions.size - 1 : sessions.size;
}
