import { FLAG_TIME_HARDWARE, type PacketPool } from '../../packet/packet-pool.ts';
import type { BackendStatus, BlockingBackend, ReceiveClock, ReceiveOptions } from '../backend.ts';
import { POLLERR, POLLIN } from './constants.ts';
import { EINTR } from './errno.ts';
import { failure } from './failures.ts';
import { JoinSockets, subscriptionsByInterface } from './joins.ts';
import type { NativeMemory } from './memory.ts';
import { PacketSocket } from './packet-socket.ts';
import { STATUS_CSUM_NOT_READY, STATUS_CSUM_VALID, STATUS_TIME_HARDWARE } from './ring-reader.ts';
import type { Syscalls } from './syscalls.ts';
import { UnixTime } from './unix-time.ts';

/**
 * Packet sockets with a ring (PACKET_RX_RING): the kernel writes whole frames into memory that is read without a call.
 * Version 3 hands over blocks of them, version 2 each one. One socket per interface; the groups are joined by UDP
 * sockets beside them, that receive nothing.
 */
export class RingBackend implements BlockingBackend {
  readonly name = 'ring';
  readonly clock: ReceiveClock;
  readonly #calls: Syscalls;
  readonly #sockets: readonly PacketSocket[];
  readonly #joins: JoinSockets;
  readonly #polled: NativeMemory;
  readonly #batch: number;
  readonly #timeoutMs: number;
  readonly #time: UnixTime = new UnixTime();
  /** The socket that is read first: each in turn. */
  #turn = 0;

  private constructor(
    calls: Syscalls,
    sockets: readonly PacketSocket[],
    joins: JoinSockets,
    options: ReceiveOptions,
  ) {
    this.#calls = calls;
    this.#sockets = sockets;
    this.#joins = joins;
    this.#batch = options.batch;
    this.#timeoutMs = options.timeoutMs;
    this.clock = options.timestamping === 'hardware' ? 'hardware' : 'software';
    this.#polled = calls.allocate(sockets.length * 8);
    for (const [index, { fd }] of sockets.entries()) {
      this.#polled.words[index * 2] = fd;
      this.#polled.words[index * 2 + 1] = POLLIN;
    }
  }

  /** Throws MdxError. */
  static open(calls: Syscalls, options: ReceiveOptions): RingBackend {
    const sockets: PacketSocket[] = [];
    const joins = new JoinSockets(calls);
    try {
      for (const [device, subscriptions] of subscriptionsByInterface(calls, 'ring', options.subscriptions)) {
        sockets.push(PacketSocket.open(calls, device, subscriptions, options));
        // Last, so that the ring misses nothing of what the network then begins to send.
        joins.join(`packet ring on ${device.name}`, subscriptions, device.index);
      }
      return new RingBackend(calls, sockets, joins, options);
    } catch (error) {
      joins.close();
      for (const socket of sockets) socket.close();
      throw error;
    }
  }

  receive(pool: PacketPool, free: Int32Array, count: number): number {
    const wanted = Math.min(count, this.#batch);
    const taken = this.#walk(pool, free, wanted);
    if (taken > 0 || !this.#isReady()) return taken;
    return this.#walk(pool, free, wanted);
  }

  discard(): number {
    let dropped = 0;
    for (const socket of this.#sockets) {
      const { reader, taker } = socket;
      for (let left = this.#batch; left > 0 && reader.next(); left -= 1) {
        if (taker.look(reader.at, reader.captured, reader.wire, false)) dropped += 1;
      }
      reader.release();
    }
    return dropped;
  }

  status(): BackendStatus {
    let drops = 0;
    const skipped: Record<string, number> = {};
    for (const socket of this.#sockets) {
      drops += socket.readDrops();
      for (const [name, count] of Object.entries(socket.taker.skipped)) {
        skipped[name] = (skipped[name] ?? 0) + count;
      }
      if (socket.reader.damaged > 0) skipped['badBlock'] = (skipped['badBlock'] ?? 0) + socket.reader.damaged;
    }
    return { receiveBufferAsked: null, receiveBufferGranted: null, kernelDrops: { ring: drops }, skipped };
  }

  close(): void {
    this.#joins.close();
    for (const socket of this.#sockets) socket.close();
  }

  #walk(pool: PacketPool, free: Int32Array, wanted: number): number {
    const sockets = this.#sockets.length;
    this.#turn = (this.#turn + 1) % sockets;
    let taken = 0;
    for (let step = 0; step < sockets && taken < wanted; step += 1) {
      taken = this.#walkOne(this.#sockets[(this.#turn + step) % sockets]!, pool, free, taken, wanted);
    }
    return taken;
  }

  /** @returns how many slots are filled now. */
  #walkOne(socket: PacketSocket, pool: PacketPool, free: Int32Array, from: number, to: number): number {
    const { reader, taker } = socket;
    const time = this.#time;
    let taken = from;
    while (taken < to && reader.next()) {
      const { status } = reader;
      const verify = (status & (STATUS_CSUM_NOT_READY | STATUS_CSUM_VALID)) === 0;
      if (!taker.look(reader.at, reader.captured, reader.wire, verify)) continue;
      if (reader.losing) socket.readDrops();
      time.set(reader.seconds, reader.nanoseconds);
      const flags = (status & STATUS_TIME_HARDWARE) === 0 ? 0 : FLAG_TIME_HARDWARE;
      taker.fill(pool, free[taken]!, time.high, time.low, flags, socket.drops);
      taken += 1;
    }
    reader.release();
    return taken;
  }

  #isReady(): boolean {
    const { words } = this.#polled;
    const result = this.#calls.poll(this.#polled, this.#sockets.length, this.#timeoutMs);
    if (result < 0 && result !== -EINTR) throw failure(this.#sockets[0]!.where, 'receive', result);
    if (result <= 0) return false;
    for (const [index, socket] of this.#sockets.entries()) {
      // revents is the upper half of the second word.
      if ((words[index * 2 + 1]! & (POLLERR << 16)) !== 0) socket.clearError();
    }
    return true;
  }
}
