import type { CaptureInterface } from './captured-packet.ts';
import { TimeUnit } from './time-unit.ts';

/** Longest interface text that is kept, bytes. */
const TEXT_BYTES_MAX = 4096;
/** Unit of an interface that names none: microseconds. */
const RESOLUTION_DEFAULT = 6;

const OPTION_END = 0;
const OPTION_NAME = 2;
const OPTION_DESCRIPTION = 3;
const OPTION_RESOLUTION = 9;
const OPTION_FCS_LENGTH = 13;
const OPTION_TIME_OFFSET = 14;

/** One interface description block. */
export interface PcapngInterface extends CaptureInterface {
  readonly timeUnit: TimeUnit;
  /** Times are ns since 1970 as they stand. */
  readonly isPlainNs: boolean;
}

/**
 * Reads an interface description block, 16 bytes and options:
 *
 *     8 u16 link type · 10 u16 0 · 12 u32 snap length · 16 options: u16 code · u16 length · value padded to 4
 *
 * @param at start of the block; @param end where its options end at the latest.
 * @returns the interface, or what is wrong with it.
 */
export function readInterface(
  view: DataView<ArrayBuffer>,
  at: number,
  end: number,
  littleEndian: boolean,
): PcapngInterface | string {
  let name: string | null = null;
  let description: string | null = null;
  let resolution = RESOLUTION_DEFAULT;
  let fcsLength = 0;
  let timeOffset = 0n;
  let next = at + 16;
  while (end - next >= 4) {
    const code = view.getUint16(next, littleEndian);
    const length = view.getUint16(next + 2, littleEndian);
    const value = next + 4;
    if (code === OPTION_END) break;
    if (length > end - value)
      return `option ${code} of ${length} bytes in an interface block with ${end - value} left`;
    if (code === OPTION_NAME) name = text(view, value, length);
    else if (code === OPTION_DESCRIPTION) description = text(view, value, length);
    else if (code === OPTION_RESOLUTION && length >= 1) resolution = view.getUint8(value);
    else if (code === OPTION_FCS_LENGTH && length >= 1) fcsLength = view.getUint8(value);
    else if (code === OPTION_TIME_OFFSET && length >= 8) timeOffset = view.getBigInt64(value, littleEndian);
    next = value + ((length + 3) & ~3);
  }
  return {
    linkType: view.getUint16(at + 8, littleEndian),
    snapLength: view.getUint32(at + 12, littleEndian),
    fcsLength,
    name,
    description,
    timeUnit: new TimeUnit(resolution, timeOffset),
    isPlainNs: resolution === 9 && timeOffset === 0n,
  };
}

/** Strings may be ended by a NUL, which is not part of them. */
function text(view: DataView<ArrayBuffer>, at: number, length: number): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset + at, Math.min(length, TEXT_BYTES_MAX));
  const nul = bytes.indexOf(0);
  return bytes.toString('utf8', 0, nul < 0 ? bytes.length : nul);
}
