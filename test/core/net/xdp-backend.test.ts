import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { formatAddress } from '../../../src/core/capture/address.ts';
import type { XdpOptions } from '../../../src/core/net/backend.ts';
import { Bpf, MAP_TYPE_XSKMAP } from '../../../src/core/net/linux/bpf.ts';
import { MmsgBackend } from '../../../src/core/net/linux/mmsg-backend.ts';
import { Syscalls } from '../../../src/core/net/linux/syscalls.ts';
import { XDP_DEFAULTS, XdpBackend } from '../../../src/core/net/linux/xdp-backend.ts';
import type { UdpSender } from '../../../src/core/net/sender.ts';
import { openSender } from '../../../src/core/net/udp-sender.ts';
import {
  FLAG_FRAME,
  FLAG_TIME_NONE,
  SLOT_FLAGS,
  SLOT_LENGTH,
  SLOT_OFFSET,
} from '../../../src/core/packet/packet-pool.ts';
import { NetworkNamespace } from '../../world/network-namespace.ts';
import {
  frame,
  numberOf,
  payload,
  receiveOptions,
  sendAll,
  senderOptions,
  sendFrames,
  subscription,
  Taker,
  uniqueGroup,
} from './traffic.ts';

const PORT = 40_002;
const CHUNKS = 1024;

const namespace = NetworkNamespace.create();
namespace?.cable('va', 'vb', 1);
afterAll(() => namespace?.remove());

/** Whether this process may load programs at all. */
async function mayUseBpf(): Promise<boolean> {
  if (namespace === null) return false;
  const calls = await Syscalls.load();
  const map = new Bpf(calls).createMap(MAP_TYPE_XSKMAP, 4, 4, 1);
  if (map >= 0) calls.close(map);
  return map >= 0;
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function xdpFor(
  xdp: Partial<XdpOptions>,
  ...[subscriptions, more]: Parameters<typeof receiveOptions>
): Promise<XdpBackend> {
  const options = receiveOptions(subscriptions, {
    xdp: { ...XDP_DEFAULTS, chunks: CHUNKS, ...xdp },
    ...more,
  });
  const backend = XdpBackend.open(await Syscalls.load(), options);
  open.push(backend);
  return backend;
}

async function senderTo(host: string, port: number, more = {}): Promise<UdpSender> {
  const sender = await openSender(senderOptions(host, port, more));
  open.push(sender);
  return sender;
}

describe.skipIf(!(await mayUseBpf()))('xdp', () => {
  describe.each([
    ['generic', 'vb'],
    ['native', 'vb'],
    ['generic', 'lo'],
  ] as const)('%s on %s', (mode, device) => {
    const from = device === 'lo' ? '127.0.0.1' : 'va';

    it('receives whole frames, with addresses, order and time', async () => {
      await namespace!.inside(async () => {
        const group = uniqueGroup(1);
        const backend = await xdpFor({ mode }, [subscription(group, PORT, device)]);
        sendAll(await senderTo(group, PORT, { iface: from }), 500);
        const taken = new Taker(backend).take(500);
        expect(taken.map(numberOf)).toEqual(Array.from({ length: 500 }, (_, at) => at));
        const { datagram, words } = taken[499]!;
        expect(datagram.bytes).toEqual(payload(499, 64));
        expect(formatAddress(datagram.source, 4)).toBe(device === 'lo' ? '127.0.0.1' : '10.9.1.1');
        expect(formatAddress(datagram.destination, 4)).toBe(group);
        expect(datagram.destinationPort).toBe(PORT);
        expect(words[SLOT_FLAGS]! & FLAG_FRAME).toBe(FLAG_FRAME);
        expect([words[SLOT_OFFSET], words[SLOT_LENGTH]]).toEqual([42, 64]);
        const seconds = taken.map(
          (each) => each.datagram.timeHigh * 4.294967296 + (each.datagram.timeLow >>> 0) / 1e9,
        );
        expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
        expect(Math.abs(seconds[0]! - Date.now() / 1000)).toBeLessThan(60);
        expect(backend.status()).toMatchObject({
          kernelDrops: { xskRingFull: 0, xskFillEmpty: 0, xskDropped: 0 },
          skipped: {},
        });
      });
    });

    it('goes round its memory many times', async () => {
      await namespace!.inside(async () => {
        const group = uniqueGroup(2);
        const backend = await xdpFor({ mode, chunks: 64 }, [subscription(group, PORT, device)]);
        const sender = await senderTo(group, PORT, { iface: from });
        const taker = new Taker(backend);
        for (let round = 0; round < 20; round += 1) {
          sendAll(sender, 50, 64, round * 50);
          expect(taker.take(50).map(numberOf)).toEqual(
            Array.from({ length: 50 }, (_, at) => round * 50 + at),
          );
        }
      });
    });

    it('shows what a stalled reader lost, exactly', async () => {
      await namespace!.inside(async () => {
        const group = uniqueGroup(3);
        const backend = await xdpFor({ mode, chunks: 256 }, [subscription(group, PORT, device)]);
        sendAll(await senderTo(group, PORT, { iface: from }), 1000);
        const taken = new Taker(backend, 512).take(1000, 3);
        expect(taken.length).toBeGreaterThan(0);
        const { kernelDrops } = backend.status();
        const lost = Object.values(kernelDrops).reduce((sum, count) => sum + count, 0);
        expect(lost).toBe(1000 - taken.length);
        expect(lost).toBeGreaterThan(0);
      });
    });

    it('leaves all other traffic to the IP stack, and its own again when closed', async () => {
      await namespace!.inside(async () => {
        const [group, other] = [uniqueGroup(4), uniqueGroup(5)];
        const stack = MmsgBackend.open(
          await Syscalls.load(),
          receiveOptions([
            subscription(group, PORT, device),
            subscription(other, PORT, device),
            subscription(group, PORT + 1, device),
          ]),
        );
        open.push(stack);
        const backend = await xdpFor({ mode }, [subscription(group, PORT, device)]);
        sendAll(await senderTo(group, PORT, { iface: from }), 3);
        sendAll(await senderTo(other, PORT, { iface: from }), 3, 64, 10);
        sendAll(await senderTo(group, PORT + 1, { iface: from }), 3, 64, 20);
        expect(new Taker(backend).take(4, 3).map(numberOf)).toEqual([0, 1, 2]);
        const heard = new Taker(stack).take(7, 3).map(numberOf);
        expect(heard.toSorted((a, b) => a - b)).toEqual([10, 11, 12, 20, 21, 22]);
        backend.close();
        open.splice(open.indexOf(backend), 1);
        sendAll(await senderTo(group, PORT, { iface: from }), 3, 64, 30);
        expect(new Taker(stack).take(4, 3).map(numberOf)).toEqual([30, 31, 32]);
      });
    });

    it('can be opened again at once', async () => {
      await namespace!.inside(async () => {
        const group = uniqueGroup(6);
        for (let round = 0; round < 3; round += 1) {
          const backend = await xdpFor({ mode }, [subscription(group, PORT, device)]);
          sendAll(await senderTo(group, PORT, { iface: from }), 5);
          expect(new Taker(backend).take(5).map(numberOf)).toEqual([0, 1, 2, 3, 4]);
          backend.close();
          open.splice(open.indexOf(backend), 1);
        }
      });
    });
  });

  it('does without times where none are asked for', async () => {
    await namespace!.inside(async () => {
      const group = uniqueGroup(7);
      const backend = await xdpFor({}, [subscription(group, PORT, 'vb')], { timestamping: 'off' });
      sendAll(await senderTo(group, PORT, { iface: 'va' }), 1);
      const [one] = new Taker(backend).take(1);
      expect(backend.clock).toBe('none');
      expect(one!.words[SLOT_FLAGS]! & FLAG_TIME_NONE).toBe(FLAG_TIME_NONE);
      expect([one!.datagram.timeHigh, one!.datagram.timeLow]).toEqual([0, 0]);
    });
  });

  it.each(['generic', 'native'] as const)('takes frames with a VLAN tag, %s', async (mode) => {
    await namespace!.inside(async () => {
      const group = uniqueGroup(8);
      const backend = await xdpFor({ mode }, [subscription(group, PORT, 'vb')]);
      await sendFrames('va', [
        frame(group, PORT, payload(1, 5), 7),
        frame(group, PORT + 1, payload(2, 64), 7),
        frame(group, PORT, payload(3, 64)),
      ]);
      const taken = new Taker(backend).take(3, 3);
      expect(taken.map(({ datagram }) => datagram.bytes)).toEqual([payload(1, 5), payload(3, 64)]);
      expect(taken.map(({ words }) => words[SLOT_OFFSET])).toEqual([46, 42]);
    });
  });

  it('says what is in the way', async () => {
    await namespace!.inside(async () => {
      const group = uniqueGroup(9);
      const on = (device: string) => [subscription(group, PORT, device)];
      await expect(xdpFor({ mode: 'native' }, on('lo'))).rejects.toMatchObject({
        code: 'backend-refused',
        message:
          'xdp on lo: EOPNOTSUPP attaching the XDP program; the driver has no native XDP, as that of the loopback interface',
      });
      await expect(xdpFor({ queue: 7 }, on('vb'))).rejects.toMatchObject({
        message: expect.stringContaining('queue 7: EINVAL binding AF_XDP; the interface has no such queue'),
      });
      await expect(xdpFor({ mode: 'native', zeroCopy: true, queue: 0 }, on('vb'))).rejects.toMatchObject({
        message: expect.stringContaining('EOPNOTSUPP binding AF_XDP; the driver has no zero-copy mode'),
      });
      await xdpFor({}, on('vb'));
      await expect(xdpFor({}, on('vb'))).rejects.toMatchObject({
        message: expect.stringContaining('EBUSY attaching'),
      });
      await expect(xdpFor({ mode: 'native' }, on('vb'))).rejects.toMatchObject({
        message: expect.stringContaining('EEXIST attaching'),
      });
      await expect(xdpFor({}, [subscription('ff05::1', PORT, 'vb')])).rejects.toMatchObject({
        message: 'xdp: [ff05::1]:40002 on vb: only IPv4 addresses can be received',
      });
    });
  });

  it('shows what the verifier says about a program', async () => {
    const bpf = new Bpf(await Syscalls.load());
    // r0 is returned and was never set.
    expect(bpf.loadXdp(Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0), 'Apache-2.0')).toBeLessThan(0);
    expect(bpf.log).toMatch(/R0 !read_ok/);
  });
});
