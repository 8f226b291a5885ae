import WebSocket from 'ws';
import type { RawV1Endpoint } from './endpoint.ts';

const HANDSHAKE_MS = 10_000;
const MESSAGE_BYTES_MAX = 1 << 20;
/** Servers send something every second; a connection that is silent for so long is none. */
const SILENT_MS = 10_000;
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 500;
const REFUSAL_CHARS = 500;

/** How a connection, or the attempt at one, has ended. */
export interface Ending {
  /** HTTP status that refuses it, 0 = it was not refused. */
  readonly status: number;
  /** Code of the close frame, 0 = there was none. */
  readonly code: number;
  readonly text: string;
  /** Frames that it brought. */
  readonly frames: number;
}

/** What is asked for: the books, frames from a cursor on, or what comes. */
export type Asked = 'image' | 'cursor' | 'tail';

/** What a line tells. */
export interface LineHandler {
  /** The server answers. `epoch`: the history that it names in the header of its answer. @returns whether to go on. */
  opened(line: RawV1Line, epoch: string | null): boolean;
  /** A message; the bytes are the handler's. */
  frame(line: RawV1Line, bytes: Buffer): void;
  lost(line: RawV1Line, ending: Ending): void;
}

/** One endpoint of a server: a connection at a time, with pauses between those that fail. */
export class RawV1Line {
  readonly endpoint: RawV1Endpoint;
  /** Cursor of the last frame that came + 1; −1 = none came. */
  passed = -1;
  /** It is connected and brings frames. */
  isOpen = false;
  /** Its server said that there is nothing more. */
  isDone = false;
  /** Comes back with what is new: its server does not have what is missing. */
  joinsLate = false;
  #asks: Asked = 'tail';
  readonly #handler: LineHandler;
  readonly #token: string | null;
  #socket: WebSocket | null = null;
  #frames = 0;
  #retryMs = RETRY_MS_MIN;
  #timer: NodeJS.Timeout | null = null;
  #watch: NodeJS.Timeout | null = null;
  #heard = false;
  #isPaused = false;

  constructor(endpoint: RawV1Endpoint, token: string | null, handler: LineHandler) {
    this.endpoint = endpoint;
    this.#token = token;
    this.#handler = handler;
  }

  /** It is connected, or on the way. */
  get isBusy(): boolean {
    return this.#socket !== null;
  }

  /** It comes again after a pause. */
  get isWaiting(): boolean {
    return this.#timer !== null;
  }

  get asksImage(): boolean {
    return this.#asks === 'image';
  }

  get asksCursor(): boolean {
    return this.#asks === 'cursor';
  }

  /** Connects. `query` is what is asked for behind the channel and the codec. */
  connect(query: string, asks: Asked): void {
    this.disconnect();
    this.#asks = asks;
    this.passed = -1;
    this.#frames = 0;
    const headers = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
    const socket = new WebSocket(`${this.endpoint.url}?channel=obo&codec=raw-v1${query}`, {
      headers,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MESSAGE_BYTES_MAX,
    });
    this.#socket = socket;
    let problem = '';
    socket.on('upgrade', ({ headers: answer }) => {
      const epoch = answer['x-mdx-epoch'];
      if (!this.#handler.opened(this, typeof epoch === 'string' ? epoch : null)) return;
      this.isOpen = true;
    });
    socket.on('open', () => {
      if (this.#isPaused) socket.pause();
    });
    socket.on('unexpected-response', (request, response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text = (text + part).slice(0, REFUSAL_CHARS);
      });
      const end = (): void => {
        request.destroy();
        this.#end(socket, { status: response.statusCode ?? 0, code: 0, text: text.trim(), frames: 0 });
      };
      response.on('end', end);
      response.on('close', end);
    });
    socket.on('message', (data) => {
      if (this.#socket !== socket || !this.isOpen) return;
      this.#heard = true;
      this.#frames += 1;
      this.#retryMs = RETRY_MS_MIN;
      this.#handler.frame(this, data as Buffer);
    });
    socket.on('error', (error) => {
      problem = (error as NodeJS.ErrnoException).code ?? error.message;
    });
    socket.on('close', (code, reason) => {
      const said = code === 1005 || code === 1006 ? 0 : code;
      const text = reason.length > 0 ? reason.toString() : problem;
      this.#end(socket, { status: 0, code: said, text, frames: this.#frames });
    });
    this.#heard = true;
    this.#watch = setInterval(() => this.#look(socket), SILENT_MS);
  }

  /** Calls `again` after a pause, which is longer from time to time. */
  retry(again: () => void): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      again();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  pause(): void {
    this.#isPaused = true;
    if (this.isOpen) this.#socket?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#heard = true;
    if (this.isOpen) this.#socket?.resume();
  }

  /** Leaves the server without a word to the handler. */
  disconnect(): void {
    const socket = this.#socket;
    this.#forget();
    if (socket === null) return;
    if (socket.readyState === WebSocket.OPEN) socket.close(1000);
    else socket.terminate();
    // Who does not answer a close is left.
    if (socket.readyState === WebSocket.CLOSING) setTimeout(() => socket.terminate(), RETRY_MS_MAX).unref();
  }

  /** Ends for good. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.disconnect();
  }

  #look(socket: WebSocket): void {
    if (!this.#heard && !this.#isPaused) socket.terminate();
    this.#heard = false;
  }

  #end(socket: WebSocket, ending: Ending): void {
    if (this.#socket !== socket) return;
    this.#forget();
    this.#handler.lost(this, ending);
  }

  #forget(): void {
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#watch = null;
    this.#socket = null;
    this.isOpen = false;
  }
}
