import type { Workload, WorkloadOptions } from './workload.ts';
import { applyToMarket, applyToObjects } from './workloads/apply.ts';

/** How a profile stands to another one of the same run. */
export interface Comparison {
  readonly profile: string;
  /** `speed`: how many times as fast as the other; `cost`: how many times its time per unit. */
  readonly as: 'speed' | 'cost';
  /** Both handle the same events, so both must end with the same books. */
  readonly sameBooks: boolean;
}

/** One thing to measure. */
export interface Profile {
  readonly name: string;
  readonly title: string;
  /** What is counted: `event`, `message`, … */
  readonly unit: string;
  readonly against: Comparison | null;
  /** Builds what runs in a process of its own; null: the whole program is started instead. */
  readonly make: ((options: WorkloadOptions) => Workload) | null;
}

const faster = (profile: string): Comparison => ({ profile, as: 'speed', sameBooks: true });
const dearer = (profile: string): Comparison => ({ profile, as: 'cost', sameBooks: false });

/** All profiles, in the order in which they are run and reported. */
export const PROFILES: readonly Profile[] = [
  {
    name: 'apply-10k',
    title: 'apply records to books with 10,000 live orders',
    unit: 'event',
    against: faster('object-book-10k'),
    make: (options) => applyToMarket(options, 10_000, 'touch'),
  },
  {
    name: 'object-book-10k',
    title: 'the same records, a book of Maps and objects',
    unit: 'event',
    against: null,
    make: (options) => applyToObjects(options, 10_000, 'touch'),
  },
  {
    name: 'apply-100k',
    title: 'apply records to books with 100,000 live orders',
    unit: 'event',
    against: faster('object-book-100k'),
    make: (options) => applyToMarket(options, 100_000, 'touch'),
  },
  {
    name: 'object-book-100k',
    title: 'the same records, a book of Maps and objects',
    unit: 'event',
    against: null,
    make: (options) => applyToObjects(options, 100_000, 'touch'),
  },
  {
    name: 'apply-1m',
    title: 'apply records to books with 1,000,000 live orders',
    unit: 'event',
    against: faster('object-book-1m'),
    make: (options) => applyToMarket(options, 1_000_000, 'touch'),
  },
  {
    name: 'object-book-1m',
    title: 'the same records, a book of Maps and objects',
    unit: 'event',
    against: null,
    make: (options) => applyToObjects(options, 1_000_000, 'touch'),
  },
  {
    name: 'churn',
    title: 'the touch made and emptied with every pair of records',
    unit: 'event',
    against: dearer('apply-100k'),
    make: (options) => applyToMarket(options, 100_000, 'churn'),
  },
  {
    name: 'clusters',
    title: 'records in two price clusters a million ticks apart',
    unit: 'event',
    against: dearer('apply-100k'),
    make: (options) => applyToMarket(options, 100_000, 'clusters'),
  },
  {
    name: 'replay',
    title: 'the whole mdx replay of an ITCH capture, start and report included',
    unit: 'message',
    against: null,
    make: null,
  },
];

export function profileNamed(name: string): Profile | undefined {
  return PROFILES.find((profile) => profile.name === name);
}
