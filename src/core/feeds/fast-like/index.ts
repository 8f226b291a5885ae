import type { Feed } from '../feed.ts';
import { FastLikeDecoder } from './decoder.ts';
import { FastLikeDescriber } from './describer.ts';
import { detectFastLikeDatagram } from './detect.ts';
import { SCALE, TEMPLATE_TRADE, typeName } from './layout.ts';
import { FastLikeTransport } from './transport.ts';

const NAME = 'fast-like';

/** A small format of its own that borrows its words from FAST: orders and trades in varints. */
export const fastLike: Feed = {
  name: NAME,
  title: 'FAST-like varints',
  specification: 'varints and presence maps of its own; no byte of FAST 1.1',
  framings: ['fast-like'],
  rules: {
    idScope: 'source',
    groupScope: 'book',
    modifyUnknown: 'ignore',
    replaceUnknown: 'ignore',
    modifyPriority: 'lost',
  },
  priceScale: SCALE,
  quantityScale: SCALE,
  midnightZone: null,
  typeCount: TEMPLATE_TRADE + 1,
  typeName,
  detectDatagram: detectFastLikeDatagram,
  describer: () => new FastLikeDescriber(),
  transport: () => new FastLikeTransport(),
  packetDecoders(targets) {
    return { open: (channel) => new FastLikeDecoder(NAME, { ...targets, ...channel }) };
  },
};
