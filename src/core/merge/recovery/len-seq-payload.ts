/**
 * `len_seq_payload`, a replay protocol over TCP: one connection per question.
 *
 *     question   REPLAY 100 105\n        first and last number, decimal, both in
 *     answer     frames, big-endian:     0 length of the payload u32 · 4 number u64 · 12 payload, a packet as it was sent
 *     end        a frame of length 0, its 12 bytes included; or the connection ends behind a whole frame
 */
export const FRAME_HEADER_BYTES = 12;
/** No UDP packet is longer. */
export const PAYLOAD_BYTES_MAX = 65535;
const TWO_32 = 4294967296;

/** Longest question that is read: the word and two numbers of 16 digits, with room for blanks of no meaning. */
export const QUESTION_BYTES_MAX = 64;
const LINE_FEED = 10;
const QUESTION = /^REPLAY (\d{1,16}) (\d{1,16})\r?$/;

/** The question for `first` … `last`. */
export function questionLine(first: number, last: number): string {
  return `REPLAY ${first} ${last}\n`;
}

/** Answers of `QuestionReader.push`. */
export const QUESTION_MORE = 0;
export const QUESTION_READ = 1;
export const QUESTION_REFUSED = 2;

/** Reads the one question of a connection, from pieces of any size. */
export class QuestionReader {
  first = 0;
  last = 0;
  /** Why it was refused. */
  problem = '';
  readonly #bytes: Uint8Array = new Uint8Array(QUESTION_BYTES_MAX);
  #length = 0;

  /** @returns one of QUESTION_*; what stands behind the line is not looked at. */
  push(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.length; at += 1) {
      if (chunk[at] === LINE_FEED) return this.#read();
      if (this.#length === QUESTION_BYTES_MAX) return this.#refuse('no line of at most 64 bytes');
      this.#bytes[this.#length] = chunk[at]!;
      this.#length += 1;
    }
    return QUESTION_MORE;
  }

  #read(): number {
    const match = QUESTION.exec(
      String.fromCharCode.apply(null, Array.from(this.#bytes.subarray(0, this.#length))),
    );
    if (match === null) return this.#refuse('no line REPLAY FIRST LAST');
    const first = Number(match[1]);
    const last = Number(match[2]);
    if (first < 1 || last > Number.MAX_SAFE_INTEGER)
      return this.#refuse('numbers that are not in 1 … 2^53 − 1');
    if (first > last) return this.#refuse('a first number above the last');
    this.first = first;
    this.last = last;
    return QUESTION_READ;
  }

  #refuse(problem: string): number {
    this.problem = problem;
    return QUESTION_REFUSED;
  }
}

/** Writes the header of a frame at `offset`; the payload stands behind it. A payload of length 0 is the end. */
export function writeFrameHeader(view: DataView, offset: number, length: number, number: number): void {
  view.setUint32(offset, length);
  view.setUint32(offset + 4, Math.floor(number / TWO_32));
  view.setUint32(offset + 8, number % TWO_32);
}

/** Takes the packets of an answer. The bytes are valid during the call. */
export interface FrameSink {
  /** @returns false to hear nothing more. */
  frame(number: number, bytes: Uint8Array, offset: number, length: number): boolean;
}

/** Where an answer stands. */
export const ANSWER_MORE = 0;
export const ANSWER_END = 1;
export const ANSWER_DAMAGED = 2;
/** The sink wants no more. */
export const ANSWER_LEFT = 3;

/** Cuts an answer, which comes in pieces of any size, into frames. Holds one frame, whatever comes. */
export class FrameReader {
  /** What was wrong, after ANSWER_DAMAGED. */
  problem = '';
  readonly #sink: FrameSink;
  readonly #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FRAME_HEADER_BYTES + PAYLOAD_BYTES_MAX);
  readonly #view: DataView<ArrayBuffer> = new DataView(this.#bytes.buffer);
  #filled = 0;
  #state = ANSWER_MORE;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Begins with the next answer. */
  reset(): void {
    this.#filled = 0;
    this.#state = ANSWER_MORE;
  }

  /** @returns one of ANSWER_*. What comes behind the end is not looked at. */
  push(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && this.#state === ANSWER_MORE) {
      const wanted = this.#wanted();
      const count = Math.min(wanted - this.#filled, chunk.length - at);
      this.#bytes.set(chunk.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === wanted) this.#whole();
    }
    return this.#state;
  }

  /** The connection has ended. @returns ANSWER_END behind a whole frame, else ANSWER_DAMAGED. */
  close(): number {
    if (this.#state !== ANSWER_MORE) return this.#state;
    if (this.#filled === 0) return ANSWER_END;
    const isInHeader = this.#filled < FRAME_HEADER_BYTES;
    return this.#damaged(`the connection ended inside the ${isInHeader ? 'header' : 'payload'} of a frame`);
  }

  /** Bytes of the frame that have to be there for the next step. */
  #wanted(): number {
    return this.#filled < FRAME_HEADER_BYTES
      ? FRAME_HEADER_BYTES
      : FRAME_HEADER_BYTES + this.#view.getUint32(0);
  }

  /** Header or payload is there. */
  #whole(): void {
    const length = this.#view.getUint32(0);
    if (this.#filled === FRAME_HEADER_BYTES) {
      if (length === 0) this.#state = ANSWER_END;
      else if (length > PAYLOAD_BYTES_MAX)
        this.#damaged(`a frame of ${length} bytes, longer than any packet`);
      else if (this.#view.getUint32(4) > 0x1fffff) this.#damaged('a frame with a number above 2^53 − 1');
      return;
    }
    this.#filled = 0;
    const number = this.#view.getUint32(4) * TWO_32 + this.#view.getUint32(8);
    if (!this.#sink.frame(number, this.#bytes, FRAME_HEADER_BYTES, length)) this.#state = ANSWER_LEFT;
  }

  #damaged(problem: string): number {
    this.problem = problem;
    this.#state = ANSWER_DAMAGED;
    return ANSWER_DAMAGED;
  }
}
