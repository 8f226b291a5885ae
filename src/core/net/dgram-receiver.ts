import { createSocket, type RemoteInfo, type Socket, type SocketType } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { copyBytes } from '../binary/copy-bytes.ts';
import { formatAddress, parseAddress } from '../capture/address.ts';
import { type ErrorCode, MdxError } from '../errors.ts';
import {
  FLAG_IPV6,
  FLAG_TIME_NONE,
  FLAG_TRUNCATED,
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
} from '../packet/packet-pool.ts';
import { ProcessClock } from '../threads/process-clock.ts';
import type { BackendStatus, ReceiveOptions, Subscription } from './backend.ts';
import type { Doorbell } from './doorbell.ts';
import type { PacketQueue } from './packet-queue.ts';
import { COUNT_BYTES, COUNT_POOL_FULL, COUNT_RECEIVED, COUNT_TRUNCATED } from './receiver-plan.ts';
import { isGroup, subscriptionText } from './subscription.ts';
import { udpDrops } from './udp-drops.ts';

/**
 * Receives with Node's own sockets: everywhere, one call per packet, without times of the kernel (packets have the
 * time at which this process read them). One socket per group, bound to it, so that every packet's destination is
 * known. It calls back; the thread's event loop drives it.
 */
export class DgramReceiver {
  readonly #queue: PacketQueue;
  readonly #counts: Float64Array;
  readonly #doorbell: Doorbell;
  readonly #clock: ProcessClock = new ProcessClock();
  readonly #sockets: GroupSocket[] = [];
  readonly #held: Int32Array = new Int32Array(1);
  #have = 0;
  #asked: number | null = null;

  constructor(queue: PacketQueue, counts: Float64Array, doorbell: Doorbell) {
    this.#queue = queue;
    this.#counts = counts;
    this.#doorbell = doorbell;
  }

  /** Binds and joins. @param onError what ends the receiving later on. Rejects with MdxError. */
  async open(
    { subscriptions, receiveBufferBytes }: Pick<ReceiveOptions, 'subscriptions' | 'receiveBufferBytes'>,
    onError: (error: MdxError) => void,
  ): Promise<void> {
    this.#asked = receiveBufferBytes;
    for (const subscription of subscriptions) {
      const socket = new GroupSocket(subscription, receiveBufferBytes);
      this.#sockets.push(socket);
      await socket.open((bytes, from) => this.#take(socket, bytes, from), onError);
    }
  }

  status(): BackendStatus {
    this.#clock.adjust();
    let drops = 0;
    let granted: number | null = null;
    for (const socket of this.#sockets) {
      socket.readDrops();
      drops += socket.drops;
      granted = Math.min(granted ?? Number.POSITIVE_INFINITY, socket.granted);
    }
    return {
      receiveBufferAsked: this.#asked,
      receiveBufferGranted: granted,
      kernelDrops: { socket: drops },
      skipped: {},
    };
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #take(socket: GroupSocket, bytes: Uint8Array, from: RemoteInfo): void {
    const counts = this.#counts;
    const queue = this.#queue;
    counts[COUNT_RECEIVED]! += 1;
    counts[COUNT_BYTES]! += bytes.length;
    if (this.#have === 0) this.#have = queue.takeFree(this.#held, 0, 1);
    if (this.#have === 0) {
      counts[COUNT_POOL_FULL]! += 1;
      return;
    }
    const { pool } = queue;
    const { words, slotBytes } = pool;
    const slot = this.#held[0]!;
    const at = slot * SLOT_WORDS;
    const kept = Math.min(bytes.length, slotBytes);
    const { group, port } = socket.subscription;
    let flags = FLAG_TIME_NONE | (group.ipVersion === 6 ? FLAG_IPV6 : 0);
    if (kept < bytes.length) {
      flags |= FLAG_TRUNCATED;
      counts[COUNT_TRUNCATED]! += 1;
    }
    this.#clock.read();
    words[at + SLOT_LENGTH] = kept;
    words[at + SLOT_WIRE_LENGTH] = bytes.length;
    words[at + SLOT_TIME_HIGH] = this.#clock.high;
    words[at + SLOT_TIME_LOW] = this.#clock.low;
    words[at + SLOT_FLAGS] = flags;
    words[at + SLOT_OFFSET] = 0;
    words[at + SLOT_PORTS] = (from.port << 16) | port;
    words[at + SLOT_KERNEL_DROPS] = socket.drops;
    const source = socket.sourceOf(from.address);
    for (let word = 0; word < 4; word += 1) {
      words[at + SLOT_SOURCE + word] = source[word]!;
      words[at + SLOT_DESTINATION + word] = group.words[word]!;
    }
    copyBytes(bytes, 0, kept, pool.bytes, slot * slotBytes);
    queue.publish(this.#held, 1, 1);
    this.#have = 0;
    this.#doorbell.ring();
  }
}

/** The socket of one group. */
class GroupSocket {
  readonly subscription: Subscription;
  /** Kernel drops at the last look, and the bytes of the receive buffer. */
  drops = 0;
  granted = 0;
  readonly #socket: Socket;
  #address = '';
  #words: Int32Array = new Int32Array(4);

  constructor(subscription: Subscription, receiveBufferBytes: number | null) {
    this.subscription = subscription;
    const { group } = subscription;
    const type: SocketType = group.ipVersion === 6 ? 'udp6' : 'udp4';
    this.#socket = createSocket({
      type,
      reuseAddr: isGroup(group),
      ...(receiveBufferBytes === null ? {} : { recvBufferSize: receiveBufferBytes }),
    });
  }

  async open(
    onPacket: (bytes: Uint8Array, from: RemoteInfo) => void,
    onError: (error: MdxError) => void,
  ): Promise<void> {
    const { group, port, source } = this.subscription;
    const socket = this.#socket;
    const address = formatAddress(group.words, group.ipVersion);
    const scope = this.#interfaceOf();
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(this.#failure('binding', error));
      socket.once('error', failed);
      socket.bind(
        { address: isLinkLocal(group.words) ? `${address}%${scope?.name ?? ''}` : address, port },
        () => {
          socket.off('error', failed);
          resolve();
        },
      );
    });
    socket.on('error', (error) => onError(this.#failure('receiving', error)));
    if (isGroup(group)) {
      try {
        if (source === null) socket.addMembership(address, scope?.address);
        else {
          const from = formatAddress(source.words, source.ipVersion);
          socket.addSourceSpecificMembership(from, address, scope?.address);
        }
      } catch (error) {
        throw this.#failure('joining', error as Error);
      }
    }
    // The kernel doubles what it grants, for what it needs beside the packets.
    this.granted = socket.getRecvBufferSize() / 2;
    socket.on('message', onPacket);
  }

  /** Words of a sender's address; the one before is usually the same. */
  sourceOf(address: string): Int32Array {
    if (address !== this.#address) {
      this.#address = address;
      this.#words = parseAddress(address.replace(/%.*$/, ''))?.words ?? new Int32Array(4);
    }
    return this.#words;
  }

  readDrops(): void {
    const descriptor = descriptorOf(this.#socket);
    if (descriptor === null) return;
    this.drops = udpDrops(descriptor, this.subscription.group.ipVersion) ?? this.drops;
  }

  close(): void {
    this.#socket.close();
  }

  /** As Node wants it: an address of the interface for IPv4, `::%name` for IPv6. */
  #interfaceOf(): { readonly address: string; readonly name: string } | null {
    const { group, iface } = this.subscription;
    if (iface === null) return null;
    const wanted = group.ipVersion === 6 ? 'IPv6' : 'IPv4';
    const found = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
      (list ?? [])
        .filter(({ address, family }) => family === wanted && (name === iface || address === iface))
        .map(({ address }) => ({ name, address })),
    )[0];
    if (found === undefined) {
      throw new MdxError(
        'interface-missing',
        `joining ${subscriptionText(this.subscription)}: no interface ${iface} with an ${wanted} address is up`,
        { hint: 'See `ip address` for the interfaces and their addresses.' },
      );
    }
    return group.ipVersion === 6 ? { name: found.name, address: `::%${found.name}` } : found;
  }

  #failure(what: string, error: Error): MdxError {
    const name = (error as NodeJS.ErrnoException).code ?? '';
    const code: ErrorCode = name === 'EADDRINUSE' ? 'socket-busy' : 'socket-failed';
    const hint =
      name === 'ENODEV'
        ? 'No route leads to the group: name the interface with ?iface=.'
        : name === 'ENOBUFS'
          ? 'The system allows no more groups per socket (net.ipv4.igmp_max_memberships).'
          : undefined;
    return new MdxError(code, `${what} ${subscriptionText(this.subscription)}: ${error.message}`, {
      hint,
      cause: error,
    });
  }
}

/** Node tells a datagram socket's descriptor only inside; where it does not any more its drops are not known. */
function descriptorOf(socket: Socket): number | null {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    if (symbol.description !== 'state symbol') continue;
    const state: unknown = Reflect.get(socket, symbol);
    const descriptor = (state as { handle?: { fd?: number } } | null)?.handle?.fd;
    return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : null;
  }
  return null;
}

/** ff01 and ff02: a group of one interface. */
function isLinkLocal(words: Int32Array): boolean {
  const scope = (words[0]! >>> 16) & 0xff0f;
  return scope === 0xff01 || scope === 0xff02;
}
