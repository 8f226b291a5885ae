import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { formatAddress } from '../../../src/core/capture/address.ts';
import { CapturedPacket } from '../../../src/core/capture/captured-packet.ts';
import { UDP_OK, UdpExtractor } from '../../../src/core/capture/udp.ts';
import type { RingOptions } from '../../../src/core/net/backend.ts';
import { RingBackend } from '../../../src/core/net/linux/ring-backend.ts';
import { RING_DEFAULTS } from '../../../src/core/net/linux/ring-defaults.ts';
import { Syscalls } from '../../../src/core/net/linux/syscalls.ts';
import type { UdpSender } from '../../../src/core/net/sender.ts';
import { openSender } from '../../../src/core/net/udp-sender.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import {
  FLAG_FRAME,
  FLAG_TRUNCATED,
  SLOT_FLAGS,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_WIRE_LENGTH,
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

const namespace = NetworkNamespace.create();
namespace?.cable('va', 'vb', 1);
afterAll(() => namespace?.remove());

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function ringFor(
  ring: Partial<RingOptions>,
  ...[subscriptions, more]: Parameters<typeof receiveOptions>
): Promise<RingBackend> {
  const options = receiveOptions(subscriptions, { ring: { ...RING_DEFAULTS, ...ring }, ...more });
  const backend = RingBackend.open(await Syscalls.load(), options);
  open.push(backend);
  return backend;
}

async function senderTo(host: string, port: number, more = {}): Promise<UdpSender> {
  const sender = await openSender(senderOptions(host, port, more));
  open.push(sender);
  return sender;
}

/** Port of no one: nothing is bound to it, and the groups are this test's own. */
const PORT = 40_001;

describe.skipIf(namespace === null)('packet ring', () => {
  describe.each([
    ['V2', { version: 2, blockBytes: 1 << 16, blocks: 32 }],
    ['V3', { version: 3, blockBytes: 1 << 16, blocks: 32 }],
  ] as const)('%s', (_, ring) => {
    it('receives whole frames, with addresses, order and time', async () => {
      await namespace!.inside(async () => {
        const group = uniqueGroup(1);
        const backend = await ringFor(ring, [subscription(group, PORT, 'vb')]);
        sendAll(await senderTo(group, PORT, { iface: 'va' }), 500);
        const taker = new Taker(backend);
        const taken = taker.take(500);
        expect(taken.map(numberOf)).toEqual(Array.from({ length: 500 }, (_, at) => at));
        const { datagram, words } = taken[499]!;
        expect(datagram.bytes).toEqual(payload(499, 64));
        expect(formatAddress(datagram.source, 4)).toBe('10.9.1.1');
        expect(formatAddress(datagram.destination, 4)).toBe(group);
        expect(datagram.destinationPort).toBe(PORT);
        expect(words[SLOT_FLAGS]! & FLAG_FRAME).toBe(FLAG_FRAME);
        expect([words[SLOT_OFFSET], words[SLOT_LENGTH], words[SLOT_WIRE_LENGTH]]).toEqual([42, 64, 106]);
        // The times run forwards and are those of now.
        const seconds = taken.map(
          (each) => each.datagram.timeHigh * 4.294967296 + (each.datagram.timeLow >>> 0) / 1e9,
        );
        expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
        expect(Math.abs(seconds[0]! - Date.now() / 1000)).toBeLessThan(60);
        expect(backend.status()).toMatchObject({ kernelDrops: { ring: 0 }, skipped: {} });
      });
    });

    it('keeps a frame that can be read again', async () => {
      await namespace!.inside(async () => {
        const group = uniqueGroup(2);
        const backend = await ringFor(ring, [subscription(group, PORT, 'vb')]);
        sendAll(await senderTo(group, PORT, { iface: 'va' }), 1, 301);
        const taker = new Taker(backend, 1);
        const [one] = taker.take(1);
        const window = new ByteWindow(2048);
        window.bytes.set(taker.pool.bytes.subarray(0, one!.words[SLOT_OFFSET]! + one!.words[SLOT_LENGTH]!));
        const packet = new CapturedPacket();
        packet.linkType = 1;
        packet.capturedLength = packet.originalLength = one!.words[SLOT_WIRE_LENGTH]!;
        const datagram = new Datagram();
        expect(new UdpExtractor().extract(packet, window, datagram)).toBe(UDP_OK);
        expect(datagram.copy().bytes).toEqual(payload(0, 301));
      });
    });

    it('keeps only the payload, or its beginning, where a slot has no room for more', async () => {
      await namespace!.inside(async () => {
        const group = uniqueGroup(3);
        const backend = await ringFor(ring, [subscription(group, PORT, 'vb')]);
        const sender = await senderTo(group, PORT, { iface: 'va' });
        for (const length of [86, 87, 128, 129, 1400]) sender.send(payload(length, length), 0, length);
        sender.flush();
        const taken = new Taker(backend, 16, 128).take(5);
        const flags = taken.map(({ words }) => words[SLOT_FLAGS]! & (FLAG_FRAME | FLAG_TRUNCATED));
        expect(flags).toEqual([FLAG_FRAME, 0, 0, FLAG_TRUNCATED, FLAG_TRUNCATED]);
        expect(taken.map(({ words }) => words[SLOT_LENGTH])).toEqual([86, 87, 128, 128, 128]);
        expect(taken.map(({ words }) => words[SLOT_WIRE_LENGTH])).toEqual([128, 87, 128, 129, 1400]);
        for (const [index, length] of [86, 87, 128, 129, 1400].entries()) {
          expect(taken[index]!.datagram.bytes).toEqual(payload(length, Math.min(length, 128)));
        }
      });
    });

    it('takes its groups and ports only, and counts fragments', async () => {
      await namespace!.inside(async () => {
        const [group, other] = [uniqueGroup(4), uniqueGroup(5)];
        const backend = await ringFor(ring, [
          subscription(group, PORT, 'vb'),
          subscription('ff05::6d64:4', PORT, 'vb'),
        ]);
        sendAll(await senderTo(other, PORT, { iface: 'va' }), 5);
        sendAll(await senderTo(group, PORT + 1, { iface: 'va' }), 5);
        sendAll(await senderTo(group, PORT, { iface: 'va' }), 2, 4000, 50);
        sendAll(await senderTo('ff05::6d64:4', PORT, { iface: 'va' }), 3, 64, 20);
        sendAll(await senderTo(group, PORT, { iface: 'va' }), 4, 64, 10);
        expect(new Taker(backend).take(8, 3).map(numberOf)).toEqual([20, 21, 22, 10, 11, 12, 13]);
        expect(backend.status().skipped).toEqual({ fragment: 6 });
      });
    });

    it('drops what the UDP stack would drop for its checksum, and reads behind a VLAN tag', async () => {
      await namespace!.inside(async () => {
        const [group, group6] = [uniqueGroup(4), 'ff05::6d64:5'];
        const backend = await ringFor(ring, [
          subscription(group, PORT, 'vb'),
          subscription(group6, PORT, 'vb'),
        ]);
        const wrong = frame(group, PORT, payload(1, 64));
        wrong.set([0x12, 0x34], 14 + 20 + 6);
        const wrong6 = frame(group6, PORT, payload(2, 65));
        wrong6[14 + 40 + 6]! ^= 1;
        await sendFrames('va', [
          wrong,
          wrong6,
          frame(group6, PORT, payload(3, 65)),
          frame(group, PORT, payload(4, 64)),
          frame(group, PORT, payload(5, 64), 7),
        ]);
        const taken = new Taker(backend).take(4, 3);
        expect(taken.map(numberOf)).toEqual([3, 4, 5]);
        expect(taken[0]!.datagram.bytes).toEqual(payload(3, 65));
        expect(backend.status().skipped).toEqual({ badChecksum: 2 });
      });
    });

    it('shows what a stalled reader lost, exactly', async () => {
      await namespace!.inside(async () => {
        const group = uniqueGroup(6);
        const backend = await ringFor({ ...ring, blocks: 2 }, [subscription(group, PORT, 'vb')]);
        const sender = await senderTo(group, PORT, { iface: 'va' });
        sendAll(sender, 3000);
        const taken = new Taker(backend, 512).take(3000, 3);
        expect(taken.length).toBeGreaterThan(0);
        expect(taken.length).toBeLessThan(3000);
        expect(backend.status().kernelDrops).toEqual({ ring: 3000 - taken.length });
        expect(backend.status().kernelDrops).toEqual({ ring: 3000 - taken.length });
      });
    });

    it('stops in the middle of a block when slots run out, and goes on there', async () => {
      await namespace!.inside(async () => {
        const group = uniqueGroup(7);
        const backend = await ringFor(ring, [subscription(group, PORT, 'vb')]);
        sendAll(await senderTo(group, PORT, { iface: 'va' }), 100);
        const taker = new Taker(backend, 7);
        const taken = taker.take(40);
        const dropped = backend.discard();
        // A block that was not full when the first ones were read comes later.
        const rest = taker.take(100 - taken.length - dropped);
        const numbers = [...taken, ...rest].map(numberOf);
        const expected = Array.from({ length: 100 }, (_, at) => at);
        expected.splice(taken.length, dropped);
        expect(taken.length).toBeGreaterThanOrEqual(40);
        expect(numbers).toEqual(expected);
      });
    });

    it('reads the loopback interface once', async () => {
      const group = uniqueGroup(8);
      const backend = await ringFor(ring, [subscription(group, PORT)]);
      sendAll(await senderTo(group, PORT), 20);
      expect(new Taker(backend).take(21, 3).map(numberOf)).toEqual(Array.from({ length: 20 }, (_, at) => at));
    });
  });

  it('has its groups joined, and goes on when its interface was down', async () => {
    await namespace!.inside(async () => {
      const group = '239.7.7.7';
      const backend = await ringFor({ blocks: 8 }, [subscription(group, PORT, 'vb')]);
      expect(namespace!.ip('maddr', 'show', 'dev', 'vb')).toContain(group);
      const taker = new Taker(backend);
      namespace!.ip('link', 'set', 'vb', 'down');
      expect(taker.take(1, 3)).toEqual([]);
      namespace!.ip('link', 'set', 'vb', 'up');
      sendAll(await senderTo(group, PORT, { iface: 'va' }), 3);
      expect(taker.take(3).map(numberOf)).toEqual([0, 1, 2]);
      backend.close();
      open.splice(open.indexOf(backend), 1);
      expect(namespace!.ip('maddr', 'show', 'dev', 'vb')).not.toContain(group);
    });
  });

  it('takes the traffic of two interfaces', async () => {
    await namespace!.inside(async () => {
      const group = uniqueGroup(9);
      const backend = await ringFor({ blocks: 8 }, [
        subscription(group, PORT, 'vb'),
        subscription(group, PORT, 'va'),
      ]);
      sendAll(await senderTo(group, PORT, { iface: 'va' }), 10);
      sendAll(await senderTo(group, PORT, { iface: 'vb' }), 10, 64, 100);
      const taken = new Taker(backend).take(20).map(numberOf);
      expect(taken.toSorted((a, b) => a - b)).toEqual([
        ...Array(10).keys(),
        ...Array.from({ length: 10 }, (_, at) => 100 + at),
      ]);
    });
  });

  it('shares the traffic of a fanout group, each flow in order', async () => {
    await namespace!.inside(async () => {
      const groups = [10, 11, 12, 13].map(uniqueGroup);
      const subscriptions = groups.map((group) => subscription(group, PORT, 'vb'));
      const fanout = process.pid & 0xffff;
      const one = await ringFor({ blocks: 8, fanout }, subscriptions);
      const two = await ringFor({ blocks: 8, fanout }, subscriptions);
      for (const [index, group] of groups.entries()) {
        sendAll(await senderTo(group, PORT, { iface: 'va' }), 50, 64, index * 1000);
      }
      const shares = [new Taker(one).take(200, 4).map(numberOf), new Taker(two).take(200, 4).map(numberOf)];
      expect(shares.flat().length).toBe(200);
      for (const share of shares) {
        for (let flow = 0; flow < groups.length; flow += 1) {
          const own = share.filter((number) => Math.floor(number / 1000) === flow);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }
    });
  });

  it('lets the source of a group through and no other', async () => {
    await namespace!.inside(async () => {
      const group = uniqueGroup(14);
      const backend = await ringFor({ blocks: 8 }, [subscription(group, PORT, 'vb', '10.9.1.1')]);
      namespace!.ip('addr', 'add', '10.9.1.3/24', 'dev', 'va');
      sendAll(await senderTo(group, PORT, { iface: '10.9.1.3' }), 5);
      sendAll(await senderTo(group, PORT, { iface: '10.9.1.1' }), 5, 64, 10);
      expect(new Taker(backend).take(6, 3).map(numberOf)).toEqual([10, 11, 12, 13, 14]);
    });
  });

  it('says what is missing', async () => {
    const group = uniqueGroup(15);
    await expect(ringFor({}, [subscription(group, PORT, null)])).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('needs an interface'),
    });
    await expect(ringFor({ blockBytes: 5000 }, [subscription(group, PORT)])).rejects.toMatchObject({
      code: 'backend-refused',
      message: expect.stringMatching(/^packet ring on lo: EINVAL making the ring; the sizes do not fit/),
    });
  });
});
