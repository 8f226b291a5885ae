import { asFast, from, type Profile } from '../profile.ts';

const packets = from(() => import('../workloads/packets.ts'));
const dbn = from(() => import('../workloads/dbn.ts'));
const convert = from(() => import('../workloads/convert.ts'));
const captureWalk = from(() => import('../workloads/capture-walk.ts'));
const stateHash = from(() => import('../workloads/state-hash.ts'));

/** Bytes of feeds and captures to events, books and rows, up to the whole replay. */
export const FEEDS_PROFILES: readonly Profile[] = [
  {
    name: 'decode-itch',
    title: 'MoldUDP64 packets of ITCH in memory to event records',
    unit: 'message',
    against: null,
    make: packets(({ decodePackets, ITCH }, options) => decodePackets(ITCH, options, false)),
  },
  {
    name: 'itch-apply',
    title: 'the same packets to event records to books with 100,000 live orders',
    unit: 'message',
    against: null,
    make: packets(({ decodePackets, ITCH }, options) => decodePackets(ITCH, options, true)),
  },
  {
    name: 'decode-eobi',
    title: 'T7 packets of EOBI in memory to event records',
    unit: 'message',
    against: asFast('decode-itch'),
    make: packets(({ decodePackets, EOBI }, options) => decodePackets(EOBI, options, false)),
  },
  {
    name: 'eobi-apply',
    title: 'the same packets to event records to books with 100,000 live orders',
    unit: 'message',
    against: asFast('itch-apply'),
    make: packets(({ decodePackets, EOBI }, options) => decodePackets(EOBI, options, true)),
  },
  {
    name: 'decode-fast-like',
    title: 'FAST-like packets in memory to event records',
    unit: 'message',
    against: asFast('decode-itch'),
    make: packets(({ decodePackets, FAST_LIKE }, options) => decodePackets(FAST_LIKE, options, false)),
  },
  {
    name: 'fast-like-apply',
    title: 'the same packets to event records to books with 100,000 live orders',
    unit: 'message',
    against: asFast('itch-apply'),
    make: packets(({ decodePackets, FAST_LIKE }, options) => decodePackets(FAST_LIKE, options, true)),
  },
  {
    name: 'decode-dbn',
    title: 'DBN mbo records in memory to event records',
    unit: 'record',
    against: null,
    make: dbn(({ decodeDbn }, options) => decodeDbn(options, false)),
  },
  {
    name: 'dbn-apply',
    title: 'the same to books, crossed ones counted at the end of every group',
    unit: 'record',
    against: null,
    make: dbn(({ decodeDbn }, options) => decodeDbn(options, true)),
  },
  {
    name: 'convert-ndjson',
    title: 'DBN mbo records in memory to books and a line of JSON for every event',
    unit: 'record',
    against: null,
    make: convert(({ convertDbn }, options) => convertDbn(options, 'ndjson')),
  },
  {
    name: 'convert-csv',
    title: 'the same to lines of CSV',
    unit: 'record',
    against: null,
    make: convert(({ convertDbn }, options) => convertDbn(options, 'csv')),
  },
  {
    name: 'convert-parquet',
    title: 'the same to a Parquet file',
    unit: 'record',
    against: null,
    make: convert(({ convertDbn }, options) => convertDbn(options, 'parquet')),
  },
  {
    name: 'decode-mbp10',
    title: 'DBN mbp-10 records in memory to event records of what changed',
    unit: 'record',
    against: null,
    make: dbn(({ decodeMbp10 }, options) => decodeMbp10(options)),
  },
  {
    name: 'capture-walk',
    title: 'a pcap file in memory to UDP payloads',
    unit: 'packet',
    against: null,
    make: captureWalk(({ captureWalk }, options) => captureWalk(options)),
  },
  {
    name: 'state-hash',
    title: 'the canonical hash of books with 100,000 live orders',
    unit: 'order',
    against: null,
    make: stateHash(({ hashBooks }, options) => hashBooks(options)),
  },
  {
    name: 'steady-state',
    title: 'ITCH packets to books without end: heap growth and garbage collections',
    unit: 'message',
    against: null,
    make: packets(({ steadyPackets, ITCH }, options) => steadyPackets(ITCH, options)),
  },
  {
    name: 'replay',
    title: 'the whole mdx replay of an ITCH capture, start and report included',
    unit: 'message',
    against: null,
    make: null,
  },
];
