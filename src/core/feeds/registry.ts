import { dbn } from './dbn/index.ts';
import { eobiReleases } from './eobi/index.ts';
import { fastLike } from './fast-like/index.ts';
import type { Feed } from './feed.ts';
import { itch } from './itch/index.ts';
import { obsnap } from './obsnap/index.ts';
import { rawV1 } from './raw-v1/index.ts';

/** Every feed mdx can read, in the order `mdx feeds` lists them. */
export const FEEDS: readonly Feed[] = [itch, ...eobiReleases, dbn, fastLike, rawV1, obsnap];
