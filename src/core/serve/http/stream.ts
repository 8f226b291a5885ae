import type { ServerResponse } from 'node:http';
import type { StreamSession, StreamSink } from './route.ts';

/** The answer without an end to one client. Nothing is compressed or gathered: what is written leaves. */
export class OpenStream implements StreamSink {
  readonly #response: ServerResponse;
  readonly #headers: Readonly<Record<string, string>>;
  #session: StreamSession | null = null;
  #isOver = false;

  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>) {
    this.#response = response;
    this.#headers = headers;
  }

  get pendingBytes(): number {
    return this.#response.writableLength;
  }

  write(bytes: Uint8Array, taken?: () => void): void {
    if (this.#isOver) {
      taken?.();
      return;
    }
    this.#begin();
    this.#response.write(bytes, (error) => {
      taken?.();
      const isDrained = (error ?? null) === null && !this.#isOver && this.pendingBytes === 0;
      if (isDrained) this.#session?.drained?.();
    });
  }

  end(): void {
    if (this.#isOver) return;
    this.#begin();
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }

  /** Tells the session what happens, until the client has gone. */
  run(session: StreamSession, onOver: () => void): void {
    this.#session = session;
    this.#begin();
    this.#response.flushHeaders();
    const over = (): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      onOver();
      session.closed();
    };
    if (this.#response.destroyed) over();
    else this.#response.once('close', over);
  }

  #begin(): void {
    const response = this.#response;
    if (response.headersSent) return;
    // It lives as long as its reader: silence is no reason to close it, and small pieces leave at once.
    response.socket?.setTimeout(0);
    response.socket?.setNoDelay(true);
    // It ends with its connection: bytes go out as they are, shared with other clients, not cut into chunks.
    response.removeHeader('transfer-encoding');
    response.writeHead(200, { ...this.#headers, connection: 'close' });
  }
}
