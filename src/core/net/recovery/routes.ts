import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { lookup } from 'node:dns';
import { connect, isIPv6, type Socket } from 'node:net';
import type { Endpoint } from '../../config/endpoint.ts';
import {
  ANSWER_DAMAGED,
  ANSWER_END,
  FrameReader,
  type FrameSink,
  questionLine,
} from '../../merge/recovery/len-seq-payload.ts';
import { moldRequest } from '../../merge/recovery/mold-request.ts';
import type { Question, RecoveryRoute } from '../../merge/recovery/surroundings.ts';

/** Who hears what a server answers: the fetcher. */
export interface AnswerSink {
  reached(): void;
  packet(number: number, bytes: Uint8Array, offset: number, length: number): boolean;
  answered(failure: string | null): void;
}

/** A route with a socket behind it. */
export interface OpenRoute extends RecoveryRoute {
  /** Who hears; to be set before the first question. */
  sink: AnswerSink;
  /** Takes nothing more from the server, and goes on taking. */
  pause(): void;
  resume(): void;
  close(): void;
}

const DEAF: AnswerSink = { reached: () => {}, packet: () => false, answered: () => {} };

/** `len_seq_payload`: a connection per question, over TCP. */
export class TcpRoute implements OpenRoute, FrameSink {
  readonly answersOnePacket = false;
  sink: AnswerSink = DEAF;
  readonly #host: string;
  readonly #port: number;
  readonly #reader: FrameReader = new FrameReader(this);
  #socket: Socket | null = null;
  #isPaused = false;

  constructor({ host, port }: Endpoint) {
    this.#host = host;
    this.#port = port;
  }

  ask({ first, last }: Question): void {
    const reader = this.#reader;
    reader.reset();
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    this.#socket = socket;
    // What comes of a connection that was left is nobody's.
    const isMine = (): boolean => this.#socket === socket;
    socket.on('connect', () => {
      if (!isMine()) return;
      this.sink.reached();
      socket.write(questionLine(first, last));
      if (this.#isPaused) socket.pause();
    });
    socket.on('data', (chunk) => {
      if (!isMine()) return;
      const state = reader.push(chunk);
      // A sink that has left may have asked the next question already.
      if (!isMine()) return;
      if (state === ANSWER_END) this.#end(null);
      else if (state === ANSWER_DAMAGED) this.#end(reader.problem);
    });
    socket.on('error', (error) => {
      if (isMine()) this.#end(failureText(error));
    });
    socket.on('close', () => {
      if (isMine()) this.#end(reader.close() === ANSWER_END ? null : reader.problem);
    });
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket?.resume();
  }

  cancel(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }

  close(): void {
    this.cancel();
  }

  frame(number: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const socket = this.#socket;
    return this.sink.packet(number, bytes, offset, length) && this.#socket === socket;
  }

  #end(failure: string | null): void {
    this.cancel();
    this.sink.answered(failure);
  }
}

/** MoldUDP64 requests: a datagram per question, answered with one packet or not at all. */
export class MoldRoute implements OpenRoute {
  readonly answersOnePacket = true;
  sink: AnswerSink = DEAF;
  readonly #host: string;
  readonly #port: number;
  #socket: UdpSocket | null = null;
  /** What is asked for while the socket opens. */
  #held: Uint8Array | null = null;
  #isReady = false;
  #isClosed = false;

  constructor({ host, port }: Endpoint) {
    this.#host = host;
    this.#port = port;
  }

  ask({ session, first, last }: Question): void {
    const request = moldRequest(session, first, last - first + 1);
    if (this.#isReady) this.#send(request);
    else {
      const isOpening = this.#held !== null;
      this.#held = request;
      if (!isOpening) this.#open();
    }
  }

  pause(): void {
    // One packet comes for each question, and none is asked meanwhile.
  }

  resume(): void {
    // See pause.
  }

  cancel(): void {
    // An answer that is under way may still be of use.
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  #open(): void {
    lookup(this.#host, (error, address) => {
      if (this.#isClosed) return;
      if (error !== null) {
        this.#held = null;
        this.sink.answered(failureText(error));
        return;
      }
      const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
      this.#socket = socket;
      socket.on('message', (message) => this.sink.packet(-1, message, 0, message.length));
      socket.on('error', (failure) => {
        if (this.#socket !== socket) return;
        this.#drop();
        this.sink.answered(failureText(failure));
      });
      // Connected: datagrams from anybody else are not taken, and a port that nobody listens on is told at once.
      socket.connect(this.#port, address, () => {
        if (this.#socket !== socket) return;
        this.#isReady = true;
        this.sink.reached();
        const held = this.#held;
        this.#held = null;
        if (held !== null) this.#send(held);
      });
    });
  }

  #send(request: Uint8Array): void {
    const socket = this.#socket;
    socket?.send(request, (error) => {
      if (error === null || this.#socket !== socket) return;
      this.#drop();
      this.sink.answered(failureText(error));
    });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#isReady = false;
    this.#held = null;
    socket?.close();
  }
}

function failureText(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return 'nobody listens there (ECONNREFUSED)';
  if (code === 'ECONNRESET') return 'the server closed the connection (ECONNRESET)';
  if (code === 'ENOTFOUND') return 'there is no such host (ENOTFOUND)';
  return `the system answers ${code ?? error.message}`;
}
