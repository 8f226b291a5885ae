import { expect, test } from 'vitest';
import { toBigInt } from '../../../src/core/binary/time.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { KIND_GAP } from '../../../src/core/event/record.ts';
import { FeedCounts } from '../../../src/core/feeds/counts.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { ONE_LINE } from '../../../src/core/merge/session-merge.ts';
import { PacketPipeline } from '../../../src/core/pipeline/packet-pipeline.ts';
import { datagramOf, moldPacket, Recorder } from '../feeds/itch/harness.ts';
import { SAMPLES, sampleBytes } from '../feeds/itch/samples.ts';

const RECEIVED = 1_692_712_800_000_000_000n;

/** Venue and receive times of the gaps in a run that loses every second packet. */
function gapTimes(batchRecords: number): { readonly venue: bigint; readonly receive: bigint }[] {
  const recorder = new Recorder();
  const pipeline = new PacketPipeline({
    feed: itch,
    counts: new FeedCounts(itch.typeCount),
    dictionary: new Dictionary(),
    batch: new EventBatch(batchRecords),
    sink: recorder,
    flows: { ports: null, groups: null, snapshots: [], detect: false },
    snapshots: { expected: false, required: false },
    arbiter: { ...ONE_LINE, gapTimeoutNs: 0, start: 'first-seen' },
    midnight: () => toBigInt(394_000_000, 0),
    messagesMax: Number.POSITIVE_INFINITY,
  });
  const messages = SAMPLES.map(sampleBytes);
  for (let packet = 0; packet < 6; packet += 1) {
    const sequence = BigInt(1 + packet * 2 * messages.length);
    pipeline.accept(datagramOf(moldPacket(messages, { sequence }), RECEIVED + BigInt(packet) * 1_000_000n));
  }
  pipeline.finish();
  return recorder.events
    .filter(({ kind }) => kind === 'gap')
    .map(({ venueTime, receiveTime }) => ({ venue: venueTime, receive: receiveTime }));
}

test(`a gap (kind ${KIND_GAP}) has the times of the packet that showed it, however events are cut into batches`, () => {
  const times = gapTimes(1024);
  expect(times).toHaveLength(5);
  for (const { venue, receive } of times) expect(venue).toBe(receive);
  expect(gapTimes(2)).toEqual(times);
  expect(gapTimes(7)).toEqual(times);
});
