import type { LineFile } from './feed-session.ts';
import { type LineName, type LineProfile, PacketLine } from './line.ts';
import { T7_SHAPE } from './t7-shape.ts';

/** Most bytes of a packet. */
export const PACKET_BYTES_MAX = 1400;
const CHANGES_PORT = 59_001;
const SNAPSHOT_PORT = 59_000;

/** Opens the line of changes, or of snapshots, in a file. */
export function openT7Line(file: LineFile, isSnapshot: boolean): PacketLine {
  const profile = profileOf(isSnapshot ? `${file.name} snapshot` : file.name, file.name === 'B');
  return new PacketLine(profile, T7_SHAPE, file.openWire(profile, T7_SHAPE));
}

function profileOf(name: LineName, isB: boolean): LineProfile {
  const isSnapshot = name.endsWith('snapshot');
  const third = isSnapshot ? 114 : 79;
  return {
    name,
    group: `224.0.${isB ? third + 1 : third}.${isSnapshot ? 10 : 9}`,
    port: isSnapshot ? SNAPSHOT_PORT : CHANGES_PORT,
    source: isB ? '193.29.94.12' : '193.29.94.11',
    sourcePort: isSnapshot ? 18_100 : 18_101,
    latencyNs: isB ? 6_500 : 4_000,
  };
}
