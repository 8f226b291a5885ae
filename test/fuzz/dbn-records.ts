import type { Random } from '../../src/core/binary/random.ts';
import { DbnDescriber } from '../../src/core/feeds/dbn/describer.ts';
import { RECORD_KINDS } from '../../src/core/feeds/dbn/layout.ts';
import { encodeMetadata, metadataVersion } from '../../src/core/feeds/dbn/metadata.ts';
import { recordTable } from '../../src/core/feeds/dbn/record-tables.ts';
import { readRecord, writeRecord } from '../../src/core/feeds/dbn/records.ts';
import { upgradeRecord } from '../../src/core/feeds/dbn/upgrade.ts';
import type { MessageSink } from '../../src/core/feeds/message-sink.ts';
import type { Scratch } from './scratch.ts';
import { holds, same } from './target.ts';

const RECORDS_MAX = 24;
/** Room that any record fits. */
const RECORD_ROOM = 1100;
const SCHEMAS = Int32Array.of(0xffff, 2, 1, 3, 0, 99);
const FLAGS = Uint8Array.of(128, 128, 128, 0, 32, 160, 132, 4);
const ACTIONS = 'AACCMMTTRFN?';
const SIDES = 'ABN?';
const LEVEL_BYTES = 32;
const START = 1_692_712_800_000_000_000n;
const PRICE_UNDEFINED = (1n << 63n) - 1n;

/** Metadata of any version and schema, then records of all kinds about few books; those with levels mostly in order. */
export function writeRecords(input: Scratch, random: Random): void {
  const version = 1 + random.below(3);
  input.set(
    encodeMetadata({
      version,
      dataset: 'TEST.FUZZ',
      schema: SCHEMAS[random.below(SCHEMAS.length)]!,
      start: START,
      end: 0n,
      limit: 0n,
      recordCount: 0n,
      symbolTypeIn: 1,
      symbolTypeOut: 0,
      sendTimes: 0,
      symbolBytes: version === 1 ? 22 : 71,
      symbols: random.below(2) === 0 ? [] : ['CLX5'],
      partial: [],
      notFound: [],
      mappings: [],
    }),
  );
  let time = START;
  for (let left = random.below(RECORDS_MAX); left > 0 && input.room > RECORD_ROOM; left -= 1) {
    time += BigInt(random.below(1 << 30));
    writeRecordOf(input, random, version, time);
  }
}

function writeRecordOf(input: Scratch, random: Random, version: number, time: bigint): void {
  const { view, bytes } = input;
  const kind = RECORD_KINDS[random.below(RECORD_KINDS.length)]!;
  const length = kind.bytes[version - 1]!;
  const at = input.length;
  bytes.fill(random.below(4) === 0 ? random.below(256) : 0, at, at + length + 8);
  view.setUint8(at, length / 4 + (random.below(16) === 0 ? 2 : 0));
  view.setUint8(at + 1, kind.rtype);
  view.setUint16(at + 2, 1, true);
  view.setUint32(at + 4, 1 + random.below(2), true);
  view.setBigUint64(at + 8, random.below(24) === 0 ? (1n << 64n) - 1n : time, true);
  view.setBigUint64(at + kind.indexTime, random.below(24) === 0 ? (1n << 64n) - 1n : time, true);
  for (const field of recordTable(kind.rtype, version)!.fields) {
    const place = at + field.offset;
    if (field.name === 'action' && field.type === 'char') {
      view.setUint8(place, ACTIONS.charCodeAt(random.below(ACTIONS.length)));
    } else if (field.name === 'side') view.setUint8(place, SIDES.charCodeAt(random.below(SIDES.length)));
    else if (field.name === 'flags') view.setUint8(place, FLAGS[random.below(FLAGS.length)]!);
    else if (field.name === 'size') view.setInt32(place, random.below(20) - 1, true);
    else if (field.type === 'levels') writeLevels(view, place, field.count, random);
  }
  input.length += view.getUint8(at) * 4;
}

function writeLevels(view: DataView, from: number, count: number, random: Random): void {
  const used = random.below(count + 1);
  let bid = 20;
  let ask = 20;
  for (let level = 0; level < count; level += 1) {
    const at = from + level * LEVEL_BYTES;
    const slip = random.below(200) === 0 ? 0 : 1;
    bid -= slip + random.below(2);
    ask += slip + random.below(2);
    view.setBigInt64(at, level < used ? BigInt(bid) : PRICE_UNDEFINED, true);
    view.setBigInt64(at + 8, level < used ? BigInt(ask) : PRICE_UNDEFINED, true);
    for (let word = 16; word < LEVEL_BYTES; word += 4) {
      view.setInt32(at + word, level < used ? random.below(3) : 0, true);
    }
  }
}

/** Prints every record, writes it again, and writes it as version 3. */
export class RecordExaminer implements MessageSink {
  #version = 0;
  #describer: DbnDescriber | null = null;

  head(bytes: Uint8Array): void {
    this.#version = metadataVersion(bytes);
    this.#describer = new DbnDescriber(bytes);
  }

  message(bytes: Uint8Array, offset: number, length: number): void {
    const version = this.#version;
    const values = readRecord(bytes, offset, version);
    const plain = this.#describer!.describe(bytes, offset, length, false);
    const pretty = this.#describer!.describe(bytes, offset, length, true);
    same('a record that is printed is one that is read', plain !== null, values !== null);
    same(
      'names of the fields',
      Object.keys(pretty?.fields ?? {}).join(),
      Object.keys(plain?.fields ?? {}).join(),
    );
    if (values === null) return;
    const written = writeRecord(values, version);
    const again = readRecord(written, 0, version)!;
    for (const [name, value] of Object.entries(values)) {
      if (name !== 'length_words' && typeof value !== 'object')
        same(`${name} written and read`, again[name], value);
    }
    const upgraded = upgradeRecord(bytes, offset, version);
    if (upgraded !== null) holds(readRecord(upgraded, 0, 3) !== null, 'what was upgraded can be read');
  }
}
