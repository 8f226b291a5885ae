import type { CaptureInterface, SeenStatistics } from './captured-packet.ts';
import { parseInterfaceDescription } from './pipe-interface.ts';
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
const STATISTICS_RECEIVED = 4;
const STATISTICS_INTERFACE_DROPPED = 5;
const STATISTICS_SYSTEM_DROPPED = 7;
const STATISTICS_DELIVERED = 8;
const TWO_32 = 4294967296;

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
    pipe: parseInterfaceDescription(description),
    timeUnit: new TimeUnit(resolution, timeOffset),
    isPlainNs: resolution === 9 && timeOffset === 0n,
  };
}

/**
 * Reads an interface statistics block, 8 u32 interface · 12 u32 time high · 16 u32 time low · 20 options, into
 * `statistics`. Options that make no sense end the reading, they cost no packet.
 */
export function readStatistics(
  statistics: SeenStatistics,
  from: PcapngInterface,
  view: DataView<ArrayBuffer>,
  at: number,
  end: number,
  littleEndian: boolean,
): void {
  from.timeUnit.convert(view.getInt32(at + 12, littleEndian), view.getInt32(at + 16, littleEndian));
  statistics.timeHigh = from.timeUnit.high;
  statistics.timeLow = from.timeUnit.low;
  statistics.received = -1;
  statistics.interfaceDropped = -1;
  statistics.systemDropped = -1;
  statistics.delivered = -1;
  let next = at + 20;
  while (end - next >= 12) {
    const code = view.getUint16(next, littleEndian);
    const length = view.getUint16(next + 2, littleEndian);
    if (code === OPTION_END || length > end - next - 4) break;
    if (length === 8) {
      const low = view.getUint32(next + (littleEndian ? 4 : 8), littleEndian);
      const value = view.getUint32(next + (littleEndian ? 8 : 4), littleEndian) * TWO_32 + low;
      if (code === STATISTICS_RECEIVED) statistics.received = value;
      else if (code === STATISTICS_INTERFACE_DROPPED) statistics.interfaceDropped = value;
      else if (code === STATISTICS_SYSTEM_DROPPED) statistics.systemDropped = value;
      else if (code === STATISTICS_DELIVERED) statistics.delivered = value;
    }
    next += 4 + ((length + 3) & ~3);
  }
}

/** Strings may be ended by a NUL, which is not part of them. */
function text(view: DataView<ArrayBuffer>, at: number, length: number): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset + at, Math.min(length, TEXT_BYTES_MAX));
  const nul = bytes.indexOf(0);
  return bytes.toString('utf8', 0, nul < 0 ? bytes.length : nul);
}
