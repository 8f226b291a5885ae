import type { Random } from '../../../src/core/binary/random.ts';
import { dbn } from '../../../src/core/feeds/dbn/index.ts';
import { RECORD_KINDS } from '../../../src/core/feeds/dbn/layout.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import type { Corpus } from '../corpus.ts';
import { RecordExaminer, writeRecords } from '../dbn-records.ts';
import { ItchWriter } from '../itch-messages.ts';
import type { Scratch } from '../scratch.ts';
import type { Target } from '../target.ts';
import { streamTarget } from './stream.ts';

const MESSAGES_MAX = 24;
/** Room that any message or record fits. */
const MESSAGE_ROOM = 1100;
const MIDNIGHT = 1_692_676_800_000_000_000n;

const ACTIONS = 'AAAAAACCCMMMFTRNX';
const SIDES = 'BBBBAAAAN?';
const FLAGS = Uint8Array.of(128, 128, 128, 0, 0, 64, 192, 32, 160, 16, 144, 8, 4, 255);
const SIZES = Int32Array.of(1, 1, 2, 3, 5, 100, 0, -1, 0x7fffffff, -0x80000000);
const TIME_HIGH = 394_115_000;
const EDGE_ONE_IN = 32;

export function streamTargets(corpus: Corpus): Target[] {
  return [
    streamTarget({
      name: 'soupbintcp',
      title: 'SoupBinTCP streams of ITCH, at once and in pieces',
      share: 30,
      feed: itch,
      framing: 'soupbintcp',
      midnight: MIDNIGHT,
      inputs: corpus.soup,
      write: writeSoup,
    }),
    streamTarget({
      name: 'length-prefixed',
      title: 'length-prefixed streams of ITCH, at once and in pieces',
      share: 30,
      feed: itch,
      framing: 'length-prefixed',
      midnight: null,
      inputs: corpus.lengthPrefixed,
      write: writeLengthPrefixed,
    }),
    streamTarget({
      name: 'dbn',
      title: 'DBN streams, metadata and records, at once and in pieces',
      share: 80,
      feed: dbn,
      framing: 'dbn',
      midnight: null,
      inputs: corpus.dbn,
      write: (input, random) => writeDbn(input, random, corpus.dbn[0]!),
    }),
    streamTarget({
      name: 'dbn-records',
      title: 'DBN records of all types, versions and schemas, at once and in pieces',
      share: 60,
      feed: dbn,
      framing: 'dbn',
      midnight: null,
      inputs: corpus.dbn,
      write: (input, random) => writeRecords(input, random),
      examiner: () => new RecordExaminer(),
    }),
  ];
}

function writeLengthPrefixed(input: Scratch, random: Random): void {
  const writer = new ItchWriter(random);
  input.length = 0;
  for (let left = random.below(MESSAGES_MAX); left > 0; left -= 1) {
    const length = writer.write(input.view, input.length + 2);
    input.view.setUint16(input.length, length);
    input.length += 2 + length;
  }
}

function writeSoup(input: Scratch, random: Random): void {
  const writer = new ItchWriter(random);
  input.length = 0;
  let number = 1 + random.below(3);
  if (random.below(4) > 0) login(input, number);
  for (let left = random.below(MESSAGES_MAX); left > 0; left -= 1) {
    const type = 'SSSSSSUH+A'.charCodeAt(random.below(10));
    if (type === 0x41) {
      if (random.below(4) === 0) login(input, Math.max(1, number - random.below(4)));
      continue;
    }
    const bare = type === 0x48 || type === 0x2b;
    const length = bare ? 0 : writer.write(input.view, input.length + 3);
    input.view.setUint16(input.length, length + 1);
    input.view.setUint8(input.length + 2, type);
    input.length += 3 + length;
    if (type === 0x53) number += 1;
  }
}

function login(input: Scratch, number: number): void {
  input.append(Uint8Array.of(0, 31, 0x41));
  input.append(Buffer.from(`   000002A${String(number).padStart(20)}`, 'latin1'));
}

/** Metadata of our own, or any version's fixed part, then records of few orders, prices and instruments. */
function writeDbn(input: Scratch, random: Random, whole: Uint8Array): void {
  const metadata = 8 + new DataView(whole.buffer, whole.byteOffset).getUint32(4, true);
  input.set(whole.subarray(0, metadata));
  let time = 0;
  for (let left = random.below(MESSAGES_MAX); left > 0 && input.room > MESSAGE_ROOM; left -= 1) {
    time += random.below(1 << 20);
    if (random.below(12) === 0) writeOther(input, random, time);
    else writeMbo(input, random, time);
  }
}

function writeMbo(input: Scratch, random: Random, time: number): void {
  const { view } = input;
  const at = input.length;
  const edge = random.below(EDGE_ONE_IN) === 0;
  view.setUint8(at, edge ? 14 + random.below(3) : 14);
  view.setUint8(at + 1, 0xa0);
  view.setUint16(at + 2, 1 + random.below(2), true);
  view.setUint32(at + 4, 1 + random.below(3), true);
  writeTime(view, at + 8, time, random);
  view.setInt32(at + 16, 1 + random.below(24), true);
  view.setInt32(at + 20, random.below(8) === 0 ? -1 : 0, true);
  view.setInt32(at + 24, random.below(20) * 10_000_000, true);
  view.setInt32(at + 28, edge ? random.word() : 0, true);
  if (edge && random.below(2) === 0) view.setBigInt64(at + 24, (1n << 63n) - 1n, true);
  view.setInt32(at + 32, SIZES[random.below(edge ? SIZES.length : 6)]!, true);
  view.setUint8(at + 36, FLAGS[random.below(random.below(4) === 0 ? FLAGS.length : 5)]!);
  view.setUint8(at + 37, 0);
  view.setUint8(at + 38, ACTIONS.charCodeAt(random.below(ACTIONS.length)));
  view.setUint8(at + 39, SIDES.charCodeAt(random.below(random.below(8) === 0 ? SIDES.length : 8)));
  writeTime(view, at + 40, time + 500, random);
  view.setInt32(at + 48, 0, true);
  view.setInt32(at + 52, time, true);
  input.length += view.getUint8(at) * 4;
}

function writeTime(view: DataView, at: number, time: number, random: Random): void {
  const edge = random.below(EDGE_ONE_IN * 2) === 0;
  const undefinedTime = edge && random.below(2) === 0;
  view.setInt32(at, undefinedTime ? -1 : edge ? random.word() : time, true);
  view.setInt32(at + 4, undefinedTime ? -1 : TIME_HIGH + (edge ? random.below(20) - 10 : 0), true);
}

/** A record of another kind, its length that of one of the three versions. */
function writeOther(input: Scratch, random: Random, time: number): void {
  const { view, bytes } = input;
  const kind = RECORD_KINDS[random.below(RECORD_KINDS.length)]!;
  const length = kind.bytes[random.below(3)]!;
  const at = input.length;
  bytes.fill(0x20 + random.below(0x60), at, at + length);
  view.setUint8(at, length / 4);
  view.setUint8(at + 1, kind.rtype);
  view.setUint16(at + 2, 1, true);
  view.setUint32(at + 4, 1 + random.below(3), true);
  writeTime(view, at + 8, time, random);
  writeTime(view, at + kind.indexTime, time, random);
  input.length += length;
}
