import {
  FLAG_IPV6,
  FLAG_TIME_HARDWARE,
  FLAG_TIME_NONE,
  FLAG_TRUNCATED,
  type PacketPool,
  SLOT_DESTINATION,
  SLOT_FLAGS,
  SLOT_KERNEL_DROPS,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_PORTS,
  SLOT_SOURCE,
  SLOT_TIME_HIGH,
  SLOT_TIME_LOW,
  SLOT_WIRE_LENGTH,
  SLOT_WORDS,
} from '../../packet/packet-pool.ts';
import type { BackendStatus, BlockingBackend, ReceiveClock, ReceiveOptions } from '../backend.ts';
import { AF_INET, AF_INET6, MSG_DONTWAIT, MSG_TRUNC, MSG_WAITFORONE, POLLIN } from './constants.ts';
import { CONTROL_BYTES, ControlMessages, TIME_HARDWARE, TIME_NONE } from './control-messages.ts';
import { EAGAIN, EINTR } from './errno.ts';
import { failure } from './failures.ts';
import type { NativeMemory } from './memory.ts';
import { MessageVector, NAME_BYTES } from './message-vector.ts';
import type { Syscalls } from './syscalls.ts';
import { placeOf, UdpSocket } from './udp-socket.ts';

/**
 * UDP sockets read by recvmmsg: one call takes a batch, straight into the slots of the pool. One socket per group
 * and port; with one only, the call itself waits, with several poll does.
 */
export class MmsgBackend implements BlockingBackend {
  readonly name = 'mmsg';
  readonly clock: ReceiveClock;
  readonly #calls: Syscalls;
  readonly #sockets: readonly UdpSocket[];
  readonly #timeoutMs: number;
  readonly #vector: MessageVector;
  /** For datagrams nobody has room for: no data at all. */
  readonly #waste: MessageVector;
  readonly #control: ControlMessages = new ControlMessages();
  readonly #polled: NativeMemory;
  /** RXQ_OVFL of each socket as last seen, and the sum. */
  readonly #drops: Int32Array;
  #dropsTotal = 0;
  /** The socket that is asked first: each in turn. */
  #turn = 0;
  #pool: PacketPool | null = null;
  #poolAddress = 0;
  /** Slot that message n of the vector points to, −1 = none. */
  readonly #slots: Int32Array;

  private constructor(calls: Syscalls, sockets: readonly UdpSocket[], options: ReceiveOptions) {
    this.#calls = calls;
    this.#sockets = sockets;
    this.#timeoutMs = options.timeoutMs;
    this.clock = options.timestamping === 'off' ? 'none' : options.timestamping;
    this.#vector = new MessageVector(calls, options.batch, NAME_BYTES, CONTROL_BYTES);
    this.#waste = new MessageVector(calls, options.batch, 0, 0);
    this.#slots = new Int32Array(options.batch).fill(-1);
    this.#drops = new Int32Array(sockets.length);
    this.#polled = calls.allocate(sockets.length * 8);
    for (const [index, { fd }] of sockets.entries()) {
      this.#polled.words[index * 2] = fd;
      this.#polled.words[index * 2 + 1] = POLLIN;
    }
  }

  /** Throws MdxError. */
  static open(calls: Syscalls, options: ReceiveOptions): MmsgBackend {
    const sockets: UdpSocket[] = [];
    try {
      for (const subscription of options.subscriptions) {
        sockets.push(UdpSocket.open(calls, subscription, options));
      }
      return new MmsgBackend(calls, sockets, options);
    } catch (error) {
      for (const socket of sockets) socket.close();
      throw error;
    }
  }

  get sockets(): readonly UdpSocket[] {
    return this.#sockets;
  }

  receive(pool: PacketPool, free: Int32Array, count: number): number {
    const wanted = Math.min(count, this.#vector.size);
    if (pool !== this.#pool) this.#attach(pool);
    this.#prepare(pool, free, wanted);
    if (this.#sockets.length === 1) {
      return this.#take(pool, free, 0, 0, wanted, MSG_WAITFORONE | MSG_TRUNC);
    }
    const { words } = this.#polled;
    if (!this.#isReady(this.#timeoutMs)) return 0;
    const sockets = this.#sockets.length;
    this.#turn = (this.#turn + 1) % sockets;
    let taken = 0;
    for (let step = 0; step < sockets && taken < wanted; step += 1) {
      const index = (this.#turn + step) % sockets;
      // revents is the upper half of the second word.
      if (words[index * 2 + 1]! >>> 16 === 0) continue;
      taken += this.#take(pool, free, index, taken, wanted, MSG_DONTWAIT | MSG_TRUNC);
    }
    return taken;
  }

  discard(): number {
    let dropped = 0;
    for (const socket of this.#sockets) {
      const result = this.#receive(socket, this.#waste, 0, this.#waste.size, MSG_DONTWAIT);
      if (result > 0) dropped += result;
    }
    return dropped;
  }

  status(): BackendStatus {
    let drops = 0;
    let asked: number | null = null;
    let granted: number | null = null;
    for (const socket of this.#sockets) {
      drops += socket.drops();
      if (socket.bufferAsked === null || socket.bufferGranted === null) continue;
      asked = socket.bufferAsked;
      granted = granted === null ? socket.bufferGranted : Math.min(granted, socket.bufferGranted);
    }
    return {
      receiveBufferAsked: asked,
      receiveBufferGranted: granted,
      kernelDrops: { socket: drops },
      skipped: {},
    };
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #attach(pool: PacketPool): void {
    this.#pool = pool;
    this.#poolAddress = this.#calls.addressOf(pool.bytes);
    this.#slots.fill(-1);
  }

  /** Points the messages of the vector at the free slots; most point there from the last time. */
  #prepare(pool: PacketPool, free: Int32Array, count: number): void {
    const slots = this.#slots;
    const { slotBytes } = pool;
    for (let index = 0; index < count; index += 1) {
      const slot = free[index]!;
      if (slots[index] === slot) continue;
      slots[index] = slot;
      this.#vector.point(index, this.#poolAddress + slot * slotBytes, slotBytes);
    }
    this.#vector.rearm(0, count);
  }

  #isReady(timeoutMs: number): boolean {
    const result = this.#calls.poll(this.#polled, this.#sockets.length, timeoutMs);
    if (result < 0 && result !== -EINTR)
      throw failure(placeOf(this.#sockets[0]!.subscription), 'receive', result);
    return result > 0;
  }

  /** Receives from socket `index` into messages `from … to − 1`. @returns how many slots were filled. */
  #take(pool: PacketPool, free: Int32Array, index: number, from: number, to: number, flags: number): number {
    const socket = this.#sockets[index]!;
    const received = this.#receive(socket, this.#vector, from, to - from, flags);
    for (let message = from; message < from + received; message += 1) {
      this.#fill(pool, free[message]!, message, index, socket);
    }
    return received;
  }

  #receive(socket: UdpSocket, vector: MessageVector, from: number, count: number, flags: number): number {
    const { memory, pointers } = vector;
    const result = this.#calls.recvmmsg(socket.fd, memory, pointers[from]!, count, flags);
    if (result >= 0) return result;
    if (result === -EAGAIN || result === -EINTR) return 0;
    throw failure(placeOf(socket.subscription), 'receive', result);
  }

  /** Writes the header of a slot from what the kernel says about message `message`. */
  #fill(pool: PacketPool, slot: number, message: number, index: number, socket: UdpSocket): void {
    const vector = this.#vector;
    const control = this.#control;
    const { words } = pool;
    const { view } = vector.memory;
    const at = slot * SLOT_WORDS;
    const length = vector.length(message);
    control.read(view, vector.controlAt(message), vector.controlLength(message));
    let flags = 0;
    if (length > pool.slotBytes) flags |= FLAG_TRUNCATED;
    if (control.timeSource === TIME_HARDWARE) flags |= FLAG_TIME_HARDWARE;
    else if (control.timeSource === TIME_NONE) {
      flags |= FLAG_TIME_NONE;
      control.time.high = 0;
      control.time.low = 0;
    }
    this.#noteDrops(index, control);
    const { group } = socket.subscription;
    if (group.ipVersion === 6) flags |= FLAG_IPV6;
    words[at + SLOT_LENGTH] = Math.min(length, pool.slotBytes);
    words[at + SLOT_WIRE_LENGTH] = length;
    words[at + SLOT_TIME_HIGH] = control.time.high;
    words[at + SLOT_TIME_LOW] = control.time.low;
    words[at + SLOT_FLAGS] = flags;
    words[at + SLOT_OFFSET] = 0;
    words[at + SLOT_KERNEL_DROPS] = this.#dropsTotal;
    this.#source(words, at, view, vector.nameAt(message), socket.port);
    for (let word = 0; word < 4; word += 1) words[at + SLOT_DESTINATION + word] = group.words[word]!;
    if (control.destinationAt >= 0) destination(words, at, view, control.destinationAt, group.ipVersion);
  }

  /** Drops of all sockets so far, wrapping like each of them. */
  #noteDrops(index: number, control: ControlMessages): void {
    const { drops } = control;
    if (drops === 0) return;
    this.#dropsTotal = (this.#dropsTotal + drops - this.#drops[index]!) | 0;
    this.#drops[index] = drops;
    control.drops = 0;
  }

  /** The sender's address and port; the other port is the one that the socket is bound to. */
  #source(words: Int32Array, at: number, view: DataView, name: number, port: number): void {
    const family = view.getUint16(name, true);
    words[at + SLOT_PORTS] = (view.getUint16(name + 2) << 16) | port;
    if (family === AF_INET6) {
      for (let word = 0; word < 4; word += 1)
        words[at + SLOT_SOURCE + word] = view.getInt32(name + 8 + word * 4);
      return;
    }
    words[at + SLOT_SOURCE] = 0;
    words[at + SLOT_SOURCE + 1] = 0;
    words[at + SLOT_SOURCE + 2] = 0;
    words[at + SLOT_SOURCE + 3] = family === AF_INET ? view.getInt32(name + 4) : 0;
  }
}

/** The destination that the kernel named, over that of the subscription. */
function destination(words: Int32Array, at: number, view: DataView, from: number, ipVersion: number): void {
  if (ipVersion === 4) {
    words[at + SLOT_DESTINATION + 3] = view.getInt32(from);
    return;
  }
  for (let word = 0; word < 4; word += 1) {
    words[at + SLOT_DESTINATION + word] = view.getInt32(from + word * 4);
  }
}
