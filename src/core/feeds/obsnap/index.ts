import type { Feed } from '../feed.ts';

/** What books have that began with a snapshot file of an older engine: orders whose ids are unique in it. */
export const obsnap: Feed = {
  name: 'obsnap',
  title: 'snapshot files OBSNAP',
  specification: 'versions 1 and 2; orders only, no feed behind them',
  framings: ['obsnap'],
  rules: {
    idScope: 'source',
    groupScope: 'book',
    modifyUnknown: 'ignore',
    replaceUnknown: 'ignore',
    modifyPriority: 'lost',
  },
  priceScale: 0,
  quantityScale: 0,
  midnightZone: null,
  typeCount: 0,
  typeName: () => '',
};
