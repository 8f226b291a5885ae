import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import type { Random } from '../../../src/core/binary/random.ts';
import {
  CAPTURE_MORE,
  CAPTURE_PACKET,
  CAPTURE_RECORD,
  CAPTURE_STATISTICS,
  type CaptureFormat,
  CaptureReader,
  detectCapture,
} from '../../../src/core/capture/capture-reader.ts';
import { WINDOW_BYTES_MIN } from '../../../src/core/capture/captured-packet.ts';
import { SKIP_NAMES, UDP_OK, UdpExtractor } from '../../../src/core/capture/udp.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { Broken, type Episode, holds, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 256;
const INPUT_BYTES = 16_384;
/** No packet of either format takes fewer bytes in the file. */
const PACKET_BYTES_MIN = 12;
const ANSWERS: readonly string[] = ['packet', 'more', 'end', 'truncated', 'damaged'];

/** A capture read at once and in pieces: same packets, same payloads, same end. */
export function captureTarget(format: CaptureFormat, inputs: readonly Uint8Array[]): Target {
  // One window for all, as in production: what is left in it from the case before must not show.
  const window = new ByteWindow(WINDOW_BYTES_MIN);
  return {
    name: format,
    title: `${format} files → reader, UDP extractor, at once and in pieces`,
    share: 60,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new CaptureEpisode(format, inputs, window, random, outcomes),
  };
}

interface Walk {
  readonly answer: number;
  readonly problem: string | null;
  readonly problemOffset: number;
  readonly packets: number;
  readonly digest: number;
}

class CaptureEpisode implements Episode {
  readonly #format: CaptureFormat;
  readonly #inputs: readonly Uint8Array[];
  readonly #window: ByteWindow;
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #input: Scratch = new Scratch(INPUT_BYTES);
  readonly #extractor: UdpExtractor = new UdpExtractor();
  readonly #datagram: Datagram = new Datagram();
  #digest = 0;

  constructor(
    format: CaptureFormat,
    inputs: readonly Uint8Array[],
    window: ByteWindow,
    random: Random,
    outcomes: Outcomes,
  ) {
    this.#format = format;
    this.#inputs = inputs;
    this.#window = window;
    this.#random = random;
    this.#outcomes = outcomes;
  }

  next(): void {
    const random = this.#random;
    const inputs = this.#inputs;
    const input = this.#input;
    input.set(inputs[random.below(inputs.length)]!);
    // Shorter inputs: more mutants reach what stands behind the first packets.
    if (random.below(2) === 0) input.length = Math.min(input.length, 64 + random.below(1024));
    mutate(input, random, inputs[random.below(inputs.length)]!);
    detectCapture(input.content());
    const whole = this.#walk(input.length + 1, true);
    const cut = this.#walk(1 + random.below(random.below(2) === 0 ? 16 : 512), false);
    same('answer in pieces', cut.answer, whole.answer);
    same('problem in pieces', cut.problem, whole.problem);
    same('place of the problem in pieces', cut.problemOffset, whole.problemOffset);
    same('packets in pieces', cut.packets, whole.packets);
    same('digest in pieces', cut.digest, whole.digest);
    this.#outcomes.add(ANSWERS[whole.answer]!);
  }

  end(): void {
    // Every case stands alone.
  }

  #walk(size: number, counted: boolean): Walk {
    const window = this.#window;
    const { bytes, length } = this.#input;
    window.reset();
    const reader = new CaptureReader(window, this.#format);
    let fed = 0;
    let packets = 0;
    let answer = CAPTURE_MORE;
    this.#digest = 0;
    for (;;) {
      const before = window.offset;
      answer = reader.next();
      if (answer === CAPTURE_PACKET) {
        packets += 1;
        holds(window.offset - before >= PACKET_BYTES_MIN, 'a packet without progress');
        this.#see(reader, counted);
      } else if (answer === CAPTURE_RECORD || answer === CAPTURE_STATISTICS) {
        holds(window.offset > before, 'a record without progress');
        this.#seeRecord(reader, answer);
        if (counted) this.#outcomes.add(answer === CAPTURE_RECORD ? 'record' : 'statistics');
      } else if (answer === CAPTURE_MORE) {
        holds(!window.ended, 'more is wanted of a capture that has ended');
        const room = window.room();
        const count = Math.min(size, room.length, length - fed);
        holds(count > 0 || fed === length, 'the reader leaves a full window as it is');
        room.set(bytes.subarray(fed, fed + count));
        window.commit(count);
        fed += count;
        window.ended = fed === length;
      } else break;
    }
    const { problem, problemOffset } = reader;
    same('answer when asked again', reader.next(), answer);
    holds(problemOffset <= length, `a problem at ${problemOffset} of ${length} bytes`);
    return { answer, problem, problemOffset, packets, digest: this.#digest };
  }

  /** A packet lies in the window, and its payload in the packet. */
  #see(reader: CaptureReader, counted: boolean): void {
    const window = this.#window;
    const datagram = this.#datagram;
    const { dataOffset, capturedLength, originalLength } = reader;
    const end = dataOffset + capturedLength;
    if (dataOffset < 0 || capturedLength < 0 || end > window.limit || originalLength < capturedLength)
      throw new Broken(
        `a packet at ${dataOffset}, ${capturedLength} of ${originalLength} bytes, limit ${window.limit}`,
      );
    const outcome = this.#extractor.extract(reader, window, datagram);
    if (counted) this.#outcomes.add(`udp ${SKIP_NAMES[outcome]}`);
    this.#mix(outcome);
    this.#mix(capturedLength);
    this.#mix(originalLength);
    this.#mix(reader.linkType);
    this.#mix(reader.interfaceId);
    this.#mix(reader.timeHigh);
    this.#mix(reader.timeLow);
    let from = dataOffset;
    let to = end;
    if (outcome === UDP_OK) {
      from = datagram.offset;
      to = from + datagram.length;
      if (from < dataOffset || to > end)
        throw new Broken(`a payload at ${from} … ${to} of a packet at ${dataOffset} … ${end}`);
      this.#mix(datagram.destinationPort);
    }
    for (let at = from; at < to; at += 1) this.#mix(window.bytes[at]!);
  }

  #seeRecord({ record, statistics }: CaptureReader, answer: number): void {
    this.#mix(answer);
    if (answer === CAPTURE_RECORD) {
      const { kind, state, by, channel, session, first, count, timeHigh, timeLow, interfaceId } = record;
      holds(first + count <= 2 ** 53, `numbers ${first} + ${count}`);
      const words = [
        kind,
        state,
        by,
        channel,
        first % 65_521,
        count % 65_521,
        timeHigh,
        timeLow,
        interfaceId,
      ];
      for (const word of [...words, ...session]) this.#mix(word);
    } else {
      const { interfaceId, timeHigh, timeLow, received, systemDropped, delivered } = statistics;
      const words = [received, systemDropped, delivered].map((value) => value % 65_521);
      for (const word of [interfaceId, timeHigh, timeLow, ...words]) this.#mix(word);
    }
  }

  #mix(value: number): void {
    this.#digest = (Math.imul(this.#digest ^ value, 0x01000193) ^ (this.#digest >>> 13)) | 0;
  }
}
