import { dearer, faster, from, type Profile } from '../profile.ts';

const apply = from(() => import('../workloads/apply.ts'));

/** The books alone. */
export const BOOKS_PROFILES: readonly Profile[] = [
  {
    name: 'apply-10k',
    title: 'apply records to books with 10,000 live orders',
    unit: 'event',
    against: faster('object-book-10k'),
    make: apply(({ applyToMarket }, options) => applyToMarket(options, 10_000, 'touch')),
  },
  {
    name: 'object-book-10k',
    title: 'the same records, a book of Maps and objects',
    unit: 'event',
    against: null,
    make: apply(({ applyToObjects }, options) => applyToObjects(options, 10_000, 'touch')),
  },
  {
    name: 'apply-100k',
    title: 'apply records to books with 100,000 live orders',
    unit: 'event',
    against: faster('object-book-100k'),
    make: apply(({ applyToMarket }, options) => applyToMarket(options, 100_000, 'touch')),
  },
  {
    name: 'object-book-100k',
    title: 'the same records, a book of Maps and objects',
    unit: 'event',
    against: null,
    make: apply(({ applyToObjects }, options) => applyToObjects(options, 100_000, 'touch')),
  },
  {
    name: 'apply-1m',
    title: 'apply records to books with 1,000,000 live orders',
    unit: 'event',
    against: faster('object-book-1m'),
    make: apply(({ applyToMarket }, options) => applyToMarket(options, 1_000_000, 'touch')),
  },
  {
    name: 'object-book-1m',
    title: 'the same records, a book of Maps and objects',
    unit: 'event',
    against: null,
    make: apply(({ applyToObjects }, options) => applyToObjects(options, 1_000_000, 'touch')),
  },
  {
    name: 'churn',
    title: 'the touch made and emptied with every pair of records',
    unit: 'event',
    against: dearer('apply-100k'),
    make: apply(({ applyToMarket }, options) => applyToMarket(options, 100_000, 'churn')),
  },
  {
    name: 'clusters',
    title: 'records in two price clusters a million ticks apart',
    unit: 'event',
    against: dearer('apply-100k'),
    make: apply(({ applyToMarket }, options) => applyToMarket(options, 100_000, 'clusters')),
  },
];
