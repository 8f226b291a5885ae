import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { toBigInt } from '../../../src/core/binary/time.ts';
import { formatAddress } from '../../../src/core/capture/address.ts';
import { MmsgBackend } from '../../../src/core/net/linux/mmsg-backend.ts';
import { Syscalls } from '../../../src/core/net/linux/syscalls.ts';
import type { UdpSender } from '../../../src/core/net/sender.ts';
import { openSender } from '../../../src/core/net/udp-sender.ts';
import {
  FLAG_IPV6,
  FLAG_TIME_NONE,
  FLAG_TRUNCATED,
  SLOT_FLAGS,
  SLOT_KERNEL_DROPS,
  SLOT_LENGTH,
  SLOT_WIRE_LENGTH,
} from '../../../src/core/packet/packet-pool.ts';
import { NetworkNamespace } from '../../world/network-namespace.ts';
import {
  numberOf,
  payload,
  receiveOptions,
  sendAll,
  senderOptions,
  subscription,
  Taker,
  uniqueGroup,
} from './traffic.ts';

const linux = process.platform === 'linux';
/** Two cables between interfaces of one host: va–vb and vc–vd. */
const namespace = NetworkNamespace.create();
namespace?.cable('va', 'vb', 1);
namespace?.cable('vc', 'vd', 2);
afterAll(() => namespace?.remove());
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function backendFor(...[subscriptions, more]: Parameters<typeof receiveOptions>): Promise<MmsgBackend> {
  const backend = MmsgBackend.open(await Syscalls.load(), receiveOptions(subscriptions, more));
  open.push(backend);
  return backend;
}

async function senderTo(
  host: string,
  port: number,
  more = {},
  kind: 'auto' | 'dgram' = 'auto',
): Promise<UdpSender> {
  const sender = await openSender(senderOptions(host, port, more), kind);
  open.push(sender);
  return sender;
}

describe.runIf(linux)('mmsg', () => {
  it('receives a group on the loopback interface: bytes, addresses, order, time', async () => {
    const group = uniqueGroup(1);
    const backend = await backendFor([subscription(group, 0)]);
    const port = backend.sockets[0]!.port;
    const before = BigInt(Date.now()) * 1_000_000n;
    const sender = await senderTo(group, port);
    expect(sender.name).toBe('mmsg');
    sendAll(sender, 200);
    const taken = new Taker(backend).take(200);
    expect(taken.map(numberOf)).toEqual(Array.from({ length: 200 }, (_, index) => index));
    expect(sender.sent).toBe(200);
    for (const [index, { datagram }] of taken.entries()) {
      expect(datagram.bytes).toEqual(payload(index, 64));
      expect(datagram.destinationPort).toBe(port);
      expect(formatAddress(datagram.destination, 4)).toBe(group);
      expect(formatAddress(datagram.source, 4)).toBe('127.0.0.1');
      expect(datagram.sourcePort).toBeGreaterThan(0);
      const time = toBigInt(datagram.timeHigh, datagram.timeLow);
      expect(time - before).toBeGreaterThan(-1_000_000_000n);
      expect(time - before).toBeLessThan(60_000_000_000n);
    }
    expect(backend.status().kernelDrops).toEqual({ socket: 0 });
  });

  it('hears only its own group, though another socket has joined more', async () => {
    const [one, other] = [uniqueGroup(2), uniqueGroup(3)];
    const first = await backendFor([subscription(one, 0)]);
    const port = first.sockets[0]!.port;
    const second = await backendFor([subscription(other, port)]);
    sendAll(await senderTo(one, port), 3, 64, 0);
    sendAll(await senderTo(other, port), 4, 64, 10);
    expect(new Taker(first).take(4, 2).map(numberOf)).toEqual([0, 1, 2]);
    expect(new Taker(second).take(5, 2).map(numberOf)).toEqual([10, 11, 12, 13]);
  });

  it('receives several groups through one backend, none starving another', async () => {
    const groups = [4, 5, 6].map(uniqueGroup);
    const backend = await backendFor(
      groups.map((group) => subscription(group, 0)),
      { batch: 8 },
    );
    for (const [index, { port }] of backend.sockets.entries()) {
      sendAll(await senderTo(groups[index]!, port), 50, 64, index * 1000);
    }
    const taker = new Taker(backend, 32);
    const taken = taker.take(150);
    expect(taken).toHaveLength(150);
    for (const [index, group] of groups.entries()) {
      const own = taken.filter(({ datagram }) => formatAddress(datagram.destination, 4) === group);
      expect(own.map(numberOf)).toEqual(Array.from({ length: 50 }, (_, at) => index * 1000 + at));
    }
    // A batch of 8 goes round: the first 48 hold something of each group.
    const early = new Set(taken.slice(0, 48).map((each) => Math.floor(numberOf(each) / 1000)));
    expect(early.size).toBe(3);
  });

  it('joins one source and refuses another', async () => {
    const group = '232.1.1.1';
    const right = await backendFor([subscription(group, 0, '127.0.0.1', '127.0.0.1')]);
    const port = right.sockets[0]!.port;
    const wrong = await backendFor([subscription(group, port, '127.0.0.1', '127.0.0.9')]);
    sendAll(await senderTo(group, port), 5);
    expect(new Taker(right).take(5).map(numberOf)).toEqual([0, 1, 2, 3, 4]);
    expect(new Taker(wrong).take(1, 2)).toEqual([]);
  });

  it.skipIf(namespace === null)('joins IPv6 groups, by interface and by source', async () => {
    await namespace!.inside(async () => {
      const group = 'ff05::6d64:1';
      const backend = await backendFor([subscription(group, 0, 'vb')]);
      const port = backend.sockets[0]!.port;
      sendAll(await senderTo(group, port, { iface: 'va' }), 7);
      const taken = new Taker(backend).take(7);
      expect(taken.map(numberOf)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      const { datagram, words } = taken[0]!;
      expect(datagram.ipVersion).toBe(6);
      expect(words[SLOT_FLAGS]! & FLAG_IPV6).toBe(FLAG_IPV6);
      expect(formatAddress(datagram.destination, 6)).toBe(group);
      expect(formatAddress(datagram.source, 6)).toBe('fd00:6d64::1');
      const right = await backendFor([subscription(group, port, 'vb', 'fd00:6d64::1')]);
      const wrong = await backendFor([subscription(group, port, 'vb', 'fd00:6d64::3')]);
      sendAll(await senderTo(group, port, { iface: 'fd00:6d64::1' }), 3);
      expect(new Taker(right).take(3).map(numberOf)).toEqual([0, 1, 2]);
      expect(new Taker(wrong).take(1, 2)).toEqual([]);
    });
  });

  it.skipIf(namespace === null)('keeps lines apart that carry one group on two interfaces', async () => {
    await namespace!.inside(async () => {
      const group = uniqueGroup(0);
      const one = await backendFor([subscription(group, 0, 'vb')]);
      const port = one.sockets[0]!.port;
      const other = await backendFor([subscription(group, port, '10.9.2.2')]);
      sendAll(await senderTo(group, port, { iface: 'va' }), 3);
      sendAll(await senderTo(group, port, { iface: '10.9.2.1' }), 3, 64, 10);
      expect(new Taker(one).take(7, 2).map(numberOf)).toEqual([0, 1, 2]);
      expect(new Taker(other).take(7, 2).map(numberOf)).toEqual([10, 11, 12]);
    });
  });

  it('binds a unicast address, and names the destination where it is bound to all', async () => {
    const backend = await backendFor([subscription('0.0.0.0', 0, null)]);
    const port = backend.sockets[0]!.port;
    sendAll(await senderTo('127.0.0.5', port, { iface: null }), 2);
    const taken = new Taker(backend).take(2);
    expect(taken.map(({ datagram }) => formatAddress(datagram.destination, 4))).toEqual([
      '127.0.0.5',
      '127.0.0.5',
    ]);
  });

  it('cuts and flags a datagram that is longer than a slot', async () => {
    const group = uniqueGroup(7);
    const backend = await backendFor([subscription(group, 0)]);
    const sender = await senderTo(group, backend.sockets[0]!.port);
    for (const length of [127, 128, 129, 9000]) sender.send(payload(length, length), 0, length);
    sender.flush();
    const taken = new Taker(backend, 16, 128).take(4);
    expect(taken.map(({ words }) => words[SLOT_LENGTH])).toEqual([127, 128, 128, 128]);
    expect(taken.map(({ words }) => words[SLOT_WIRE_LENGTH])).toEqual([127, 128, 129, 9000]);
    expect(taken.map(({ words }) => words[SLOT_FLAGS]! & FLAG_TRUNCATED)).toEqual([0, 0, 1, 1]);
    for (const { datagram, words } of taken) {
      expect(datagram.bytes).toEqual(payload(words[SLOT_WIRE_LENGTH]!, words[SLOT_LENGTH]!));
    }
  });

  it('says that there is no time where none was asked for', async () => {
    const group = uniqueGroup(8);
    const backend = await backendFor([subscription(group, 0)], { timestamping: 'off' });
    expect(backend.clock).toBe('none');
    sendAll(await senderTo(group, backend.sockets[0]!.port), 1);
    const [first] = new Taker(backend).take(1);
    expect(first!.words[SLOT_FLAGS]! & FLAG_TIME_NONE).toBe(FLAG_TIME_NONE);
    expect([first!.datagram.timeHigh, first!.datagram.timeLow]).toEqual([0, 0]);
  });

  it('tells how large a buffer was asked for and granted', async () => {
    const backend = await backendFor([subscription(uniqueGroup(9), 0)], { receiveBufferBytes: 300_000 });
    expect(backend.status()).toMatchObject({ receiveBufferAsked: 300_000, receiveBufferGranted: 300_000 });
  });

  it('shows what a stalled reader lost, exactly', async () => {
    const group = uniqueGroup(10);
    const backend = await backendFor([subscription(group, 0)], { receiveBufferBytes: 65_536 });
    const sender = await senderTo(group, backend.sockets[0]!.port);
    sendAll(sender, 2000);
    const taker = new Taker(backend, 512);
    const taken = taker.take(2000, 2);
    const lost = 2000 - taken.length;
    expect(lost).toBeGreaterThan(0);
    expect(backend.status().kernelDrops).toEqual({ socket: lost });
    // The next datagram carries the count.
    sendAll(sender, 1, 64, 5000);
    const [next] = taker.take(1);
    expect(numberOf(next!)).toBe(5000);
    expect(next!.words[SLOT_KERNEL_DROPS]).toBe(lost);
  });

  it('counts what it throws away for want of a slot, apart from what the kernel dropped', async () => {
    const group = uniqueGroup(11);
    const backend = await backendFor([subscription(group, 0)]);
    sendAll(await senderTo(group, backend.sockets[0]!.port), 100);
    expect(backend.discard() + backend.discard()).toBe(100);
    expect(backend.discard()).toBe(0);
    expect(backend.status().kernelDrops).toEqual({ socket: 0 });
  });

  it('comes back empty after its timeout', async () => {
    const backend = await backendFor([subscription(uniqueGroup(12), 0)], { timeoutMs: 5 });
    expect(new Taker(backend).take(1, 2)).toEqual([]);
    const two = [subscription(uniqueGroup(12), 0), subscription(uniqueGroup(13), 0)];
    expect(new Taker(await backendFor(two, { timeoutMs: 5 })).take(1, 2)).toEqual([]);
  });

  it.skipIf(namespace === null)('says that a driver has no hardware timestamps', async () => {
    await namespace!.inside(async () => {
      const opened = backendFor([subscription(uniqueGroup(1), 0, 'vb')], { timestamping: 'hardware' });
      await expect(opened).rejects.toMatchObject({
        code: 'backend-refused',
        message: expect.stringMatching(/on vb: E\w+ switching on hardware timestamps; the driver/),
      });
    });
  });

  it('says which interface is missing and which there are', async () => {
    await expect(backendFor([subscription(uniqueGroup(1), 0, 'nosuch0')])).rejects.toMatchObject({
      code: 'interface-missing',
      message: 'there is no interface nosuch0',
      hint: expect.stringContaining('lo (127.0.0.1'),
    });
    await expect(backendFor([subscription(uniqueGroup(1), 0, '192.0.2.77')])).rejects.toMatchObject({
      code: 'interface-missing',
      message: 'no interface has the address 192.0.2.77',
    });
    await expect(backendFor([subscription('192.0.2.77', 0, null)])).rejects.toMatchObject({
      code: 'socket-failed',
      message: expect.stringContaining('192.0.2.77:0: EADDRNOTAVAIL binding'),
    });
  });
});

describe('sender', () => {
  it('sends the same bytes without native calls', async () => {
    const group = uniqueGroup(14);
    const backend = await backendFor([subscription(group, 0)]);
    const sender = await senderTo(group, backend.sockets[0]!.port, {}, 'dgram');
    expect(sender.name).toBe('dgram');
    sendAll(sender, 150);
    await sender.close();
    open.pop();
    expect(sender).toMatchObject({ sent: 150, sendErrors: 0 });
    expect(new Taker(backend).take(150).map(numberOf)).toEqual(Array.from({ length: 150 }, (_, at) => at));
  });

  it('sends a full batch by itself, also of the largest datagrams', async () => {
    const group = uniqueGroup(15);
    const backend = await backendFor([subscription(group, 0)], { receiveBufferBytes: 8 << 20 });
    const sender = await senderTo(group, backend.sockets[0]!.port, { batch: 32 });
    for (let index = 0; index < 40; index += 1) sender.send(payload(index, 65_507), 0, 65_507);
    expect(sender.sent).toBeGreaterThanOrEqual(32);
    sender.flush();
    expect(sender).toMatchObject({ sent: 40, sendErrors: 0 });
    const taken = new Taker(backend, 64, 65_536).take(40);
    expect(taken.map(({ datagram }) => datagram.length)).toEqual(new Array(40).fill(65_507));
  });

  it('counts what nobody listens to and goes on', async () => {
    const backend = await backendFor([subscription('127.0.0.1', 0, null)]);
    const port = backend.sockets[0]!.port;
    const sender = await senderTo('127.0.0.1', port, { iface: null });
    backend.close();
    open.splice(open.indexOf(backend), 1);
    sendAll(sender, 10);
    sendAll(sender, 10);
    expect(sender.sent + sender.sendErrors).toBe(20);
  });
});
