import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServeConfig } from '../../config/serve-config.ts';
import { type Certificate, readCertificate, renewCertificate } from './certificate.ts';
import { HttpCounts } from './counts.ts';
import { Exchange } from './exchange.ts';
import { Gate } from './gate.ts';
import { checkExposure, createServer, listen, parseListen } from './listen.ts';
import { isLoopback } from './origin.ts';
import { full, problem, type Route } from './route.ts';
import { Router } from './router.ts';
import { sendAndClose } from './send.ts';
import { parseTarget } from './target.ts';

/** Header lines of a request that are looked at. */
const HEADERS_MAX = 64;
/** How often requests that are too slow are looked for, ms. */
const CHECK_INTERVAL_MS = 500;

/** Takes over a connection that asked to become something else; it was let in, the name of its token is known. */
export type UpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  client: { readonly token: string | null; readonly address: string },
) => void;

export interface HttpServerOptions {
  readonly http: ServeConfig['http'];
  readonly security: ServeConfig['security'];
  readonly routes: readonly Route[];
  /** By path. */
  readonly upgrades: Readonly<Record<string, UpgradeHandler>>;
  /** Streams, and upgraded connections, that may be open; `http.maxConnections` is for the others. */
  readonly maxStreams: number;
  readonly maxUpgrades: number;
  onFailure(error: unknown, what: string): void;
}

/** What may change while it runs. */
export interface HttpReload extends Pick<HttpServerOptions, 'http' | 'security'> {
  readonly certificate: Certificate | null;
}

/** The HTTP or HTTPS server of one address: everything in it is bounded, in bytes, connections and time. */
export class HttpServer {
  readonly counts: HttpCounts = new HttpCounts();
  /** `http://127.0.0.1:9100`. */
  readonly url: string;
  readonly port: number;
  readonly #server: Server;
  readonly #exchange: Exchange;
  readonly #isLoopback: boolean;
  /** The answer that a connection is at. */
  readonly #answering: WeakMap<Duplex, ServerResponse> = new WeakMap();
  readonly #maxUpgrades: number;
  #gate: Gate;
  #http: ServeConfig['http'];
  #upgraded = 0;
  #whenClosed: () => void = () => {};

  /** Throws MdxError where it cannot listen, or may not: without tokens only loopback is listened on. */
  static async start(options: HttpServerOptions): Promise<HttpServer> {
    const address = parseListen(options.http.listen);
    checkExposure(address, options.security, 'http.listen');
    const { maxHeaderBytes, requestTimeoutMs, idleTimeoutMs, tls } = options.http;
    const server = createServer(readCertificate(tls), {
      maxHeaderSize: maxHeaderBytes,
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      keepAliveTimeout: idleTimeoutMs,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, requestTimeoutMs),
      insecureHTTPParser: false,
      noDelay: true,
    });
    server.maxHeadersCount = HEADERS_MAX;
    // A reader that takes nothing of its answer is as idle as one that sends nothing.
    server.timeout = idleTimeoutMs;
    const port = await listen(server, address);
    return new HttpServer(server, options, address.host, port);
  }

  private constructor(server: Server, options: HttpServerOptions, host: string, port: number) {
    const { http, security, routes, upgrades, onFailure } = options;
    this.#server = server;
    this.port = port;
    this.url = `${http.tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#isLoopback = isLoopback(host);
    this.#gate = new Gate(http, security, this.#isLoopback);
    this.#http = http;
    this.#maxUpgrades = options.maxUpgrades;
    this.#exchange = new Exchange({
      router: new Router(routes, Object.keys(upgrades)),
      counts: this.counts,
      gate: () => this.#gate,
      maxBodyBytes: () => this.#http.maxBodyBytes,
      maxStreams: options.maxStreams,
      onFailure,
    });
    server.on('request', (request, response) => {
      this.#answering.set(request.socket, response);
      void this.#exchange.handle(request, response);
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head, upgrades));
    server.on('clientError', (error, socket) => this.#refuseMalformed(error, socket));
    server.on('connection', (socket) => this.#accept(socket));
    server.on('error', (error) => onFailure(error, 'the HTTP server'));
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#exchange.streams.size;
  }

  /** Is called when the server is asked to close. */
  onClose(listener: () => void): void {
    this.#whenClosed = listener;
  }

  /** Takes over tokens, origins, limits and the certificate for what comes from now on; who is connected stays. */
  reload({ http, security, certificate }: HttpReload): void {
    renewCertificate(this.#server, certificate);
    this.#gate = new Gate(http, security, this.#isLoopback);
    this.#http = http;
  }

  /** Accepts nobody any longer, ends streams, lets answers under way finish, and is gone after `timeoutMs` at the latest. */
  async close(timeoutMs: number): Promise<void> {
    this.#whenClosed();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const stream of [...this.#exchange.streams]) stream.end();
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), timeoutMs);
    await closed;
    clearTimeout(timer);
  }

  /** Lets a connection in unless as many as may be are open that are neither streams nor upgraded. */
  #accept(socket: Socket): void {
    const { counts } = this;
    counts.connections += 1;
    socket.once('close', () => {
      counts.connections -= 1;
    });
    if (counts.connections - this.#upgraded - this.streams <= this.#http.maxConnections) return;
    counts.refusedConnections += 1;
    socket.destroy();
  }

  #upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    upgrades: HttpServerOptions['upgrades'],
  ): void {
    const { counts } = this;
    const refused = this.#judgeUpgrade(request, upgrades);
    if ('refusal' in refused) {
      counts.refusedUpgrades += 1;
      counts.answers[Math.floor(refused.refusal.status / 100)]! += 1;
      if (refused.refusal.status === 401) counts.unauthorized += 1;
      sendAndClose(socket, refused.refusal);
      return;
    }
    counts.upgrades += 1;
    this.#upgraded += 1;
    socket.once('close', () => {
      this.#upgraded -= 1;
    });
    const { remoteAddress = '', remotePort = 0 } = request.socket;
    const address = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress;
    // From here on its new owner bounds it.
    (socket as Socket).setTimeout(0);
    try {
      refused.handler(request, socket, head, { token: refused.token, address: `${address}:${remotePort}` });
    } catch (error) {
      this.#exchange.fail(error, request);
      socket.destroy();
    }
  }

  #judgeUpgrade(
    { headers, url = '' }: IncomingMessage,
    upgrades: HttpServerOptions['upgrades'],
  ):
    | { readonly handler: UpgradeHandler; readonly token: string | null }
    | { readonly refusal: ReturnType<typeof problem> } {
    const target = parseTarget(url);
    const path = target === null ? '' : `/${target.segments.join('/')}`;
    const misdirected = this.#gate.checkHost(headers);
    if (misdirected !== null) return { refusal: misdirected };
    if (!Object.hasOwn(upgrades, path)) {
      const known = Object.keys(upgrades);
      return {
        refusal: problem(404, 'not-found', 'no WebSocket is served there', {
          hint: known.length === 0 ? null : `There is one at ${known.join(', ')}.`,
        }),
      };
    }
    const token = this.#gate.identify('read', headers);
    if (token !== null && typeof token !== 'string') return { refusal: token };
    const foreign = this.#gate.checkOrigin(headers, 'connect here');
    if (foreign !== null) return { refusal: foreign };
    if (this.#upgraded >= this.#maxUpgrades)
      return { refusal: full(`${this.#maxUpgrades} WebSockets are open`) };
    return { handler: upgrades[path]!, token };
  }

  #refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
    this.counts.malformed += 1;
    const answering = this.#answering.get(socket);
    const isMidAnswer = answering?.headersSent === true && !answering.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || isMidAnswer) {
      socket.destroy();
      return;
    }
    const answer =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? problem(431, 'header', 'the header of the request is too large')
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? problem(408, 'timeout', 'the request did not come whole in time')
          : problem(400, 'malformed', 'this is no HTTP request');
    this.counts.answers[4]! += 1;
    sendAndClose(socket, answer);
  }
}
