import type { Feed } from '../feed.ts';
import { ItchDescriber } from './describer.ts';
import { detectMessageStream, detectMoldDatagram } from './detect.ts';
import { PRICE_SCALE, SHARES_SCALE, TYPE_COUNT, typeName } from './layout.ts';
import { LengthPrefixedDecoder } from './length-prefixed.ts';
import { MoldTransport } from './mold-transport.ts';
import { MoldDecoder } from './moldudp64.ts';
import { SoupDecoder } from './soupbintcp.ts';

const NAME = 'itch-5.0';

/** Nasdaq TotalView-ITCH 5.0 of Nasdaq, BX and PSX: every displayed order of US equities. */
export const itch: Feed = {
  name: NAME,
  title: 'Nasdaq TotalView-ITCH 5.0',
  specification: 'Nasdaq TotalView-ITCH 5.0; MoldUDP64, SoupBinTCP, files of length-prefixed messages',
  framings: ['moldudp64', 'soupbintcp', 'length-prefixed'],
  rules: {
    idScope: 'source',
    groupScope: 'book',
    modifyUnknown: 'ignore',
    replaceUnknown: 'ignore',
    modifyPriority: 'lost',
  },
  priceScale: PRICE_SCALE,
  quantityScale: SHARES_SCALE,
  midnightZone: 'America/New_York',
  typeCount: TYPE_COUNT,
  typeName,
  detectDatagram: detectMoldDatagram,
  detectStream: detectMessageStream,
  transport: () => new MoldTransport(),
  packetDecoders(targets) {
    return { open: (channel) => new MoldDecoder(NAME, { ...targets, ...channel }) };
  },
  describer: () => new ItchDescriber(),
  streamDecoder(options, framing) {
    return framing === 'soupbintcp'
      ? new SoupDecoder(NAME, options)
      : new LengthPrefixedDecoder(NAME, options);
  },
};
