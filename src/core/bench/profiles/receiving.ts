import { dearer, from, type Profile } from '../profile.ts';

const handOff = from(() => import('../workloads/hand-off.ts'));
const merge = from(() => import('../workloads/merge.ts'));
const receive = from(() => import('../workloads/receive.ts'));
const ringWalk = from(() => import('../workloads/ring-walk.ts'));
const ingest = from(() => import('../workloads/ingest.ts'));

/** From the network to the engine. */
export const RECEIVING_PROFILES: readonly Profile[] = [
  {
    name: 'ring',
    title: 'packets of 64 bytes from one thread to another in bursts of 32',
    unit: 'packet',
    against: null,
    make: handOff(({ handOff }, options) => handOff(options)),
  },
  {
    name: 'merge',
    title: 'two lines of MoldUDP64 in memory, 5 % lost on each and cut differently, to one that is cut anew',
    unit: 'packet',
    against: null,
    make: merge(({ mergeLines }, options) => mergeLines(options)),
  },
  {
    name: 'rx-dgram',
    title: 'datagrams of 64 bytes into the pool: the receiving thread with the sockets of Node',
    unit: 'packet',
    against: null,
    make: receive(({ receive }, options) => receive(options, 'dgram')),
  },
  {
    name: 'rx-mmsg',
    title: 'the same with recvmmsg',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: receive(({ receive }, options) => receive(options, 'mmsg')),
  },
  {
    name: 'rx-ring-v3',
    title: 'the same with a packet ring of version 3',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: receive(({ receive }, options) => receive(options, 'ring-v3')),
  },
  {
    name: 'rx-ring-walk',
    title: 'the same frames in memory as such a ring has them, without the kernel',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: ringWalk(({ walkRing }, options) => walkRing(options)),
  },
  {
    name: 'rx-ring-v2',
    title: 'the same with a packet ring of version 2',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: receive(({ receive }, options) => receive(options, 'ring-v2')),
  },
  {
    name: 'rx-xdp',
    title: 'the same with AF_XDP in generic mode',
    unit: 'packet',
    against: dearer('rx-dgram'),
    make: receive(({ receive }, options) => receive(options, 'xdp')),
  },
  {
    name: 'ingest-one',
    title: 'records of one sender over TCP to books',
    unit: 'record',
    against: null,
    make: ingest(({ ingest }, options) => ingest(options, 1, 0)),
  },
  {
    name: 'ingest-1024',
    title: 'the same from 1,024 senders',
    unit: 'record',
    against: dearer('ingest-one'),
    make: ingest(({ ingest }, options) => ingest(options, 1024, 0)),
  },
  {
    name: 'ingest-threads',
    title: 'the same, heard by two threads beside the one with the books',
    unit: 'record',
    against: dearer('ingest-1024'),
    make: ingest(({ ingest }, options) => ingest(options, 1024, 2)),
  },
  {
    name: 'ingest-serve',
    title: 'the same by a whole server, while one client in another process reads all as JSON',
    unit: 'record',
    against: dearer('ingest-1024'),
    make: ingest(({ ingestServed }, options) => ingestServed(options, 1024, 'json')),
  },
  {
    name: 'ingest-serve-dbn',
    title: 'the same where the client reads records of DBN',
    unit: 'record',
    against: { profile: 'ingest-serve', as: 'cost', sameBooks: false },
    make: ingest(({ ingestServed }, options) => ingestServed(options, 1024, 'dbn')),
  },
];
