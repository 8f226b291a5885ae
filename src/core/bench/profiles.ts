import type { Profile } from './profile.ts';
import { BOOKS_PROFILES } from './profiles/books.ts';
import { FEEDS_PROFILES } from './profiles/feeds.ts';
import { JOURNALS_PROFILES } from './profiles/journals.ts';
import { RECEIVING_PROFILES } from './profiles/receiving.ts';
import { SERVING_PROFILES } from './profiles/serving.ts';

/** All profiles, in the order in which they are run and reported. */
export const PROFILES: readonly Profile[] = [
  ...BOOKS_PROFILES,
  ...FEEDS_PROFILES,
  ...RECEIVING_PROFILES,
  ...JOURNALS_PROFILES,
  ...SERVING_PROFILES,
];

export function profileNamed(name: string): Profile | undefined {
  return PROFILES.find((profile) => profile.name === name);
}

const startingWith = (...starts: readonly string[]): readonly string[] =>
  PROFILES.filter(({ name }) => starts.some((start) => name.startsWith(start))).map(({ name }) => name);

/** Names that stand for several profiles. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  serve: startingWith('engine-', 'serve-', 'sse-', 'idle-'),
  fanout: startingWith('fanout-'),
  journal: startingWith('journal-'),
  ingest: startingWith('ingest-'),
  rx: startingWith('rx-'),
};
