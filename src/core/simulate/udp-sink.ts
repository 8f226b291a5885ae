import { parseAddress } from '../capture/address.ts';
import { type CaptureWriter, PcapngWriter, type UdpHeader } from '../capture/capture-writer.ts';
import type { PacketSink } from './impairment.ts';
import type { LineProfile } from './line.ts';
import { UnixTime } from './unix-time.ts';

export interface UdpSinkOptions {
  readonly profile: LineProfile;
  readonly writer: CaptureWriter;
  /** ns since 1970 of the midnight that times count from. */
  readonly midnight: bigint;
  /** When the latest packet of the whole file arrived: lines that share a file share this, so that no time falls. */
  readonly arrival: { time: number };
  /** The feed's name, for the description of a pcapng interface. */
  readonly feed: string;
}

/** Writes packets as UDP datagrams of a line. */
export function packetSink({ profile, writer, midnight, arrival, feed }: UdpSinkOptions): PacketSink {
  const clock = new UnixTime(midnight);
  const { name, group, port } = profile;
  const pcapng = writer instanceof PcapngWriter ? writer : null;
  const description = `mdx/1 line=${name[0]} clock=file source=udp://${group}:${port} feed=${feed}`;
  const interfaceId = pcapng?.addInterface({ name, description }) ?? 0;
  const header = {
    timeHigh: 0,
    timeLow: 0,
    ipVersion: 4,
    source: wordsOf(profile.source),
    sourcePort: profile.sourcePort,
    destination: wordsOf(group),
    destinationPort: port,
  } satisfies UdpHeader;
  return (payload, time) => {
    arrival.time = Math.max(arrival.time, time);
    clock.set(arrival.time);
    header.timeHigh = clock.high;
    header.timeLow = clock.low;
    if (pcapng !== null) pcapng.interfaceId = interfaceId;
    writer.writeUdp(header, payload, 0, payload.length);
  };
}

function wordsOf(address: string): Int32Array {
  const parsed = parseAddress(address);
  if (parsed === null) throw new RangeError(`${address} is no address`);
  return parsed.words;
}
