import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packetFilter } from '../../../src/core/net/linux/packet-filter.ts';
import { frame, subscription } from './traffic.ts';

/** What classic BPF does, written down from its definition; loads outside the packet reject it. */
function run(filter: Uint8Array, packet: Uint8Array): number {
  const code = new DataView(filter.buffer, filter.byteOffset, filter.length);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  let [a, x, at] = [0, 0, 0];
  for (;;) {
    const operation = code.getUint16(at, true);
    const [jt, jf] = [code.getUint8(at + 2), code.getUint8(at + 3)];
    const k = code.getUint32(at + 4, true);
    at += 8;
    try {
      switch (operation) {
        case 0x28:
          a = view.getUint16(k);
          break;
        case 0x30:
          a = view.getUint8(k);
          break;
        case 0x20:
          a = view.getUint32(k);
          break;
        case 0x48:
          a = view.getUint16(x + k);
          break;
        case 0xb1:
          x = (view.getUint8(k) & 15) * 4;
          break;
        case 0x15:
          at += 8 * (a === k ? jt : jf);
          break;
        case 0x45:
          at += 8 * ((a & k) !== 0 ? jt : jf);
          break;
        case 0x05:
          at += 8 * k;
          break;
        case 0x06:
          return k;
        default:
          throw new Error(`operation ${operation}`);
      }
    } catch (error) {
      if (error instanceof RangeError) return 0;
      throw error;
    }
  }
}

const ACCEPT = 0x40000;
const data = new Uint8Array(20);

describe('packet filter', () => {
  const addresses = [
    '239.1.1.1',
    '239.1.1.2',
    '239.1.2.1',
    '10.0.0.1',
    'ff05::1',
    'ff05::2',
    'ff05:0:0:1::1',
  ];
  const ports = [5001, 5002, 137];
  const pair = fc.tuple(fc.constantFrom(...addresses), fc.constantFrom(...ports));
  const vlan = fc.constantFrom(null, 7);

  it('lets exactly the subscribed groups and ports through, bare and behind a tag', () => {
    void fc.assert(
      fc.property(
        fc.array(pair, { minLength: 1, maxLength: 6 }),
        pair,
        vlan,
        (wanted, [group, port], tag) => {
          const filter = packetFilter(wanted.map(([each, number]) => subscription(each, number)));
          const isWanted = wanted.some(([each, number]) => each === group && number === port);
          expect(run(filter, frame(group, port, data, tag))).toBe(isWanted ? ACCEPT : 0);
        },
      ),
    );
  });

  it('reads the port behind IPv4 options', () => {
    const filter = packetFilter([subscription('239.1.1.1', 5001)]);
    const plain = frame('239.1.1.1', 5001, data);
    const optioned = Uint8Array.of(...plain.subarray(0, 34), 1, 1, 1, 1, ...plain.subarray(34));
    optioned[14] = 0x46;
    expect(run(filter, optioned)).toBe(ACCEPT);
  });

  it('lets a little of each fragment to a group through, of none to another', () => {
    const filter = packetFilter([subscription('239.1.1.1', 5001), subscription('ff05::1', 5001)]);
    for (const bits of [0x2000, 0x0001, 0x20b9]) {
      const fragment = frame('239.1.1.1', 9, data);
      new DataView(fragment.buffer).setUint16(20, bits);
      expect(run(filter, fragment)).toBe(96);
      const other = frame('239.1.1.3', 5001, data);
      new DataView(other.buffer).setUint16(20, bits);
      expect(run(filter, other)).toBe(0);
    }
    const fragment6 = frame('ff05::1', 5001, data);
    fragment6[14 + 6] = 44;
    expect(run(filter, fragment6)).toBe(96);
  });

  it('minds the source where one was named, and no address where none was', () => {
    const one = packetFilter([subscription('239.1.1.1', 5001, null, '10.9.1.1')]);
    expect(run(one, frame('239.1.1.1', 5001, data))).toBe(ACCEPT);
    expect(
      run(packetFilter([subscription('239.1.1.1', 5001, null, '10.9.1.2')]), frame('239.1.1.1', 5001, data)),
    ).toBe(0);
    expect(run(packetFilter([subscription('0.0.0.0', 5001)]), frame('10.0.0.1', 5001, data))).toBe(ACCEPT);
  });

  it('rejects what is no UDP, no IP, or too short', () => {
    const filter = packetFilter([subscription('239.1.1.1', 5001), subscription('ff05::1', 5001)]);
    const tcp = frame('239.1.1.1', 5001, data);
    tcp[23] = 6;
    const arp = frame('239.1.1.1', 5001, data);
    arp.set([0x08, 0x06], 12);
    const whole = frame('239.1.1.1', 5001, data);
    expect([run(filter, tcp), run(filter, arp), run(filter, whole.subarray(0, 37))]).toEqual([0, 0, 0]);
  });

  it('holds hundreds of groups, and says when there are too many', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => subscription(`239.7.${index >> 8}.${index & 255}`, 5001));
    const filter = packetFilter(many(200));
    expect(run(filter, frame('239.7.0.0', 5001, data))).toBe(ACCEPT);
    expect(run(filter, frame('239.7.0.199', 5001, data, 9))).toBe(ACCEPT);
    expect(run(filter, frame('239.7.0.200', 5001, data))).toBe(0);
    expect(() => packetFilter(many(250))).toThrow(/too many groups/);
  });
});
