import { createSocket, type Socket } from 'node:dgram';
import { formatAddress, isMulticast, parseAddress } from '../capture/address.ts';
import { MdxError } from '../errors.ts';
import { MmsgSender } from './linux/mmsg-sender.ts';
import { Syscalls } from './linux/syscalls.ts';
import type { SenderOptions, UdpSender } from './sender.ts';

/**
 * Opens a sender: sendmmsg on Linux where native calls work, else `dgram`.
 * Throws MdxError where the address cannot be sent to.
 */
export async function openSender(
  options: SenderOptions,
  kind: 'auto' | 'dgram' = 'auto',
): Promise<UdpSender> {
  const address = parseAddress(options.host);
  if (address === null) {
    throw new MdxError('usage', `${options.host}: expected an IP address to send to`);
  }
  if (kind === 'auto') {
    const calls = await loadOrNull();
    if (calls !== null) return MmsgSender.open(calls, address, options);
  }
  return DgramSender.open(isMulticast(address.words, address.ipVersion), address.ipVersion, {
    ...options,
    host: formatAddress(address.words, address.ipVersion),
  });
}

async function loadOrNull(): Promise<Syscalls | null> {
  try {
    return await Syscalls.load();
  } catch (error) {
    if (error instanceof MdxError && error.code === 'native-missing') return null;
    throw error;
  }
}

/** One call a datagram, and the kernel's answer comes later: `sent` lags behind `flush`. */
class DgramSender implements UdpSender {
  readonly name = 'dgram';
  readonly #socket: Socket;
  readonly #batch: number;
  #queue: Uint8Array[] = [];
  #pending = 0;
  #whenIdle: (() => void) | null = null;
  sent = 0;
  sendErrors = 0;

  private constructor(socket: Socket, batch: number) {
    this.#socket = socket;
    this.#batch = batch;
    // Answers of the other side (port unreachable) come here; what could not be sent is told to each send.
    socket.on('error', () => {
      this.sendErrors += 1;
    });
  }

  static async open(multicast: boolean, ipVersion: 4 | 6, options: SenderOptions): Promise<DgramSender> {
    const socket = createSocket(ipVersion === 4 ? 'udp4' : 'udp6');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.connect(options.port, options.host, () => {
          socket.off('error', reject);
          resolve();
        });
      });
      if (multicast) {
        if (options.iface !== null) socket.setMulticastInterface(options.iface);
        socket.setMulticastTTL(options.ttl);
        socket.setMulticastLoopback(options.loop);
      }
    } catch (cause) {
      socket.close();
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new MdxError('socket-failed', `sending to ${options.host}:${options.port}: ${text}`, {
        hint: 'Without native calls, an interface is named by a local address on it.',
        cause,
      });
    }
    return new DgramSender(socket, options.batch);
  }

  send(bytes: Uint8Array, offset: number, length: number): void {
    this.#queue.push(bytes.slice(offset, offset + length));
    if (this.#queue.length >= this.#batch) this.flush();
  }

  flush(): number {
    const queue = this.#queue;
    this.#queue = [];
    this.#pending += queue.length;
    for (const datagram of queue) this.#socket.send(datagram, (error) => this.#settle(error));
    return queue.length;
  }

  async close(): Promise<void> {
    this.flush();
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #settle(error: Error | null): void {
    if (error === null) this.sent += 1;
    else this.sendErrors += 1;
    this.#pending -= 1;
    if (this.#pending === 0) this.#whenIdle?.();
  }
}
