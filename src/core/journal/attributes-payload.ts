import { getU64 } from './frame.ts';
import type { AttributesEntry, VenueEntry } from './payload.ts';

/*
 * Reads the frames of what events carry besides their records, as opaque bytes; payload.ts writes and draws them. Attributes
 * stand in front of the first event that names their handle, venue bytes behind the frame of their event.
 */

const ATTRIBUTES_HEAD = 8;
const VENUE_HEAD = 16;

/** The entries of a payload, their bytes being those of the view. @returns what is wrong as text where it cannot be read. */
export function readAttributes(
  view: DataView<ArrayBuffer>,
  at: number,
  length: number,
  records: number,
): AttributesEntry[] | string {
  const found: AttributesEntry[] = [];
  const problem = walk(view, at, length, records, ATTRIBUTES_HEAD, (entry, bytes) => {
    found.push({ handle: view.getUint32(entry, true), bytes });
  });
  if (problem !== null) return problem;
  return found.some(({ handle }) => handle === 0) ? 'attributes without a handle' : found;
}

/** The same of venue bytes. */
export function readVenue(
  view: DataView<ArrayBuffer>,
  at: number,
  length: number,
  records: number,
): VenueEntry[] | string {
  const found: VenueEntry[] = [];
  const problem = walk(view, at, length, records, VENUE_HEAD, (entry, bytes) => {
    found.push({ event: getU64(view, entry), type: view.getUint32(entry + 8, true), bytes });
  });
  return problem ?? found;
}

/** Goes through entries whose count of bytes ends their head. @returns what is wrong, or null. */
function walk(
  view: DataView<ArrayBuffer>,
  at: number,
  length: number,
  records: number,
  head: number,
  take: (entry: number, bytes: Uint8Array) => void,
): string | null {
  const end = at + length;
  let next = at;
  let entries = 0;
  while (next < end) {
    const bytes = end - next < head ? length : view.getUint32(next + head - 4, true);
    if (bytes > end - next - head) return 'an entry that is longer than its frame';
    take(next, new Uint8Array(view.buffer, view.byteOffset + next + head, bytes));
    next += Math.ceil((head + bytes) / 8) * 8;
    entries += 1;
  }
  return entries === records ? null : `${entries} entries, ${records} are said`;
}
