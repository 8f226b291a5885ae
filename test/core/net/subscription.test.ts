import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../../src/core/capture/address.ts';
import { LINE_DEFAULTS, parseLines, subscriptionText } from '../../../src/core/net/subscription.ts';
import { dropsOf } from '../../../src/core/net/udp-drops.ts';

const lines = (positional: string[], more: { lines?: string[]; snapshots?: string[] } = {}) =>
  parseLines({ lines: [], snapshots: [], ...more, positional });

describe('lines', () => {
  test('by place, by name, and both', () => {
    const named = (specs: ReturnType<typeof lines>) =>
      specs.map(({ name, subscriptions }) => [name, ...subscriptions.map(subscriptionText)]);
    const a = 'udp://239.10.10.1:5001';
    const b = 'udp://239.10.10.2:5001';
    const c = 'udp://[ff05::1]:7';
    expect(named(lines([a, b]))).toEqual([
      ['A', a],
      ['B', b],
    ]);
    expect(named(lines([], { lines: [`B=${b}`, `A=${a},${c}`] }))).toEqual([
      ['A', a, c],
      ['B', b],
    ]);
    expect(named(lines([b], { lines: [`A=${a}`] }))).toEqual([
      ['A', a],
      ['B', b],
    ]);
    expect(named(lines([a, b], { snapshots: [c, `B=${c}`] }))).toEqual([
      ['A', a, c],
      ['B', b, c],
    ]);
  });

  test('options of a group and of its line', () => {
    const [a] = lines([
      'udp://232.1.1.1:5001?iface=eth0&source=10.0.0.5&backend=ring&workers=2&batch=32&slot-bytes=1500&pool=128&rcvbuf=8MB&busy-poll=50&ring-version=2&cpu=2+3',
    ]);
    const [{ iface, source }] = a!.subscriptions as [(typeof a & object)['subscriptions'][0]];
    expect([iface, formatAddress(source!.words, 4)]).toEqual(['eth0', '10.0.0.5']);
    expect(a!.options).toEqual({
      ...LINE_DEFAULTS,
      backend: 'ring',
      workers: 2,
      batch: 32,
      slotBytes: 1536,
      slots: 128,
      receiveBufferBytes: 8_000_000,
      busyPollUs: 50,
      cpus: [2, 3],
      ring: { ...LINE_DEFAULTS.ring, version: 2 },
    });
  });

  test.each([
    [[], 'a line A is missing'],
    [['tcp://1.2.3.4:5'], 'expected udp://GROUP:PORT'],
    [['udp://239.1.1.1'], 'expected udp://GROUP:PORT'],
    [['capture.pcap'], 'expected udp://GROUP:PORT'],
    [['udp://example:5'], 'example is no IPv4 or IPv6 address'],
    [['udp://239.1.1.1:5?colour=red'], 'there is no option colour'],
    [['udp://239.1.1.1:5?source=::1'], 'is no IPv4 address'],
    [['udp://10.1.1.1:5?source=10.0.0.1'], 'for a multicast group only'],
    [['udp://239.1.1.1:5?backend=tape'], 'expected auto, dgram, mmsg, ring, xdp'],
    [['udp://239.1.1.1:5?batch=0'], 'batch=0, expected 1 to 1024'],
    [['udp://239.1.1.1:5?rcvbuf=much'], 'expected a size such as 8MB'],
    [['udp://239.1.1.1:5?slot-bytes=16'], 'expected 64 to 131072'],
    [['udp://1.1.1.1:5', 'udp://1.1.1.2:5', 'udp://1.1.1.3:5'], 'lines A and B are given already'],
  ])('%j is refused', (given, message) => {
    expect(() => lines(given)).toThrow(message);
  });

  test('lines that contradict themselves are refused', () => {
    const refused = (more: { lines?: string[]; snapshots?: string[] }) => () => lines([], more);
    expect(refused({ lines: ['C=udp://239.1.1.1:5'] })).toThrow('expected A=udp://');
    expect(refused({ lines: ['A=udp://239.1.1.1:5', 'A=udp://239.1.1.2:5'] })).toThrow('given twice');
    expect(refused({ lines: ['A=udp://239.1.1.1:5,udp://239.1.1.1:5'] })).toThrow('given twice');
    expect(refused({ lines: ['A=udp://239.1.1.1:5?batch=1,udp://239.1.1.2:5?batch=2'] })).toThrow(
      'whole line A',
    );
    expect(refused({ lines: ['A=udp://239.1.1.1:5'], snapshots: ['B=udp://239.1.1.9:5'] })).toThrow(
      'no line B',
    );
  });
});

test('drops of a socket are those of its inode', () => {
  const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  512: 010107EF:1389 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 31337 2 0000000000000000 12
  513: 010107EF:1389 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 31338 2 0000000000000000 7
`;
  expect([dropsOf(table, '31337'), dropsOf(table, '31338'), dropsOf(table, '1')]).toEqual([12, 7, null]);
});
