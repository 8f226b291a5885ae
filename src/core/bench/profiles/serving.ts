import { from, type Profile } from '../profile.ts';

const drain = from(() => import('../workloads/event-drain.ts'));
const engine = from(() => import('../workloads/engine-latency.ts'));
const idle = from(() => import('../workloads/idle-clients.ts'));
const sse = from(() => import('../workloads/sse-500.ts'));
const fanout = from(() => import('../workloads/fanout.ts'));

/** From the books to clients. */
export const SERVING_PROFILES: readonly Profile[] = [
  {
    name: 'engine-latency',
    title: 'packets handed over at 200,000 messages/s through merge and decoder to books',
    unit: 'message',
    against: null,
    make: engine(({ engineLatency }, options) => engineLatency(options)),
  },
  {
    name: 'serve-json',
    title: 'events as JSON to one client in another process, up to 100 in a message, by the clock',
    unit: 'event',
    against: null,
    make: fanout(({ eventsOut }, options) => eventsOut(options, 100)),
  },
  {
    name: 'serve-json-drain',
    title:
      'events as JSON that are made already, to one client in another process that goes on behind them, by the clock',
    unit: 'event',
    against: { profile: 'serve-json', as: 'speed', sameBooks: false },
    make: drain(({ eventDrain }, options) => eventDrain(options)),
  },
  {
    name: 'serve-json-single',
    title: 'the same, one in a message',
    unit: 'event',
    against: { profile: 'serve-json', as: 'cost', sameBooks: false },
    make: fanout(({ eventsOut }, options) => eventsOut(options, 1)),
  },
  {
    name: 'serve-dbn',
    title: 'the same as records of DBN, up to 100 in a message',
    unit: 'event',
    against: { profile: 'serve-json', as: 'speed', sameBooks: false },
    make: fanout(({ recordsOut }, options) => recordsOut(options, 100)),
  },
  {
    name: 'fanout-1',
    title: 'order changes as raw-v1 to one client in another process, by the clock',
    unit: 'frame',
    against: null,
    make: fanout(({ fanOut }, options) => fanOut(options, 1)),
  },
  {
    name: 'fanout-1-cpu',
    title: 'the same in CPU time of the server',
    unit: 'frame',
    against: null,
    make: fanout(({ fanOutCpu }, options) => fanOutCpu(options, 1)),
  },
  {
    name: 'fanout-100',
    title: 'the same to 100 clients, a unit is a frame that one of them has',
    unit: 'frame',
    against: null,
    make: fanout(({ fanOut }, options) => fanOut(options, 100)),
  },
  {
    name: 'fanout-100-cpu',
    title: 'the same in CPU time of the server',
    unit: 'frame',
    against: { profile: 'fanout-100-loop', as: 'speed', sameBooks: false },
    make: fanout(({ fanOutCpu }, options) => fanOutCpu(options, 100)),
  },
  {
    name: 'fanout-100-loop',
    title: 'a loop over 100 clients that makes the frame for each, in CPU time of the server',
    unit: 'frame',
    against: null,
    make: fanout(({ loopOut }, options) => loopOut(options, 100)),
  },
  {
    name: 'sse-500',
    title:
      '1,000 events/s to each of 500 clients of server-sent events in another process, one stopped: CPU time of the server',
    unit: 'event',
    against: null,
    make: sse(({ sse500 }, options) => sse500(options)),
  },
  {
    name: 'idle-raw-v1',
    title: 'clients of raw-v1 in another process that connect and stay idle',
    unit: 'client',
    against: null,
    make: idle(({ idleClients }) => idleClients('raw-v1')),
  },
  {
    name: 'idle-json',
    title: 'the same of events over WebSockets',
    unit: 'client',
    against: null,
    make: idle(({ idleClients }) => idleClients('json')),
  },
  {
    name: 'idle-sse',
    title: 'the same of server-sent events',
    unit: 'client',
    against: null,
    make: idle(({ idleClients }) => idleClients('sse')),
  },
];
