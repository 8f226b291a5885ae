import type { Feed } from '../feed.ts';
import { DbnDecoder } from './decoder.ts';
import { DbnDescriber } from './describer.ts';
import { PRICE_SCALE, SIZE_SCALE } from './layout.ts';
import { TYPE_COUNT, typeName } from './message-types.ts';

const NAME = 'dbn';
/** Versions above the known ones are recognised, so that the error can name them; text that begins with DBN is not. */
const DETECTED_VERSION_MAX = 31;

/** Databento Binary Encoding: records of every schema, orders to bars, as files, pipes and downloads carry them. */
export const dbn: Feed = {
  name: NAME,
  aliases: ['dbn-mbo'],
  title: 'Databento Binary Encoding',
  specification: 'DBN versions 1 to 3',
  framings: ['dbn'],
  rules: {
    idScope: 'book',
    groupScope: 'book',
    modifyUnknown: 'add',
    replaceUnknown: 'ignore',
    modifyPriority: 'keptUnlessBetter',
    clearRestores: true,
  },
  priceScale: PRICE_SCALE,
  quantityScale: SIZE_SCALE,
  midnightZone: null,
  typeCount: TYPE_COUNT,
  typeName,
  detectStream(head) {
    const magic = head[0] === 0x44 && head[1] === 0x42 && head[2] === 0x4e;
    return magic && head[3] >= 1 && head[3] <= DETECTED_VERSION_MAX ? 'dbn' : null;
  },
  describer(head) {
    if (head === null) throw new TypeError('DBN records are described by the version of their metadata');
    return new DbnDescriber(head);
  },
  streamDecoder(options) {
    return new DbnDecoder(options, NAME);
  },
};
