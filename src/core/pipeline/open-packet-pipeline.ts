import { toBigUint } from '../binary/time.ts';
import { MdxError } from '../errors.ts';
import type { Feed } from '../feeds/feed.ts';
import type { FlowFilter } from './flows.ts';
import { PacketPipeline } from './packet-pipeline.ts';
import type { RunState } from './run-state.ts';

/**
 * What turns the packets of a run into events, once their feed is known. Throws MdxError where the feed has no packets, or
 * not the snapshots that are asked for. @param path of the input, for messages.
 */
export function openPacketPipeline(
  state: RunState,
  feed: Feed,
  path: string,
  flows: FlowFilter,
): PacketPipeline {
  const { counts, sink, messages } = state.openBooks(feed);
  if (feed.packetDecoders === undefined) {
    throw new MdxError('feed-none', `reading ${path}: ${feed.name} does not come in packets`);
  }
  state.framing = feed.framings[0]!;
  const { arbiter, messagesMax, snapshots, snapshotRequired } = state.options;
  const expected = snapshots.length > 0 || snapshotRequired;
  if (expected && feed.hasSnapshots !== true) {
    const flag = snapshotRequired ? '--start snapshot' : '--snapshot';
    throw new MdxError('usage', `${flag}: ${feed.name} has no snapshot channel`);
  }
  const pipeline = new PacketPipeline({
    feed,
    counts,
    dictionary: state.dictionary,
    batch: state.batch,
    sink,
    messages,
    flows,
    snapshots: { expected, required: snapshotRequired },
    arbiter,
    midnight: ({ timeHigh, timeLow }) => state.midnight(feed, toBigUint(timeHigh, timeLow)),
    messagesMax,
  });
  state.inputPlaces = () => pipeline.places;
  state.sessionOf = (channel) => pipeline.sessionOf(channel);
  return pipeline;
}
