import { HEAD } from '../events/event-log.ts';
import type { EventFraming, Pieces } from '../events/framing.ts';

const HEAD_BYTES: number = HEAD.length;
const QUOTE = 34;
const AROUND_BYTES_MAX = 96;
const EVENTS_MAX = 100;
const DATA: Buffer = Buffer.from('\ndata: ');
const END: Buffer = Buffer.from('\n\n');

/** Events as server-sent events: each with its id, RUN-NUMBER, by which a client goes on. */
export class SseFraming implements EventFraming {
  readonly eventsMax: number = EVENTS_MAX;
  readonly joins = false;
  readonly #run: () => string | null;
  readonly #name: Buffer;

  /** @param name that every event has. */
  constructor(run: () => string | null, name: string) {
    this.#run = run;
    this.#name = Buffer.from(`\nevent: ${name}`);
  }

  room(bytes: number, events: number): number {
    return bytes + events * AROUND_BYTES_MAX;
  }

  write(out: Buffer, at: number, { source, starts, ends, count }: Pieces): number {
    const id = `id: ${this.#run() ?? ''}-`;
    let to = at;
    for (let piece = 0; piece < count; piece += 1) {
      const start = starts[piece]!;
      // Without its comma.
      const text = source.subarray(start, ends[piece]! - 1);
      to += out.write(id, to, 'latin1');
      const number = source.subarray(start + HEAD_BYTES, source.indexOf(QUOTE, start + HEAD_BYTES));
      for (const part of [number, this.#name, DATA, text, END]) {
        out.set(part, to);
        to += part.length;
      }
    }
    return to;
  }

  control(type: string, data: object): Buffer {
    return Buffer.from(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
