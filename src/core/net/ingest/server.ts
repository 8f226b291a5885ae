import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { MdxError } from '../../errors.ts';
import { Connection } from './connection.ts';
import { Inbox } from './inbox.ts';
import { readThrough } from './shared-reads.ts';
import { type Ending, IngestCounts, type IngestLimits, type IngestSink } from './sink.ts';

/** Bytes of all senders together that are read ahead of the books; who brings more waits. */
const HELD_BYTES_MAX = 16 << 20;
/** Most that one read brings. */
const READ_BYTES = 65_536;
const NOTHING: Uint8Array = new Uint8Array(0);
/** Looks at who is silent, in the time that they may be. */
const LOOKS = 5;

/** Where a server listens, and what it allows. */
export interface IngestServerOptions {
  readonly host: string;
  /** 0 = the system chooses. */
  readonly port: number;
  /** Other servers may listen there, too: the kernel deals the senders out. */
  readonly shares: boolean;
  readonly limits: IngestLimits;
}

/** Senders that are heard, here or on other threads. */
export interface Hearing {
  readonly counts: IngestCounts;
  readonly port: number;
  /** Hands over some of what was said. @returns false: there was nothing. */
  take(sink: IngestSink): boolean;
  /** Behind a `take` that found nothing: waits until there is something, `ms` at most, or until `wake`. */
  wait(ms: number): Promise<void>;
  wake(): void;
  /** Ends a sender for what it sent. The sink is told in its turn. */
  cut(sender: number, ending: Ending): void;
  /** Takes nobody any more and ends whoever is there. */
  close(sink: IngestSink): Promise<void>;
}

/**
 * Senders of events that connect. What they send is held until somebody takes it, in bounds: nothing more is read of a
 * sender that is too far ahead, and TCP makes it wait.
 */
export class IngestServer implements Hearing {
  readonly counts: IngestCounts = new IngestCounts();
  readonly #server: Server;
  readonly #limits: IngestLimits;
  readonly #connections: Map<number, Connection> = new Map();
  /** What was read, in its order; no bytes: the sender has ended. */
  readonly #inbox: Inbox = new Inbox();
  readonly #buffer: Uint8Array = new Uint8Array(READ_BYTES);
  #numbers = 0;
  #wake: (() => void) | null = null;
  readonly #timers: NodeJS.Timeout[];

  private constructor(server: Server, limits: IngestLimits) {
    this.#server = server;
    this.#limits = limits;
    server.on('connection', (accepted) => this.#connect(accepted));
    this.#timers = [
      this.#every(limits.helloMs / LOOKS, () => this.#lookForStrangers()),
      this.#every(limits.silentMs / LOOKS, () => this.#lookForSilent()),
    ];
  }

  /** Rejects with MdxError `socket-busy` or `socket-refused`. */
  static async listen({ host, port, shares, limits }: IngestServerOptions): Promise<IngestServer> {
    const server = createServer({ pauseOnConnect: true });
    try {
      const listening = once(server, 'listening');
      server.listen({ host, port, reusePort: shares, backlog: limits.senders });
      await listening;
    } catch (cause) {
      const { code = String(cause) } = cause as NodeJS.ErrnoException;
      const what = `listening for senders on ${host}:${port}`;
      throw code === 'EADDRINUSE'
        ? new MdxError('socket-busy', `${what}: another process listens there (EADDRINUSE)`, {
            hint: 'Choose another port, or 0 for one that the system chooses.',
            cause,
          })
        : new MdxError('socket-refused', `${what}: the system answers ${code}`, { cause });
    }
    return new IngestServer(server, limits);
  }

  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  /** Waits until there is something to take, `ms` at most, or until `wake`. */
  async wait(ms: number): Promise<void> {
    if (!this.#inbox.isEmpty) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        this.#wake = null;
        clearTimeout(timer);
        // Behind the other sockets that have something now.
        setImmediate(resolve);
      };
    });
    this.#wake = null;
  }

  wake(): void {
    this.#wake?.();
  }

  /** Hands over what was read next. @returns false: nobody has anything. */
  take(sink: IngestSink): boolean {
    const inbox = this.#inbox;
    if (!inbox.next()) return false;
    const connection = this.#connections.get(inbox.sender);
    // Of who was cut, what came behind is not looked at.
    if (connection === undefined) return true;
    const { bytes, from, to } = inbox;
    if (from < to && !connection.isCut) connection.handOver(bytes, from, to, sink);
    if (from === to || connection.isCut) this.#end(connection, sink);
    else if (connection.isPaused && connection.held === 0) this.#goOn(connection);
    return true;
  }

  /** Ends a sender for what it sent. The sink is told in its turn. */
  cut(number: number, ending: Ending): void {
    const connection = this.#connections.get(number);
    if (connection === undefined) return;
    connection.cut(ending);
    this.#say(number, NOTHING, 0);
  }

  /** Takes nobody any more and ends whoever is there. */
  async close(sink: IngestSink): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of [...this.#connections.values()]) {
      connection.cut('stopped');
      this.#end(connection, sink);
    }
    await closed;
  }

  #every(ms: number, look: () => void): NodeJS.Timeout {
    return setInterval(look, Math.max(ms, 1)).unref();
  }

  #connect(accepted: Socket): void {
    const { counts } = this;
    if (this.#connections.size >= this.#limits.senders) {
      counts.end('full');
      accepted.destroy();
      return;
    }
    this.#numbers += 1;
    counts.accepted += 1;
    counts.connected += 1;
    const number = this.#numbers;
    const socket = readThrough(accepted, this.#buffer, (bytes, length) => {
      this.#receive(connection, bytes, length);
    });
    const connection = new Connection(number, socket, this.#limits, counts);
    this.#connections.set(number, connection);
    socket.on('error', () => {});
    socket.on('close', () => {
      connection.ending ??= 'broken';
      this.#say(number, NOTHING, 0);
    });
  }

  #receive(connection: Connection, bytes: Uint8Array, length: number): void {
    if (connection.ending !== null) return;
    this.counts.bytes += length;
    connection.note(length);
    this.#say(connection.number, bytes, length);
    if (connection.held >= this.#limits.bufferedBytes || this.#inbox.held >= HELD_BYTES_MAX) {
      this.counts.pauses += 1;
      connection.isPaused = true;
      connection.socket.pause();
    }
  }

  #say(number: number, bytes: Uint8Array, length: number): void {
    this.#inbox.put(number, bytes, length);
    this.#wake?.();
  }

  #goOn(connection: Connection): void {
    connection.isPaused = false;
    connection.quietLooks = 0;
    connection.socket.resume();
  }

  #end(connection: Connection, sink: IngestSink): void {
    if (connection.isOver) return;
    connection.isOver = true;
    this.#connections.delete(connection.number);
    this.counts.connected -= 1;
    this.counts.end(connection.ending!);
    if (connection.isKnown) sink.closed(connection.number, connection.ending!);
  }

  /** A look that comes late, because this process was busy, is one look all the same: nobody is cut for our own silence. */
  #lookForStrangers(): void {
    for (const connection of this.#connections.values()) {
      if (connection.isKnown || connection.isPaused) continue;
      connection.looks += 1;
      if (connection.looks > LOOKS) this.cut(connection.number, 'identity');
    }
  }

  #lookForSilent(): void {
    for (const connection of this.#connections.values()) {
      if (connection.isPaused || connection.held > 0) connection.quietLooks = 0;
      else connection.quietLooks += 1;
      if (connection.quietLooks > LOOKS) this.cut(connection.number, 'silent');
    }
  }
}
