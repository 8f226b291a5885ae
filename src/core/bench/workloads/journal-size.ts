import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { JournalOutput } from '../../convert/journal-output.ts';
import { BLOCK_PLAIN_MAX, BlockCodec, blockEnd } from '../../journal/compressed-block.ts';
import { BLOCK_HEADER_BYTES } from '../../journal/compressed-file.ts';
import { type SegmentFile, segmentFiles } from '../../journal/directory.ts';
import { JournalWriter } from '../../journal/journal-writer.ts';
import { NODE_DISK } from '../../journal/node-disk.ts';
import { openSegmentBytes } from '../../journal/segment-bytes.ts';
import { PERFECT } from '../../simulate/impairment.ts';
import { MIX_DEFAULT } from '../../simulate/mix.ts';
import { Simulation } from '../../simulate/simulation.ts';
import { BenchFolder, journalOptions } from '../journal-maker.ts';
import { readAll } from '../whole-run.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { SEED } from './synthetic.ts';

const ACTIONS_PER_STEP = 10_000;
const LIVE_SIMULATED = 10_000;

/** Blocks of a closed segment to and from their compressed form; the bytes are those of what is made. */
export async function compressBlocks(
  options: WorkloadOptions,
  direction: 'pack' | 'unpack',
): Promise<Workload> {
  const folder = new BenchFolder();
  const { events, blocks } = await simulatedBlocks(folder.path, options.events);
  folder.remove();
  const codec = new BlockCodec(BLOCK_PLAIN_MAX);
  const packed = blocks.map((plain) => codec.pack(plain));
  const into = new Uint8Array(BLOCK_PLAIN_MAX);
  const plainBytes = blocks.reduce((sum, { length }) => sum + length, 0);
  const packedBytes = packed.reduce((sum, block) => sum + block.packed.length + BLOCK_HEADER_BYTES, 0);
  return {
    units: events,
    bytes: direction === 'pack' ? packedBytes : plainBytes,
    note: `mdx simulate --messages ${options.events}: 8 instruments, ${LIVE_SIMULATED} orders live, random 64-bit ids`,
    reset() {},
    run() {
      for (const [index, plain] of blocks.entries()) {
        if (direction === 'pack') codec.pack(plain);
        else if (
          !codec.unpack(packed[index]!.packed, packed[index]!.contentBytes, into.subarray(0, plain.length))
        )
          throw new Error('a block does not come back');
      }
    },
    checksum: () => null,
  };
}

/** A simulated ITCH session as a journal of one segment, in blocks as they are compressed. */
async function simulatedBlocks(
  folder: string,
  messages: number,
): Promise<{ readonly events: number; readonly blocks: Uint8Array<ArrayBuffer>[] }> {
  const capture = join(folder, 'itch.pcap');
  simulate(capture, messages);
  const directory = join(folder, 'j');
  const writer = JournalWriter.open(journalOptions(directory), 'refuse');
  const output = new JournalOutput(writer, 10);
  await readAll(capture, { observers: [output] });
  output.finish();
  const [file] = segmentFiles(NODE_DISK.list(directory));
  return { events: writer.written, blocks: blocksOf(directory, file!) };
}

function simulate(path: string, messages: number): void {
  const file = openSync(path, 'w');
  const simulation = new Simulation({
    profile: {
      kind: 'exchange',
      instruments: 8,
      messages,
      ordersLive: LIVE_SIMULATED,
      zipf: 1,
      mix: MIX_DEFAULT,
      bursts: 0.3,
      rate: 100_000,
    },
    seed: SEED,
    date: '2026-01-05',
    a: { format: 'pcap', sink: (bytes) => void writeSync(file, bytes), impairments: PERFECT },
    b: null,
  });
  while (simulation.step(ACTIONS_PER_STEP));
  closeSync(file);
}

function blocksOf(directory: string, file: SegmentFile): Uint8Array<ArrayBuffer>[] {
  const segment = openSegmentBytes(NODE_DISK, directory, file);
  const bytes = new Uint8Array(segment.bytes);
  segment.read(bytes, 0);
  segment.close();
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += blocks.at(-1)!.length) {
    const end = blockEnd(new DataView(bytes.buffer, at));
    if (end === 0) throw new Error(`no frame at ${at}`);
    blocks.push(bytes.subarray(at, at + end));
  }
  return blocks;
}
