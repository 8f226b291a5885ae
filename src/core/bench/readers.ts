import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FanoutRequest } from './fanout-clients.ts';

/** The clients, as they are told what to do. */
export class Readers {
  readonly #child: ChildProcess;

  constructor() {
    const file = new URL(`./fanout-clients${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    this.#child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  async join(port: number, path: string, clients: number, protocol?: string): Promise<void> {
    this.#ask({ port, path, clients, protocol });
    await once(this.#child, 'message');
  }

  /** Every client says this, as a text message. */
  say(text: string): void {
    this.#ask({ text });
  }

  /** Resolves when every client has so many bytes. */
  async have(bytes: number): Promise<void> {
    this.#ask({ wanted: bytes });
    await once(this.#child, 'message');
  }

  close(): void {
    this.#child.kill();
  }

  #ask(request: FanoutRequest): void {
    this.#child.send(request);
  }
}
