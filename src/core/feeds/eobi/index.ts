import type { BookRules } from '../../event/rules.ts';
import type { Feed } from '../feed.ts';
import { EobiDecoders } from './decoder.ts';
import { EobiDescriber } from './describer.ts';
import { detectPacket } from './detect.ts';
import { PRICE_SCALE, RELEASES, type ReleaseName } from './layout.ts';
import { TYPE_COUNT, typeName } from './message-table.ts';
import { EobiTransport, partitionOf } from './transport.ts';

/** An order is known by instrument, side and time priority; a modification takes a new priority (specification, order book). */
const RULES: BookRules = {
  idScope: 'bookSide',
  groupScope: 'source',
  modifyUnknown: 'ignore',
  replaceUnknown: 'add',
  modifyPriority: 'lost',
  clearRestores: true,
};

/** The PacketHeader has one TemplateID per release, and several releases share it. */
const ANY_HEADER: readonly number[] = [13000, 13001, 13002, 13003, 13004, 13005];

/** Eurex T7 Enhanced Order Book Interface, one feed per release whose messages differ. */
export const eobiReleases: readonly Feed[] = [
  eobi('14.1', 'Eurex T7 EOBI, releases 13.1 to 14.1', ANY_HEADER),
  eobi('6.0', 'Eurex T7 EOBI, release 6.0', [13002]),
  eobi('6.0-2014', 'Eurex T7 EOBI, release of 2014', [13002]),
  eobi('3.0', 'Eurex T7 EOBI, release 3.0', [13004]),
];

function eobi(releaseName: ReleaseName, title: string, headerIds: readonly number[]): Feed {
  const name = `eobi-${releaseName}`;
  const release = RELEASES[releaseName];
  return {
    name,
    title,
    specification: `Eurex T7 EOBI ${releaseName}`,
    framings: ['t7-packet'],
    rules: RULES,
    priceScale: PRICE_SCALE,
    quantityScale: release.quantityScale,
    midnightZone: null,
    typeCount: TYPE_COUNT,
    typeName,
    detectDatagram: (datagram) => detectPacket(datagram, release, headerIds),
    subchannelOf: partitionOf,
    sessionEvent: 'reset',
    numbersByProduct: true,
    hasSnapshots: true,
    describer: () => new EobiDescriber(release),
    transport: () => new EobiTransport(),
    packetDecoders: (targets, snapshots = { expected: false, required: false }) =>
      new EobiDecoders(name, release, targets, snapshots),
  };
}
