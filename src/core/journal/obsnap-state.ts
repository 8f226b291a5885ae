import { ByteWindow } from '../binary/byte-window.ts';
import { Market } from '../book/market.ts';
import { stateHash } from '../book/state-hash.ts';
import { EventBatch } from '../event/batch.ts';
import { Dictionary } from '../event/dictionary.ts';
import type { BookRules } from '../event/rules.ts';
import type { Disk } from './disk.ts';
import type { SourceSum } from './image-payload.ts';
import { isObsnap } from './obsnap-layout.ts';
import { OBSNAP_END, OBSNAP_FULL, OBSNAP_MORE, ObsnapReader } from './obsnap-reader.ts';

const WINDOW_BYTES = 1 << 16;
/** Ids are unique in the whole file, and orders are only added. */
const RULES: BookRules = {
  idScope: 'source',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

/** What a snapshot of an older engine tells of its place in a journal. */
export interface ObsnapState {
  readonly sums: readonly SourceSum[];
  /** Bus cursor that comes next, null = none. */
  readonly cursor: bigint | null;
}

/** @returns what is wrong with the snapshot as text; null where the file is none. */
export function readObsnapState(disk: Disk, path: string): ObsnapState | string | null {
  const file = disk.open(path, 'read');
  try {
    const head = new Uint8Array(16);
    if (!isObsnap(head.subarray(0, file.read(head, 0)))) return null;
    const window = new ByteWindow(WINDOW_BYTES);
    const dictionary = new Dictionary();
    const market = new Market(RULES, dictionary);
    const reader = new ObsnapReader(window, dictionary);
    const batch = new EventBatch();
    for (let at = 0; ; ) {
      const answer = reader.fill(batch, batch.capacity);
      market.apply(batch);
      batch.count = 0;
      if (answer === OBSNAP_END) break;
      if (answer === OBSNAP_FULL) continue;
      if (answer !== OBSNAP_MORE) return `damaged at byte ${reader.problemOffset}: ${reader.problem}`;
      const read = file.read(window.room(), at);
      window.commit(read);
      at += read;
      window.ended = at >= file.bytes;
    }
    return { sums: [{ source: 0, ...stateHash(market) }], cursor: reader.cursor };
  } finally {
    file.close();
  }
}
