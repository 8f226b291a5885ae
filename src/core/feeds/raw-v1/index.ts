import type { Feed } from '../feed.ts';
import { RawV1Decoder } from './decoder.ts';
import { RawV1Describer } from './describer.ts';
import { isRawV1 } from './detect.ts';
import { PRICE_SCALE, QUANTITY_SCALE, TYPE_COUNT, typeName } from './layout.ts';

const NAME = 'raw-v1';

/** Frames of an order-by-order feed as WebSocket servers send them, read from a recording or from a server. */
export const rawV1: Feed = {
  name: NAME,
  title: 'raw-v1 order-by-order frames',
  specification: 'raw-v1, headers of 48 and of 40 bytes',
  framings: ['raw-v1'],
  rules: {
    idScope: 'book',
    groupScope: 'book',
    modifyUnknown: 'ignore',
    replaceUnknown: 'ignore',
    modifyPriority: 'lost',
    modifyIsSideless: true,
  },
  priceScale: PRICE_SCALE,
  quantityScale: QUANTITY_SCALE,
  midnightZone: null,
  sessionEvent: 'session',
  typeCount: TYPE_COUNT,
  typeName,
  detectStream: (head) => (isRawV1(head) ? 'raw-v1' : null),
  describer: () => new RawV1Describer(),
  streamDecoder: (options) => new RawV1Decoder(NAME, options),
};
