import { describe, expect, it } from 'vitest';
import { toBigInt } from '../../../src/core/binary/time.ts';
import {
  ControlMessages,
  TIME_HARDWARE,
  TIME_NONE,
  TIME_SOFTWARE,
} from '../../../src/core/net/linux/control-messages.ts';

/** Control messages one behind another, as the kernel pads them. */
function composed(
  ...messages: readonly (readonly [level: number, type: number, data: readonly number[]])[]
): DataView {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [level, type, words] of messages) {
    view.setBigUint64(at, BigInt(16 + words.length * 4), true);
    view.setInt32(at + 8, level, true);
    view.setInt32(at + 12, type, true);
    for (const [index, word] of words.entries()) view.setInt32(at + 16 + index * 4, word, true);
    at = (at + 16 + words.length * 4 + 7) & ~7;
  }
  return new DataView(bytes.buffer, 0, at);
}

function read(view: DataView): ControlMessages {
  const control = new ControlMessages();
  control.read(view, 0, view.byteLength);
  return control;
}

const time = ({ time: { high, low } }: ControlMessages): bigint => toBigInt(high, low);

describe('control messages', () => {
  it('tell the time, the drops and the destination, in any order', () => {
    const control = read(
      composed([0, 8, [3, 0x0100007f, 0x010a0aef]], [1, 40, [17]], [1, 35, [1_700_000_000, 0, 123, 0]]),
    );
    expect(control.timeSource).toBe(TIME_SOFTWARE);
    expect(time(control)).toBe(1_700_000_000_000_000_123n);
    expect(control.drops).toBe(17);
    expect(control.destinationAt).toBe(24);
  });

  it.each([35, 64])('know time %i', (type) => {
    expect(time(read(composed([1, type, [5, 0, 6, 0]])))).toBe(5_000_000_006n);
  });

  it.each([37, 65])('take the hardware time of message %i where there is one', (type) => {
    const both = read(composed([1, type, [5, 0, 6, 0, 0, 0, 0, 0, 7, 0, 8, 0]]));
    expect([both.timeSource, time(both)]).toEqual([TIME_HARDWARE, 7_000_000_008n]);
    const software = read(composed([1, type, [5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0]]));
    expect([software.timeSource, time(software)]).toEqual([TIME_SOFTWARE, 5_000_000_006n]);
  });

  it('that are cut, empty or unknown say nothing', () => {
    expect(read(composed()).timeSource).toBe(TIME_NONE);
    expect(read(composed([1, 35, [5, 0]])).timeSource).toBe(TIME_NONE);
    expect(read(composed([9, 35, [5, 0, 6, 0]])).timeSource).toBe(TIME_NONE);
    const cut = composed([1, 35, [5, 0, 6, 0]]);
    const control = new ControlMessages();
    control.read(cut, 0, 24);
    expect(control.timeSource).toBe(TIME_NONE);
    cut.setInt32(0, 3, true);
    control.read(cut, 0, 32);
    expect(control.timeSource).toBe(TIME_NONE);
  });
});
