import { MdxError } from '../../errors.ts';
import { FLAG_TIME_NONE, type PacketPool } from '../../packet/packet-pool.ts';
import type { BackendStatus, BlockingBackend, ReceiveClock, ReceiveOptions, XdpOptions } from '../backend.ts';
import { MSG_DONTWAIT, POLLIN } from './constants.ts';
import { EINTR } from './errno.ts';
import { failure } from './failures.ts';
import { JoinSockets, subscriptionsByInterface } from './joins.ts';
import type { NativeMemory } from './memory.ts';
import { MonotonicClock } from './monotonic-clock.ts';
import type { Syscalls } from './syscalls.ts';
import { placeOf } from './udp-socket.ts';
import { XdpInterface } from './xdp-interface.ts';
import type { XdpSocket } from './xdp-socket.ts';

/** All queues of an interface, 32 MB of packets each; works with every driver. */
export const XDP_DEFAULTS: XdpOptions = { queue: null, mode: 'generic', zeroCopy: false, chunks: 16384 };

/**
 * XDP sockets: a program on the interface hands the packets of our groups and ports to us before the IP stack sees
 * them, whole frames in memory of ours. Nobody else on this host receives them then. IPv4 only.
 */
export class XdpBackend implements BlockingBackend {
  readonly name = 'xdp';
  readonly clock: ReceiveClock;
  readonly #calls: Syscalls;
  readonly #interfaces: readonly XdpInterface[];
  readonly #sockets: readonly XdpSocket[];
  readonly #joins: JoinSockets;
  readonly #polled: NativeMemory;
  readonly #batch: number;
  readonly #timeoutMs: number;
  readonly #wakes: boolean;
  readonly #time: MonotonicClock;
  /** The socket that is read first: each in turn. */
  #turn = 0;
  /** Drops as last read. */
  #drops = 0;

  private constructor(
    calls: Syscalls,
    interfaces: readonly XdpInterface[],
    joins: JoinSockets,
    options: ReceiveOptions,
  ) {
    this.#calls = calls;
    this.#interfaces = interfaces;
    this.#sockets = interfaces.flatMap(({ sockets }) => sockets);
    this.#joins = joins;
    this.#batch = options.batch;
    this.#timeoutMs = options.timeoutMs;
    this.#wakes = (options.xdp ?? XDP_DEFAULTS).zeroCopy;
    this.#time = new MonotonicClock(calls);
    this.clock = options.timestamping === 'off' ? 'none' : 'software';
    this.#polled = calls.allocate(this.#sockets.length * 8);
    for (const [index, { fd }] of this.#sockets.entries()) {
      this.#polled.words[index * 2] = fd;
      this.#polled.words[index * 2 + 1] = POLLIN;
    }
  }

  /** Throws MdxError. */
  static open(calls: Syscalls, options: ReceiveOptions): XdpBackend {
    refuse(options);
    const interfaces: XdpInterface[] = [];
    const joins = new JoinSockets(calls);
    const xdp = options.xdp ?? XDP_DEFAULTS;
    try {
      for (const [device, subscriptions] of subscriptionsByInterface(calls, 'xdp', options.subscriptions)) {
        interfaces.push(XdpInterface.open(calls, device, subscriptions, xdp, options.timestamping));
        joins.join(`xdp on ${device.name}`, subscriptions, device.index);
      }
      return new XdpBackend(calls, interfaces, joins, options);
    } catch (error) {
      joins.close();
      for (const each of interfaces) each.close();
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
      const { rings, taker } = socket;
      for (let left = this.#batch; left > 0 && rings.next(); left -= 1) {
        if (taker.look(rings.at, rings.length, rings.length, false)) dropped += 1;
      }
      this.#giveBack(socket);
    }
    return dropped;
  }

  status(): BackendStatus {
    const kernelDrops = { xskRingFull: 0, xskFillEmpty: 0, xskDropped: 0 };
    const skipped: Record<string, number> = {};
    for (const socket of this.#sockets) {
      const drops = socket.drops();
      kernelDrops.xskRingFull += drops.ringFull;
      kernelDrops.xskFillEmpty += drops.fillEmpty;
      kernelDrops.xskDropped += drops.dropped;
      for (const [name, count] of Object.entries(socket.taker.skipped))
        skipped[name] = (skipped[name] ?? 0) + count;
      if (socket.rings.damaged > 0) skipped['badEntry'] = (skipped['badEntry'] ?? 0) + socket.rings.damaged;
    }
    this.#drops = kernelDrops.xskRingFull + kernelDrops.xskFillEmpty + kernelDrops.xskDropped;
    return { receiveBufferAsked: null, receiveBufferGranted: null, kernelDrops, skipped };
  }

  close(): void {
    this.#joins.close();
    for (const each of this.#interfaces) each.close();
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
  #walkOne(socket: XdpSocket, pool: PacketPool, free: Int32Array, from: number, to: number): number {
    const { rings, taker, memory } = socket;
    const time = this.#time;
    const flags = this.clock === 'none' ? FLAG_TIME_NONE : 0;
    let taken = from;
    while (taken < to && rings.next()) {
      if (!taker.look(rings.at, rings.length, rings.length, false)) continue;
      if (flags === 0)
        time.convert(memory.view.getInt32(rings.at - 4, true), memory.view.getInt32(rings.at - 8, true));
      taker.fill(pool, free[taken]!, time.high, time.low, flags, this.#drops);
      taken += 1;
    }
    this.#giveBack(socket);
    return taken;
  }

  #giveBack(socket: XdpSocket): void {
    socket.rings.publish();
    if (this.#wakes && socket.rings.wantsWakeup) this.#calls.kick(socket.fd, MSG_DONTWAIT);
  }

  #isReady(): boolean {
    const result = this.#calls.poll(this.#polled, this.#sockets.length, this.#timeoutMs);
    if (result < 0 && result !== -EINTR) throw failure(this.#sockets[0]!.where, 'receive', result);
    return result > 0;
  }
}

/** What the program cannot do. */
function refuse({ subscriptions, timestamping }: ReceiveOptions): void {
  const other = subscriptions.find(({ group }) => group.ipVersion !== 4 || group.words[3] === 0);
  if (other !== undefined) {
    throw new MdxError('backend-refused', `xdp: ${placeOf(other)}: only IPv4 addresses can be received`, {
      hint: 'The ring and mmsg backends receive IPv6.',
    });
  }
  if (timestamping === 'hardware') {
    throw new MdxError('backend-refused', 'xdp: the times of the network card are not available here', {
      hint: 'Use software timestamps, or the ring or mmsg backend.',
    });
  }
}
