import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { type PeerLimits, WebSocketPeer } from './peer.ts';

export interface DoorOptions {
  readonly limits: PeerLimits;
  /** Sub-protocols that are answered when a client offers them, the first one offered first. */
  readonly protocols: readonly string[];
}

/** Most fragments and chunks that a message of a client may come in. */
const FRAGMENTS_MAX = 64;
const CHUNKS_MAX = 1024;

/**
 * Makes WebSockets of upgrade requests (RFC 6455, no compression). Whoever asks is to be judged in front of it: `refuseUpgrade`
 * answers with an HTTP status and a reason, `admit` only refuses what is no handshake.
 */
export class WebSocketDoor {
  readonly #options: DoorOptions;
  readonly #server: WebSocketServer;
  /** Of the upgrade at hand. */
  #headers: readonly string[] = [];

  constructor(options: DoorOptions) {
    const { protocols, limits } = options;
    this.#options = options;
    const settings = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.messageBytes,
      maxFragments: FRAGMENTS_MAX,
      maxBufferedChunks: CHUNKS_MAX,
      // Who pings too often is told why, by the limit of messages; `ws` would only hang up.
      maxPendingAutoPongs: 2 * limits.messagesPerSecond,
      closeTimeout: limits.closeMs,
      handleProtocols: (offered: Set<string>) =>
        [...offered].find((name) => protocols.includes(name)) ?? false,
    };
    this.#server = new WebSocketServer(settings);
    this.#server.on('headers', (lines) => lines.push(...this.#headers));
    this.#server.on('wsClientError', (error, socket) => {
      refuseUpgrade(socket, 400, error.message, ['sec-websocket-version: 13']);
    });
  }

  /**
   * Answers the handshake.
   * @param headers lines of the answer, such as `x-epoch: 1`.
   * @param admitted is called at once with the open peer; not where the request was no handshake: then it is refused.
   */
  admit(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    headers: readonly string[],
    admitted: (peer: WebSocketPeer) => void,
  ): void {
    this.#headers = headers;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      admitted(new WebSocketPeer(webSocket, socket, addressOf(request), this.#options.limits));
    });
  }
}

/** Refuses an upgrade before it: an HTTP answer with the reason as its text, then the end. */
export function refuseUpgrade(
  socket: Duplex,
  status: number,
  reason: string,
  headers: readonly string[] = [],
): void {
  const body = `${reason}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...headers,
  ];
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

function addressOf({ socket }: IncomingMessage): string {
  const { remoteAddress = '?', remotePort = 0 } = socket;
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
