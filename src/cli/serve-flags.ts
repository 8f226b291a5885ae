import * as Flags from '@oclif/core/flags';
import type { BooleanFlag, FlagInput, OptionFlag } from '@oclif/core/interfaces';
import { setFlag } from './config-flags.ts';
import { dateFlag, durationFlag, feedFlag, instrumentsFlag, speedFlag, startFlag } from './flags.ts';
import { journalFlags } from './journal-flags.ts';
import { pendingCapFlag, recoveryFlags, windowFlag } from './merge-flags.ts';
import { lineFlag, receiveFlags, snapshotGroupFlag } from './rx-flags.ts';
import { tokenFileFlag } from './token.ts';

/*
 * Flags of `mdx serve`. They are read as text, by the key of the configuration that names them, so that a flag, a
 * variable and a line of the file are judged alike; `--set` reaches the keys that have no flag.
 */

export const configFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'configuration, TOML (docs/configuration.md); flags and environment stand above it',
  helpValue: 'FILE',
});

/** A text that the configuration judges. */
function said(summary: string, helpValue: string): OptionFlag<string | undefined> {
  return Flags.string({ summary, helpValue });
}

function isSaid(summary: string): BooleanFlag<boolean> {
  return Flags.boolean({ summary });
}

export const serveFlags: FlagInput = {
  config: configFlag,
  set: setFlag,
  line: lineFlag,
  snapshot: snapshotGroupFlag,
  feed: feedFlag,
  speed: speedFlag,
  date: dateFlag,
  instruments: instrumentsFlag,
  'token-file': tokenFileFlag,
  journal: said('directory of the journal; it is gone on with where there is one', 'DIR'),
  http: said('address of the API, health, metrics and event streams [127.0.0.1:8080]', 'HOST:PORT'),
  'raw-v1-a': said('endpoint A of the raw-v1 feed, or none [127.0.0.1:9081]', 'HOST:PORT'),
  'raw-v1-b': said('endpoint B of the raw-v1 feed, or none [127.0.0.1:9082]', 'HOST:PORT'),
  'raw-v1-price': said("prices of raw-v1: native, the feed's integers, or e8", 'FORM'),
  ingest: said('address where senders of events connect', 'HOST:PORT'),
  'ingest-threads': said('threads that read the senders of events', 'COUNT'),
  tokens: said('file with who may come in, one NAME:TOKEN a line', 'FILE'),
  insecure: isSaid('other machines may come in without a token'),
  'no-storage': isSaid('only the event stream and health: no books, no journal, no raw-v1'),
  'stale-ready': said('books that may be stale while /ready is still true [0]', 'COUNT'),
  'log-level': said('what is told: trace, debug, info, warn, error, silent [info]', 'LEVEL'),
  'log-format': said('lines for people (text), or one JSON document each (json)', 'FORM'),
  ...receiveFlags,
  start: startFlag,
  'gap-timeout': durationFlag(
    'gap-timeout',
    'how long a missing range is waited for before it is reported',
    50_000_000,
    '50ms',
  ),
  window: windowFlag,
  'pending-cap': pendingCapFlag,
  ...recoveryFlags,
  ...journalFlags,
};
