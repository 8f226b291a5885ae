import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CAPTURE_DAMAGED, CAPTURE_END, CAPTURE_TRUNCATED } from '../../../src/core/capture/capture-reader.ts';
import { concat, counting, u16, u32 } from './bytes.ts';
import { ethernet, ipv4, ipv6, udp } from './frames.ts';
import { Blocks } from './pcapng-blocks.ts';
import { walk } from './walk.ts';

const FINAL: readonly number[] = [CAPTURE_END, CAPTURE_TRUNCATED, CAPTURE_DAMAGED];
const tagged = ethernet(
  0x8100,
  concat(u16(100), u16(0x0800), ipv4(udp(counting(12)), { options: [1, 1, 1, 1] })),
);
const frames = [ethernet(0x0800, ipv4(udp(counting(30)))), tagged, ethernet(0x86dd, ipv6(udp(counting(9))))];

function pcapOf(): Uint8Array {
  const order = 'little';
  const records = frames.map((frame) =>
    concat(u32(1, order), u32(2, order), u32(frame.length, order), u32(frame.length, order), frame),
  );
  const start = concat(u32(0xa1b23c4d, order), u16(2, order), u16(4, order), u32(0), u32(0));
  return concat(start, u32(65535, order), u32(1, order), ...records);
}

function pcapngOf(): Uint8Array {
  const blocks = new Blocks('big');
  return concat(
    blocks.section(),
    blocks.interface(1, 0, blocks.resolution(12), blocks.option(2, [65])),
    ...frames.map((frame) => blocks.packet(0, 1n, frame)),
    blocks.block(5, counting(12)),
    blocks.simplePacket(frames[0]!.length, frames[0]!),
  );
}

describe.each<['pcap' | 'pcapng', Uint8Array]>([
  ['pcap', pcapOf()],
  ['pcapng', pcapngOf()],
])('%s', (format, whole) => {
  test('any bytes are read to a final answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(0, 24, 28), (bytes, keep) => {
        const { answer, packets } = walk(concat(whole.subarray(0, keep), bytes), 64, format);
        expect(FINAL).toContain(answer);
        expect(packets.length).toBeLessThanOrEqual(bytes.length / 12);
      }),
      { numRuns: 2000 },
    );
  });

  test('a good file with any bytes changed is read to a final answer, in any chunks alike', () => {
    const change = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255) });
    const changes = fc.array(change, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(changes, fc.integer({ min: 1, max: 100 }), (given, chunk) => {
        const bytes = whole.slice();
        for (const { at, value } of given) bytes[at] = value;
        const { packets, answer, problem, problemOffset } = walk(bytes, bytes.length, format);
        expect(FINAL).toContain(answer);
        expect(problem === null).toBe(answer === CAPTURE_END);
        expect(problemOffset).toBeLessThanOrEqual(bytes.length);
        expect(walk(bytes, chunk, format)).toMatchObject({ packets, answer, problem, problemOffset });
      }),
      { numRuns: 3000 },
    );
  });
});

test('a payload lies in its packet, whatever the bytes', () => {
  const linkType = fc.constantFrom(0, 1, 12, 101, 108, 113, 228, 229, 240, 241, 274, 276);
  const start = fc.constantFrom(...frames, ...frames.map((frame) => frame.subarray(14)));
  const change = fc.record({ at: fc.nat(90), value: fc.nat(255) });
  const blocks = new Blocks();
  fc.assert(
    fc.property(
      linkType,
      start,
      fc.array(change, { maxLength: 4 }),
      fc.nat(90),
      (link, good, changes, length) => {
        const frame = good.slice(0, length);
        for (const { at, value } of changes) if (at < frame.length) frame[at] = value;
        const file = concat(
          blocks.section(),
          blocks.interface(link, 0),
          blocks.packet(0, 1n, frame, { original: 99 }),
        );
        const [packet] = walk(file).packets;
        if (packet!.payload !== null) expect(packet!.data).toContain(packet!.payload);
        expect(packet!.udp).not.toBe('linkType');
      },
    ),
    { numRuns: 3000 },
  );
});
