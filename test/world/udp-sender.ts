import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** Sends datagrams on the loopback interface; both ends have to name it, or the routes decide. */
export class UdpSender {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** @param from the address it sends from; `::1` for IPv6. */
  static async open(from = '127.0.0.1'): Promise<UdpSender> {
    const isIpv6 = from.includes(':');
    const socket = createSocket(isIpv6 ? 'udp6' : 'udp4');
    socket.bind(0, from);
    await once(socket, 'listening');
    socket.setMulticastInterface(isIpv6 ? '::1%lo' : '127.0.0.1');
    return new UdpSender(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Resolves when the kernel has taken it. */
  send(payload: string | Uint8Array, group: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(payload, port, group, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  async sendAll(
    count: number,
    group: string,
    port: number,
    payloadOf: (at: number) => string,
  ): Promise<void> {
    for (let at = 0; at < count; at += 1) await this.send(payloadOf(at), group, port);
  }

  close(): void {
    this.#socket.close();
  }
}

/** A UDP port that nobody uses: the system chose it a moment ago. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
