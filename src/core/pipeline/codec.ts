import type { Transform } from 'node:stream';

/** A stream of Node's zlib that is fed one piece at a time; what it makes of a piece is out when `write` resolves. */
export class Codec {
  /** The stream says that its data is complete. */
  ended = false;
  error: NodeJS.ErrnoException | null = null;
  readonly #stream: Transform & { readonly bytesWritten?: number };
  #given = 0;
  #settle: () => void = () => {};

  /** @param output takes decoded bytes, which are then its own. */
  constructor(stream: Transform, output: (chunk: Uint8Array) => void) {
    this.#stream = stream;
    stream.on('data', output);
    stream.on('end', () => {
      this.ended = true;
      this.#settle();
    });
    stream.on('error', (error) => {
      this.error = error;
      this.#settle();
    });
  }

  /** Resolves when the piece is decoded, or when the codec ended or failed on it. */
  async write(piece: Uint8Array): Promise<void> {
    this.#given += piece.length;
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      this.#stream.write(piece, () => resolve());
    });
    while (this.#stream.read() !== null) {
      // Reading hands what is held back to the listener.
    }
  }

  /** Resolves when the codec has checked that its data is complete. */
  async end(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      this.#stream.end();
    });
  }

  /** Bytes at the end of the last piece that the codec did not want. */
  get left(): number {
    return this.#given - (this.#stream.bytesWritten ?? this.#given);
  }

  destroy(): void {
    this.#stream.destroy();
    this.#settle();
  }
}
