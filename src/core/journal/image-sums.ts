import { Fnv64 } from '../binary/fnv64.ts';
import { hashBook, isPlain } from '../book/state-hash.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { PublicId } from '../event/public-id.ts';
import { SIDE_ASK, SIDE_BID } from '../event/record.ts';
import { IMAGE_ASK, IMAGE_LEVEL, IMAGE_MARKS, type SourceSum } from './image-payload.ts';
import { IMAGE_RECORD_WORDS } from './image-records.ts';

/** What of the rules decides the sums of an image. */
export interface ImageShape {
  /** How many sources there are; each channel is one of its own, or all are source 0. */
  readonly sources: number;
  readonly perChannel: boolean;
  /** Ids are unique on one side of a book only: orders are known by another number outside. */
  readonly hasSideIds: boolean;
}

/** The records of one book: words `from` … `to − 1`, marks left out. */
interface BookPart {
  readonly definition: BookDefinition;
  readonly isLevels: boolean;
  readonly from: number;
  to: number;
}

/** The state hash of every source, from the records of an image: what `stateHash` makes of the books themselves. */
export function sumsOfImage(
  words: Int32Array,
  records: number,
  books: readonly BookDefinition[],
  shape: ImageShape,
): SourceSum[] {
  const parts: BookPart[][] = Array.from({ length: shape.sources }, () => []);
  let last = null as BookPart | null;
  for (let at = 0; at < records * IMAGE_RECORD_WORDS; at += IMAGE_RECORD_WORDS) {
    const flags = words[at + 1]!;
    if ((flags & IMAGE_MARKS) !== 0) continue;
    const definition = books[words[at]!]!;
    if (last?.definition !== definition) {
      last = { definition, isLevels: (flags & IMAGE_LEVEL) !== 0, from: at, to: at };
      parts[shape.perChannel ? definition.channel : 0]!.push(last);
    }
    last.to = at + IMAGE_RECORD_WORDS;
  }
  return parts.map((ofSource, source) => ({ source, ...sumOf(words, ofSource, shape) }));
}

function sumOf(
  words: Int32Array,
  parts: readonly BookPart[],
  { hasSideIds }: ImageShape,
): Pick<SourceSum, 'version' | 'hash'> {
  const isVersion1 = parts.every(({ isLevels, definition }) => isPlain(definition, isLevels ? 1 : 0));
  const version = isVersion1 ? 1 : 2;
  const fnv = new Fnv64();
  const publicId = hasSideIds ? new PublicId() : null;
  fnv.u32(version);
  fnv.integer(parts.length);
  for (const { definition, isLevels, from, to } of parts) {
    const { instrument } = definition;
    hashBook(fnv, version, definition, isLevels ? 1 : 0, (to - from) / IMAGE_RECORD_WORDS);
    for (let at = from; at < to; at += IMAGE_RECORD_WORDS) {
      const isAsk = (words[at + 1]! & IMAGE_ASK) !== 0;
      if (publicId === null || isLevels) fnv.u64(words[at + 3]!, words[at + 2]!);
      else {
        publicId.hash(instrument, isAsk, words[at + 3]!, words[at + 2]!);
        fnv.u64(publicId.high, publicId.low);
      }
      fnv.u64(words[at + 5]!, words[at + 4]!);
      fnv.u64(words[at + 7]!, words[at + 6]!);
      fnv.byte(isAsk ? SIDE_ASK : SIDE_BID);
    }
  }
  return { version, hash: fnv.value };
}
