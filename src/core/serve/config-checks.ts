import type { Check } from '../config/cross-checks.ts';
import { nearest } from '../config/nearest.ts';
import { MdxError } from '../errors.ts';
import { FEEDS } from '../feeds/registry.ts';
import { lineSpecsOf } from './line-specs.ts';

/** What a configuration has to agree with beyond its own keys: the feeds there are, and how lines are received. */
export const SERVE_CHECKS: readonly Check[] = [
  {
    keys: ['source.feed'],
    problem: ({ source: { feed } }) => {
      const names = FEEDS.map(({ name }) => name);
      if (feed === null || names.includes(feed)) return null;
      if (FEEDS.some(({ aliases }) => aliases?.includes(feed) === true)) return null;
      const near = nearest(feed, names);
      return {
        message: `source.feed = "${feed}": there is no such feed`,
        hint: near === null ? `Known are ${names.join(', ')}.` : `Did you mean ${near}?`,
      };
    },
  },
  {
    keys: ['source.inputs'],
    problem: ({ source: { inputs } }) => {
      const line = inputs.find((input) => input.startsWith('udp://'));
      return line === undefined
        ? null
        : {
            message: `${line} is a group of a line, not an input`,
            hint: `Say lines.a, or --line A=${line}.`,
          };
    },
  },
  {
    keys: ['lines.a', 'lines.b', 'lines.snapshot'],
    problem: (config) => {
      try {
        lineSpecsOf(config);
        return null;
      } catch (error) {
        if (!(error instanceof MdxError)) throw error;
        return { message: error.message, hint: error.hint ?? 'docs/receive.md has the options of a line.' };
      }
    },
  },
];
