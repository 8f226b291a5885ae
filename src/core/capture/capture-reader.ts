import type { ByteWindow } from '../binary/byte-window.ts';
import { CapturedPacket, type CaptureParser, WINDOW_BYTES_MIN } from './captured-packet.ts';
import { isPcapMagic, PcapParser } from './pcap.ts';
import { PcapngParser } from './pcapng.ts';

export {
  CAPTURE_DAMAGED,
  CAPTURE_END,
  CAPTURE_MORE,
  CAPTURE_PACKET,
  CAPTURE_RECORD,
  CAPTURE_STATISTICS,
  CAPTURE_TRUNCATED,
} from './captured-packet.ts';

export type CaptureFormat = 'pcap' | 'pcapng';

/** Format of a capture by its first bytes (12 are enough), or null if they begin none. */
export function detectCapture(head: Uint8Array): CaptureFormat | null {
  if (head.length < 4) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const word = view.getInt32(0, true);
  if (isPcapMagic(word)) return 'pcap';
  if (word !== 0x0a0d0d0a) return null;
  if (head.length < 12) return 'pcapng';
  const order = view.getInt32(8, true);
  return order === 0x1a2b3c4d || order === 0x4d3c2b1a ? 'pcapng' : null;
}

/**
 * Walks the packets of a capture in a window, doing no I/O: `next` consumes one record and describes it in the
 * fields, or says that bytes are missing. The description and its bytes are valid until the next call of `next`
 * and until the window is filled again. Once ended, truncated or damaged, a capture stays so.
 */
export class CaptureReader extends CapturedPacket {
  readonly #parser: CaptureParser;

  /** @param window holds at least WINDOW_BYTES_MIN bytes, so that every record fits. */
  constructor(window: ByteWindow, format: CaptureFormat) {
    super();
    if (window.bytes.length < WINDOW_BYTES_MIN) {
      throw new RangeError(`a window of ${window.bytes.length} bytes, captures need ${WINDOW_BYTES_MIN}`);
    }
    this.#parser = format === 'pcap' ? new PcapParser(window, this) : new PcapngParser(window, this);
  }

  /** @returns one of CAPTURE_*. */
  next(): number {
    return this.#parser.next();
  }
}
