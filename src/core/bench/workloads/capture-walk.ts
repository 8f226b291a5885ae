import { ByteWindow } from '../../binary/byte-window.ts';
import { CAPTURE_END, CAPTURE_MORE, CAPTURE_PACKET, CaptureReader } from '../../capture/capture-reader.ts';
import { UDP_OK, UdpExtractor } from '../../capture/udp.ts';
import { Datagram } from '../../packet/datagram.ts';
import { EventSource } from '../event-stream.ts';
import { writeItchCapture } from '../itch-stream.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { INSTRUMENTS, SEED } from './synthetic.ts';

const LIVE = 10_000;
/** About what a packet of the capture takes. */
const PACKET_BYTES = 400;
const WINDOW_BYTES: number = 1 << 20;
const PACKETS_PER_STEP = 256;

/** A pcap file in memory, a window's fill at a time, → UDP payloads. */
export function captureWalk(options: WorkloadOptions): Workload {
  const chunks: Uint8Array[] = [];
  const source = new EventSource({
    instruments: INSTRUMENTS,
    live: LIVE,
    seed: SEED,
    shape: 'touch',
    changes: 'replace',
  });
  writeItchCapture(source, LIVE, SEED, options.events * PACKET_BYTES, (chunk) => chunks.push(chunk.slice()));
  const file = Buffer.concat(chunks);
  const window = new ByteWindow(WINDOW_BYTES);
  const datagram = new Datagram();
  datagram.attach(window.bytes);
  const extractor = new UdpExtractor();
  // V8 throws away code that it made for objects that are gone, and would compile in every run.
  const readers: CaptureReader[] = [];
  let payloads = 0;
  /** A step of the walk. @returns what the reader answered last. */
  const walkWindow = (reader: CaptureReader): number => {
    for (let packet = 0; packet < PACKETS_PER_STEP; packet += 1) {
      const step = reader.next();
      if (step !== CAPTURE_PACKET) return step;
      if (extractor.extract(reader, window, datagram) === UDP_OK) payloads += 1;
    }
    return CAPTURE_PACKET;
  };
  const walk = (): void => {
    const reader = new CaptureReader(window, 'pcap');
    readers.push(reader);
    let read = 0;
    payloads = 0;
    for (;;) {
      const step = walkWindow(reader);
      if (step === CAPTURE_PACKET) continue;
      if (step === CAPTURE_MORE) {
        const room = window.room();
        const next = file.subarray(read, read + room.length);
        room.set(next);
        window.commit(next.length);
        read += next.length;
        window.ended = read === file.length;
      } else if (step === CAPTURE_END) return;
      else throw new Error(reader.problem ?? 'the capture ended early');
    }
  };
  walk();
  return {
    units: payloads,
    bytes: file.length,
    note: null,
    reset: () => window.reset(),
    run: walk,
    checksum: () => null,
  };
}
