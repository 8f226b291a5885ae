import { ByteWindow } from '../../binary/byte-window.ts';
import { MdxError } from '../../errors.ts';
import { HeadReader } from '../../feeds/dbn/head-reader.ts';
import { MetadataError } from '../../feeds/dbn/metadata.ts';
import type { IngestSender } from '../../net/ingest/sender.ts';
import { type ByteSource, DamagedInput, Interrupted } from '../byte-source.ts';
import type { Pacer } from '../pacer.ts';
import type { Damage } from '../run-state.ts';
import { recordsAt } from './ingest-source.ts';

const WINDOW_BYTES = 1 << 20;
/** Records of one message; the longest record is a kilobyte. */
const MESSAGE_BYTES = 65_536;
const WORD_BYTES = 4;
/** Word of a record's own time, low half. */
const WORD_TIME = 2;

/** How a file is sent. */
export interface SendOptions {
  readonly pacer: Pacer | null;
  /** Records that are still to be sent at most. */
  readonly recordsMax: number;
  readonly stop: () => boolean;
  readonly breathe: () => Promise<void>;
}

/**
 * Sends the records of a DBN file as they are. @returns how many, and where the file is damaged. Rejects with MdxError
 * where it is no DBN file.
 */
export async function sendFile(
  source: ByteSource,
  sender: IngestSender,
  options: SendOptions,
): Promise<{ readonly records: number; readonly damage: Damage | null }> {
  const window = new ByteWindow(WINDOW_BYTES);
  if (!(await sender.begin(await readHead(source, window)))) return { records: 0, damage: null };
  let records = 0;
  let problem: string | null = null;
  while (!options.stop()) {
    if (window.position % WORD_BYTES !== 0) window.room();
    const most = options.recordsMax - records;
    const to = Math.min(window.limit, window.position + MESSAGE_BYTES);
    const { end, count } =
      options.pacer === null
        ? recordsAt(window.bytes, window.position, to, most)
        : await due(window, to, Math.min(most, 1), options.pacer);
    if (count > 0) {
      if (!(await sender.send(window.bytes.subarray(window.position, end), count))) break;
      records += count;
      window.position = end;
      await options.breathe();
      continue;
    }
    if (most === 0) break;
    if (window.available > 0 && window.bytes[window.position] === 0) problem = 'a record of no length';
    else if (window.ended && window.available > 0) problem = 'a record is cut off';
    if (window.ended || problem !== null) break;
    problem = await fill(source, window);
    if (problem !== null) break;
  }
  return { records, damage: problem === null ? null : { path: source.path, offset: window.offset, problem } };
}

async function readHead(source: ByteSource, window: ByteWindow): Promise<Uint8Array> {
  const head = new HeadReader();
  try {
    for (;;) {
      const bytes = head.read(window);
      if (bytes !== null) return bytes;
      if (window.ended) throw new MdxError('input-empty', `reading ${source.path}: its metadata are cut off`);
      const problem = await fill(source, window);
      if (problem !== null) throw new MdxError('input-damaged', `reading ${source.path}: ${problem}`);
    }
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    throw new MdxError('input-format', `reading ${source.path}: ${error.message}`, {
      hint: 'Records are sent as they are: give a DBN file, or make one with mdx replay FILE -o FILE.dbn.',
    });
  }
}

/** @returns why nothing more can be read. */
async function fill(source: ByteSource, window: ByteWindow): Promise<string | null> {
  try {
    await source.fill(window);
    return null;
  } catch (error) {
    if (error instanceof Interrupted) {
      window.ended = true;
      return null;
    }
    if (error instanceof DamagedInput) return error.message;
    throw error;
  }
}

/** Waits until the next record is due; it goes alone, or with those of the same time. */
async function due(
  window: ByteWindow,
  to: number,
  most: number,
  pacer: Pacer,
): Promise<{ readonly end: number; readonly count: number }> {
  const next = recordsAt(window.bytes, window.position, to, most);
  if (next.count === 0) return next;
  const at = window.position + WORD_TIME * WORD_BYTES;
  const wait = pacer.waitNs(window.view.getInt32(at + 4, true), window.view.getInt32(at, true));
  if (wait > 0) await pacer.sleep(wait);
  return next;
}
