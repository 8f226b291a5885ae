import type { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ByteWindow } from '../binary/byte-window.ts';
import { PIECE_MORE, type Pieces } from './decompressor.ts';

/** Compressed bytes given to the codec at once. */
const PIECE_BYTES_MAX = 32768;

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** gzip (RFC 1952): the codec itself finds where members end and begin, so any cut will do. */
export class GzipPieces implements Pieces {
  readonly format = 'gzip';
  readonly problem = '';
  readonly isBetween = true;
  readonly endsStream = false;
  skip = 0;

  next(window: ByteWindow): number {
    return window.available === 0 ? PIECE_MORE : Math.min(window.available, PIECE_BYTES_MAX);
  }

  createCodec(): Transform {
    return createGunzip();
  }
}
