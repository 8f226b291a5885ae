import { expect, test } from 'vitest';
import { ByteWindow } from '../../../../src/core/binary/byte-window.ts';
import { itch } from '../../../../src/core/feeds/itch/index.ts';
import { Bench, blocksOf } from './harness.ts';
import { SAMPLE_TIME, sampleOf } from './samples.ts';

const MIDNIGHT = 1_692_676_800_000_000_000n;

test.each([1, 16, 4096])(
  'messages too short for a time have no part in the times of a stream (%i bytes at a time)',
  (chunk) => {
    const message = sampleOf('D');
    const later = message.slice();
    later[10]! += 1;
    const short = message.slice(0, 8);
    const bytes = blocksOf([short, message, later, short]);
    const { dictionary, writer, counts } = new Bench();
    const decoder = itch.streamDecoder!(
      { channel: 0, dictionary, writer, counts, midnight: MIDNIGHT },
      'length-prefixed',
    );
    const window = new ByteWindow(70_000);
    for (let fed = 0; fed < bytes.length; fed += chunk) {
      const part = bytes.subarray(fed, fed + chunk);
      window.room().set(part);
      window.commit(part.length);
      decoder.decode(window);
    }
    const time = MIDNIGHT + BigInt(SAMPLE_TIME);
    expect([decoder.firstTime, decoder.lastTime]).toEqual([time, time + 1n]);
  },
);
