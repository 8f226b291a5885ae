import { MdxError } from '../errors.ts';
import { decodeMetadata, encodeMetadata, metadataVersion } from '../feeds/dbn/metadata.ts';
import { upgradeMetadata, upgradeRecord } from '../feeds/dbn/upgrade.ts';
import type { MessageSink } from '../feeds/message-sink.ts';
import type { ChunkSink, Conversion } from './conversion.ts';
import { ZstdFrames } from './zstd-frames.ts';

const CHUNK_BYTES: number = 1 << 16;

export interface DbnCopyOptions {
  /** Write records of earlier versions as version 3 has them. */
  readonly upgrade: boolean;
  /** With zstd. */
  readonly compress: boolean;
}

/** Writes DBN as DBN: metadata and records are the same bytes, or those of version 3 that say the same. */
export class DbnCopy implements Conversion, MessageSink {
  written = 0;
  readonly messages: MessageSink = this;
  readonly #sink: ChunkSink;
  readonly #frames: ZstdFrames | null;
  readonly #upgrade: boolean;
  readonly #chunk: Uint8Array = new Uint8Array(CHUNK_BYTES);
  #used = 0;
  #version: number | null = null;

  constructor(sink: ChunkSink, { upgrade, compress }: DbnCopyOptions) {
    this.#frames = compress ? new ZstdFrames(sink) : null;
    const frames = this.#frames;
    this.#sink = frames === null ? sink : (chunk) => frames.write(chunk);
    this.#upgrade = upgrade;
  }

  head(bytes: Uint8Array): void {
    if (this.#version !== null) {
      throw new MdxError('usage', 'writing DBN: a copy has the metadata of one file, and there are several', {
        hint: 'Copy them one at a time.',
      });
    }
    this.#version = metadataVersion(bytes);
    this.#sink(this.#upgrade ? encodeMetadata(upgradeMetadata(decodeMetadata(bytes))) : bytes);
  }

  message(bytes: Uint8Array, offset: number, length: number): void {
    const upgraded = this.#upgrade ? upgradeRecord(bytes, offset, this.#version!) : null;
    const record = upgraded ?? bytes.subarray(offset, offset + length);
    if (this.#used + record.length > CHUNK_BYTES) this.flush();
    this.#chunk.set(record, this.#used);
    this.#used += record.length;
    this.written += 1;
  }

  flush(): void {
    if (this.#used === 0) return;
    this.#sink(this.#chunk.subarray(0, this.#used));
    this.#used = 0;
  }

  finish(): void {
    this.flush();
    this.#frames?.finish();
  }
}
