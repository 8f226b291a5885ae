import { HEAD } from '../events/event-form.ts';
import type { EventFraming, Pieces } from '../events/framing.ts';

const HEAD_BYTES: number = HEAD.length;
const QUOTE = 34;
const NEW_LINE = 10;
const AROUND_BYTES_MAX = 96;
const EVENTS_MAX = 100;
const END: Buffer = Buffer.from('\n\n');

/**
 * Events as server-sent events, with the id RUN-NUMBER by which a client goes on. Only the last event with its number has
 * it: the books at the start, and what comes of one event of the venue, are whole or come again.
 */
export class SseFraming implements EventFraming {
  readonly name: string;
  readonly protocol = 'sse';
  readonly eventsMax: number = EVENTS_MAX;
  readonly joins = false;
  readonly #run: () => string | null;
  readonly #head: Buffer;

  /** @param name that every event has. */
  constructor(run: () => string | null, name: string) {
    this.#run = run;
    this.name = `sse ${name}`;
    this.#head = Buffer.from(`event: ${name}\ndata: `);
  }

  room(bytes: number, events: number): number {
    return bytes + events * AROUND_BYTES_MAX;
  }

  write(out: Buffer, at: number, pieces: Pieces): number {
    const { count, isWhole } = pieces;
    let to = at;
    let number = numberOf(pieces, 0);
    for (let piece = 0; piece < count; piece += 1) {
      const next = piece + 1 < count ? numberOf(pieces, piece + 1) : null;
      if (next === null ? isWhole : !isSame(number, next)) {
        to += out.write(`id: ${this.#run() ?? ''}-`, to, 'latin1');
        out.set(number, to);
        to += number.length;
        out[to] = NEW_LINE;
        to += 1;
      }
      // Without its comma.
      const text = pieces.sources[piece]!.subarray(pieces.starts[piece]!, pieces.ends[piece]! - 1);
      for (const part of [this.#head, text, END]) {
        out.set(part, to);
        to += part.length;
      }
      if (next !== null) number = next;
    }
    return to;
  }

  control(type: string, data: object): Buffer {
    return Buffer.from(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}

/** Digits of the number of an event that is a piece. */
function numberOf({ sources, starts }: Pieces, piece: number): Uint8Array {
  const source = sources[piece]!;
  const from = starts[piece]! + HEAD_BYTES;
  return source.subarray(from, source.indexOf(QUOTE, from));
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = a.length - 1; at >= 0; at -= 1) if (a[at] !== b[at]) return false;
  return true;
}
