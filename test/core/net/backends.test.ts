import { afterAll, expect, it } from 'vitest';
import { formatAddress } from '../../../src/core/capture/address.ts';
import type { BackendName, ReceiveOptions } from '../../../src/core/net/backend.ts';
import { openBackend } from '../../../src/core/net/backends.ts';
import { RING_DEFAULTS } from '../../../src/core/net/linux/ring-defaults.ts';
import { XDP_DEFAULTS } from '../../../src/core/net/linux/xdp-backend.ts';
import { openSender } from '../../../src/core/net/udp-sender.ts';
import { NetworkNamespace } from '../../world/network-namespace.ts';
import { payload, receiveOptions, senderOptions, subscription, Taker, uniqueGroup } from './traffic.ts';

const linux = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');

it('auto takes mmsg where native calls work, and says why', async () => {
  const opened = await openBackend('auto', receiveOptions([subscription(uniqueGroup(1), 0)]));
  expect(opened.name).toBe(linux ? 'mmsg' : 'dgram');
  expect(opened.backend?.name ?? 'dgram').toBe(opened.name);
  expect(opened.reason).toMatch(linux ? /recvmmsg works/ : /native calls: /);
  opened.backend?.close();
});

it.runIf(linux)('auto does not hide what is wrong with the address', async () => {
  const options = receiveOptions([subscription(uniqueGroup(1), 0, 'nosuch0')]);
  await expect(openBackend('auto', options)).rejects.toMatchObject({ code: 'interface-missing' });
});

const namespace = NetworkNamespace.create();
namespace?.cable('va', 'vb', 1);
afterAll(() => namespace?.remove());

it.skipIf(namespace === null)('every backend delivers the same datagrams for the same traffic', async () => {
  const port = 40_003;
  const groups = [uniqueGroup(2), uniqueGroup(3)];
  const lengths = [0, 1, 2, 3, 4, 63, 64, 65, 1000, 1471, 1472];
  const subscriptions = groups.map((group) => subscription(group, port, 'vb'));
  const variants: readonly [BackendName, Partial<ReceiveOptions>][] = [
    ['mmsg', {}],
    ['ring', { ring: { ...RING_DEFAULTS, blocks: 8 } }],
    ['ring', { ring: { ...RING_DEFAULTS, version: 2, blockBytes: 1 << 16, blocks: 32 } }],
    ['xdp', { xdp: { ...XDP_DEFAULTS, chunks: 512 } }],
    ['xdp', { xdp: { ...XDP_DEFAULTS, chunks: 512, mode: 'native' } }],
  ];
  const heard: string[][] = [];
  await namespace!.inside(async () => {
    for (const [name, more] of variants) {
      const { backend } = await openBackend(name, receiveOptions(subscriptions, more));
      const taker = new Taker(backend!);
      const all: string[] = [];
      for (const group of groups) {
        const sender = await openSender(senderOptions(group, port, { iface: 'va' }));
        for (const length of lengths) sender.send(payload(length, Math.max(4, length)), 0, length);
        await sender.close();
        for (const { datagram } of taker.take(lengths.length)) {
          const from = formatAddress(datagram.source, datagram.ipVersion);
          const to = formatAddress(datagram.destination, datagram.ipVersion);
          all.push(
            `${from} ${to}:${datagram.destinationPort} ${Buffer.from(datagram.bytes).toString('hex')}`,
          );
        }
      }
      heard.push(all);
      backend!.close();
    }
  });
  expect(heard[0]).toHaveLength(groups.length * lengths.length);
  for (const each of heard) expect(each).toEqual(heard[0]);
});
