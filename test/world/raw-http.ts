import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection that says exactly what a test says, and hears everything until it ends. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves with everything that was heard, when the connection is gone. */
  readonly heard: Promise<string>;
  #text = '';
  #waiting: (() => void) | null = null;

  static async to(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: unknown) => {
      this.#text += text as string;
      this.#waiting?.();
    });
    // A refusal may reach a client that still speaks as a reset.
    socket.on('error', () => {});
    this.heard = new Promise((resolve) => {
      socket.once('close', () => resolve(this.#text));
    });
  }

  say(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Waits until what was heard fits. */
  async hears(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#text)) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.#text;
  }

  /** Says something, and hears everything until the other side closes. */
  static async ask(port: number, bytes: string | Uint8Array): Promise<string> {
    const client = await RawClient.to(port);
    client.say(bytes);
    return client.heard;
  }
}

/** The statuses of the answers in what was heard. */
export function statuses(heard: string): number[] {
  return [...heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
