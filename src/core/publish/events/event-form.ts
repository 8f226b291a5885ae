import { EVENT_KINDS } from './kinds.ts';

/** How events stand in the log of a hub: as neighbours that a frame can take over. Each form has a hub of its own. */
export interface EventForm {
  /** Bits of the kinds that have it. */
  readonly kinds: number;
  /** Can a client tell the number of an event that it has, and so go on behind it? */
  readonly isNumbered: boolean;
  /** Number of the event that begins at `at`. */
  seqAt(bytes: Buffer, at: number): number;
  /** What stands where the events behind one number up to another are missing: `seqAt` of it is the other. */
  missed(behind: number, to: number): Buffer;
  /** The first of the two. */
  behindAt(bytes: Buffer, at: number, end: number): number;
}

/** Every event as text begins like this, and ends with a comma, so that neighbours are the elements of a list. */
export const HEAD = '{"seq":"';
const HEAD_BYTES: number = HEAD.length;
const ZERO = 48;
const QUOTE = 34;

/** Elements of a list of JSON objects. */
export const JSON_FORM: EventForm = {
  kinds: (1 << EVENT_KINDS.length) - 1,
  isNumbered: true,

  seqAt(bytes, at) {
    let seq = 0;
    for (let place = at + HEAD_BYTES; bytes[place] !== QUOTE; place += 1)
      seq = seq * 10 + bytes[place]! - ZERO;
    return seq;
  },

  missed: (behind, to) => Buffer.from(`${HEAD}${to}","behind":"${behind}"},`),

  behindAt(bytes, at, end) {
    const { behind } = JSON.parse(bytes.toString('latin1', at, end - 1)) as { readonly behind: string };
    return Number(behind);
  },
};
