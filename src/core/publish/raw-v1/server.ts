import type { IncomingMessage, Server, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientView } from '../client-view.ts';
import { refuseUpgrade, WebSocketDoor } from '../websocket/door.ts';
import {
  CLOSE_GAP,
  CLOSE_GOING_AWAY,
  CLOSE_IMAGE_GONE,
  CLOSE_POLICY,
  CLOSE_SLOW,
  CLOSE_TRY_LATER,
  type WebSocketPeer,
} from '../websocket/peer.ts';
import { type ClientStart, RawV1Client } from './client.ts';
import type { Image } from './image.ts';
import type { PublisherListener, RawV1Publisher } from './publisher.ts';
import { parseQuery, type RawV1Query } from './query.ts';

/** Who may connect: `Tokens` of the HTTP side. */
export interface Authorizer {
  /** Is a token needed? */
  readonly some: boolean;
  /** Name of the token in an `Authorization` header; null where it is none of ours. */
  nameOf(authorization: string | undefined): string | null;
  /** Pages of browsers that may connect, `https://desk.example` or `*`; who is no browser names none. */
  readonly origins: readonly string[];
}

/** Frames that the bus does not have any more. */
export interface FrameHistory {
  /**
   * Brings the frames from one cursor up to another to `take`, piece by piece, and waits for it; ends early where it says
   * false. @returns were all of them there? Not where they cannot be read, either.
   */
  replay(
    from: number,
    to: number,
    take: (bytes: Buffer, frames: number) => Promise<boolean>,
  ): Promise<boolean>;
}

export interface RawV1Limits {
  readonly heartbeatMs: number;
  readonly writeTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** Clients of both endpoints together. */
  readonly maxConnections: number;
  readonly noDelay: boolean;
}

/** Clients at a time that are sent what the bus does not have any more. */
const PASTS_MAX = 2;

/** Clients that were refused or dropped, by reason. */
export type DropReason =
  | 'cap'
  | 'handshake'
  | 'auth'
  | 'query'
  | 'snapshot'
  | 'gap'
  | 'write'
  | 'policy'
  | 'book';

/** Connections beyond the cap that may wait for their answer; further ones are closed at once. */
const WAITING_ROOM = 64;
const HEADER_BYTES_MAX = 16_384;
/** Images that clients are at; beyond, whoever comes is given the last one, or has to come again. */
const IMAGES_MAX = 4;
/** Frames of an image that are encoded between two turns of the event loop: about 2 ms. */
const IMAGE_SLICE_FRAMES = 4096;
/** Clients have nothing to say but pings and closes. */
const MESSAGE_BYTES_MAX = 4096;
const MESSAGES_PER_SECOND = 100;
const CLOSE_MS = 1000;
const SWEEP_MS_MIN = 10;
const REASONS: Readonly<Record<number, DropReason>> = {
  [CLOSE_GAP]: 'gap',
  [CLOSE_SLOW]: 'write',
  [CLOSE_IMAGE_GONE]: 'snapshot',
  [CLOSE_POLICY]: 'policy',
  [CLOSE_TRY_LATER]: 'book',
};

/**
 * Serves raw-v1 on two endpoints from one bus. Whatever can be refused is refused before the upgrade, with a status and
 * a reason. Clients never hold up the publisher: one that takes nothing is closed, one that is overtaken is told what it lost.
 */
export class RawV1Server implements PublisherListener {
  readonly counts: Record<DropReason, number> = {
    cap: 0,
    handshake: 0,
    auth: 0,
    query: 0,
    snapshot: 0,
    gap: 0,
    write: 0,
    policy: 0,
    book: 0,
  };
  /** Null: what has left memory is lost to clients. */
  history: FrameHistory | null = null;
  #pasts = 0;
  readonly #publisher: RawV1Publisher;
  readonly #limits: RawV1Limits;
  readonly #door: WebSocketDoor;
  readonly #servers: Server[] = [];
  readonly #clients: Map<number, RawV1Client> = new Map();
  #authorizer: Authorizer;
  #sockets = 0;
  #nextId = 1;
  /** Of clients that are gone. */
  #framesBefore = 0;
  #bytesBefore = 0;
  /** The image that was taken last: whoever comes while its cursor is kept begins there, too. */
  #image: Image | null = null;
  #sweep: NodeJS.Timeout | null = null;
  #closing = false;

  constructor(publisher: RawV1Publisher, authorizer: Authorizer, limits: RawV1Limits) {
    this.#publisher = publisher;
    this.#authorizer = authorizer;
    this.#limits = limits;
    const peers = {
      messageBytes: MESSAGE_BYTES_MAX,
      messagesPerSecond: MESSAGES_PER_SECOND,
      writeMs: limits.writeTimeoutMs,
      closeMs: CLOSE_MS,
    };
    this.#door = new WebSocketDoor({ limits: peers, protocols: ['obo.raw.v1'] });
  }

  /** How the HTTP servers of the endpoints are to be made. */
  static httpOptions({ handshakeTimeoutMs, noDelay }: RawV1Limits): ServerOptions {
    return {
      noDelay,
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: Math.max(SWEEP_MS_MIN, handshakeTimeoutMs / 4),
    };
  }

  /** Begins to serve. */
  start(): void {
    this.#publisher.listener = this;
    const { writeTimeoutMs, heartbeatMs } = this.#limits;
    const sweepMs = Math.max(SWEEP_MS_MIN, Math.min(writeTimeoutMs, heartbeatMs) / 4);
    this.#sweep = setInterval(() => this.sweep(performance.now()), sweepMs).unref();
  }

  /** Serves whoever connects to an HTTP server, made with `httpOptions`, that listens or is going to. */
  attach(server: Server): void {
    this.#servers.push(server);
    server.on('connection', (socket: Socket) => this.#count(socket));
    server.on('request', (_request, response) => {
      this.counts.handshake += 1;
      response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain' });
      response.end('this is a WebSocket endpoint: raw-v1\n');
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      this.counts.handshake += 1;
      const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
      refuseUpgrade(
        socket,
        isLate ? 408 : 400,
        isLate ? 'no request came in time' : 'this is no HTTP request',
      );
    });
  }

  /** Tokens that count from now on; who is connected stays. */
  set authorizer(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  wake(): void {
    const now = performance.now();
    for (const client of this.#clients.values()) client.pump(now);
  }

  /** What went before no longer leads to what comes: whoever begins now begins with other books. */
  skipped(): void {
    this.#image = null;
  }

  /** A book has a price that frames cannot say: clients begin anew, without it. */
  refused(): void {
    this.#image = null;
    for (const { peer } of this.#clients.values()) {
      peer.close(CLOSE_TRY_LATER, 'a book is refused from here on: connect again with snapshot=1');
    }
  }

  /** Heartbeats, and the end of clients that take nothing. @param now ms of `performance.now`. */
  sweep(now: number): void {
    let beat: Buffer | null = null;
    const heartbeat = (): Buffer => {
      beat ??= this.#publisher.heartbeat();
      return beat;
    };
    const isFull = this.#publisher.bus.pinnedBytes > this.#publisher.bus.bytesMax;
    for (const client of this.#clients.values()) {
      client.peer.check(now);
      if (isFull && client.holdsGone) client.peer.terminate();
      client.pump(now);
      client.beat(now, this.#limits.heartbeatMs, heartbeat);
    }
    if (this.#image !== null && this.#image.cursor < this.#publisher.bus.oldest) this.#image = null;
  }

  get clients(): number {
    return this.#clients.size;
  }

  get frames(): number {
    let frames = this.#framesBefore;
    for (const client of this.#clients.values()) frames += client.frames;
    return frames;
  }

  get bytes(): number {
    let bytes = this.#bytesBefore;
    for (const { peer } of this.#clients.values()) bytes += peer.bytes;
    return bytes;
  }

  views(): ClientView[] {
    const now = performance.now();
    return Array.from(this.#clients, ([id, client]) => ({
      id,
      protocol: 'raw-v1',
      address: client.peer.address,
      token: client.token,
      connectedMs: Math.round(now - client.connectedAt),
      frames: client.frames,
      bytes: client.peer.bytes,
      pendingBytes: client.peer.pendingBytes,
      lag: client.lag,
      skipped: client.skipped,
    }));
  }

  /**
   * Stops accepting, closes the clients with the reason once they have what was published, and resolves when all of them
   * are gone. @param drainMs how long they may take for that.
   */
  async close(reason: string, drainMs: number): Promise<void> {
    this.#closing = true;
    this.#image = null;
    const closed = this.#servers.splice(0).map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeIdleConnections();
        }),
    );
    const now = performance.now();
    for (const client of this.#clients.values()) client.finish(reason, now);
    const timer = setTimeout(() => {
      for (const { peer } of this.#clients.values()) peer.close(CLOSE_GOING_AWAY, reason);
    }, drainMs);
    await Promise.all(closed);
    clearTimeout(timer);
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#publisher.listener = null;
  }

  #count(socket: Socket): void {
    if (this.#sockets >= this.#limits.maxConnections + WAITING_ROOM) {
      this.counts.cap += 1;
      socket.destroy();
      return;
    }
    this.#sockets += 1;
    socket.once('close', () => {
      this.#sockets -= 1;
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#judge(request);
    if ('status' in refusal) {
      this.counts[refusal.reason] += 1;
      refuseUpgrade(
        socket,
        refusal.status,
        refusal.text,
        refusal.status === 401 ? ['www-authenticate: Bearer'] : [],
      );
      return;
    }
    const { query, token } = refusal;
    const start = this.#start(query);
    if (typeof start === 'string') {
      this.counts[query.snapshot ? 'snapshot' : 'query'] += 1;
      refuseUpgrade(socket, query.snapshot || !this.#publisher.isReady ? 503 : 400, start);
      return;
    }
    const { epoch } = this.#publisher.facts();
    const text = ((BigInt(epoch.high >>> 0) << 32n) | BigInt(epoch.low >>> 0)).toString(16).padStart(16, '0');
    this.#door.admit(request, socket, head, [`x-mdx-epoch: ${text}`], (peer) =>
      this.#join(peer, start, token),
    );
  }

  #judge(
    request: IncomingMessage,
  ): { status: number; reason: DropReason; text: string } | { query: RawV1Query; token: string | null } {
    const { origin, authorization } = request.headers;
    const { origins } = this.#authorizer;
    if (origin !== undefined && !origins.includes(origin) && !origins.includes('*')) {
      return { status: 403, reason: 'auth', text: 'pages of this origin may not connect here' };
    }
    const token = this.#authorizer.nameOf(authorization);
    if (this.#authorizer.some && token === null) {
      return { status: 401, reason: 'auth', text: 'a bearer token is needed: Authorization: Bearer TOKEN' };
    }
    const query = parseQuery(request.url ?? '');
    if (typeof query === 'string') return { status: 400, reason: 'query', text: query };
    const { maxConnections } = this.#limits;
    if (this.#closing || this.#clients.size >= maxConnections) {
      const text = this.#closing
        ? 'the server is stopping'
        : `${maxConnections} clients are connected, no more are taken`;
      return { status: 503, reason: 'cap', text };
    }
    return { query, token };
  }

  /** @returns where the client begins, or why it cannot. */
  #start({ snapshot, fromSeq }: RawV1Query): ClientStart | string {
    const publisher = this.#publisher;
    const { bus } = publisher;
    if (!publisher.isReady) {
      return snapshot || fromSeq !== null
        ? 'there are no books yet: try again'
        : { cursor: null, image: null, past: null };
    }
    if (snapshot) {
      const image = this.#imageNow();
      return image === null
        ? 'no snapshot can be taken now: try again'
        : { cursor: image.cursor, image, past: null };
    }
    if (fromSeq === null) return { cursor: bus.next, image: null, past: null };
    if (fromSeq > bus.next) return `from_seq=${fromSeq}: the next frame is ${bus.next}`;
    if (fromSeq < publisher.floor) {
      return `from_seq=${fromSeq}: books may have been refused up to ${publisher.floor}, ask for a snapshot`;
    }
    const kept = bus.keptFrom(fromSeq);
    if (fromSeq < kept && this.history !== null && this.#pasts < PASTS_MAX) {
      return { cursor: kept, image: null, past: fromSeq };
    }
    return { cursor: fromSeq, image: null, past: null };
  }

  /** Books are encoded once for all clients that come at about the same time. */
  #imageNow(): Image | null {
    const last = this.#image;
    if (last !== null && this.#isFresh(last)) return last;
    const alive = new Set(Array.from(this.#clients.values(), ({ image }) => image));
    alive.delete(null);
    if (alive.size >= IMAGES_MAX) {
      return last !== null && last.cursor >= this.#publisher.bus.oldest ? last : null;
    }
    const image = this.#publisher.image();
    this.#image = image;
    if (image !== null) this.#encode(image);
    return image;
  }

  /** Encodes an image piece by piece: clients and the events of the books have their turns in between. */
  #encode(image: Image): void {
    image.encode(IMAGE_SLICE_FRAMES);
    for (const client of this.#clients.values()) {
      if (client.image === image) client.pump(performance.now());
    }
    if (!image.isWhole && this.#isWanted(image)) setImmediate(() => this.#encode(image));
  }

  /** Is anybody at this image, or about to be? */
  #isWanted(image: Image): boolean {
    if (image === this.#image) return true;
    for (const client of this.#clients.values()) if (client.image === image) return true;
    return false;
  }

  /** Is so little behind it that whoever begins there has soon caught up? */
  #isFresh({ cursor }: Image): boolean {
    const { bus } = this.#publisher;
    return cursor >= bus.oldest && bus.next - cursor <= bus.framesMax >> 1;
  }

  #join(peer: WebSocketPeer, start: ClientStart, token: string | null): void {
    const id = this.#nextId;
    this.#nextId += 1;
    const client = new RawV1Client(this.#publisher, peer, start, token, performance.now());
    this.#clients.set(id, client);
    peer.handle({
      message: () => peer.close(CLOSE_POLICY, 'nothing is taken from clients here'),
      drained: () => client.pump(performance.now()),
      closed: (code) => {
        client.end();
        this.#clients.delete(id);
        this.#framesBefore += client.frames;
        this.#bytesBefore += peer.bytes;
        const reason = REASONS[code];
        if (reason !== undefined) this.counts[reason] += 1;
      },
    });
    if (start.past === null) client.pump(performance.now());
    else void this.#replay(client, start.past, start.cursor!);
  }

  async #replay(client: RawV1Client, from: number, to: number): Promise<void> {
    this.#pasts += 1;
    const take = (bytes: Buffer, frames: number): Promise<boolean> =>
      client.send(bytes, frames, performance.now());
    const isWhole = await this.history!.replay(from, to, take);
    this.#pasts -= 1;
    if (isWhole) client.goLive(performance.now());
    else client.lose(from, to - 1);
  }
}
