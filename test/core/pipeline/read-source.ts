import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { DamagedInput, openByteSource } from '../../../src/core/pipeline/byte-source.ts';

/** What came out of a source, and how it ended. */
export interface SourceResult {
  readonly length: number;
  readonly sha256: string;
  readonly bytes: number;
  readonly total: number | null;
  readonly ended: boolean;
  /** Most bytes that one `fill` added. */
  readonly largest: number;
  readonly damage: { readonly offset: number; readonly truncated: boolean; readonly message: string } | null;
}

/** Reads a source to its end through a window of `windowBytes`; `close`: closes it while the second fill waits. */
export async function readSource(path: string, windowBytes = 65536, close = false): Promise<SourceResult> {
  const source = await openByteSource(path);
  const window = new ByteWindow(windowBytes);
  const hash = createHash('sha256');
  let length = 0;
  let largest = 0;
  let damage: SourceResult['damage'] = null;
  try {
    while (await source.fill(window)) {
      if (window.available === 0) throw new Error('fill said that it added bytes and did not');
      hash.update(window.bytes.subarray(window.position, window.limit));
      length += window.available;
      largest = Math.max(largest, window.available);
      window.position = window.limit;
      if (close) setImmediate(() => void source.close());
    }
  } catch (error) {
    if (!(error instanceof DamagedInput)) throw error;
    damage = { offset: error.offset, truncated: error.truncated, message: error.message };
  } finally {
    await source.close();
  }
  const { bytes, total } = source;
  return { length, sha256: hash.digest('hex'), bytes, total, ended: window.ended, largest, damage };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.stdout.write(
    JSON.stringify(await readSource(process.argv[2]!, 65536, process.argv[3] === 'close')),
  );
}
