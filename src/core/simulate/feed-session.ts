import type { Action } from './action.ts';
import type { ImpairedWire } from './impairment.ts';
import type { Line, LineProfile } from './line.ts';
import type { PacketShape } from './packet-shape.ts';
import type { ToldBooks } from './told-books.ts';

/** A file that lines are written to. */
export interface LineFile {
  readonly name: 'A' | 'B';
  openWire(profile: LineProfile, shape: PacketShape): ImpairedWire;
}

/** Writes actions in a wire format. */
export interface FeedSession {
  /** The lines that it sends on; none where the format has no packets. */
  readonly lines: readonly Line[];
  /** Id of the session on the wire; null where the format has none. */
  readonly session: string | null;
  /** The books as this format tells them. */
  readonly books: ToldBooks;
  take(action: Action): void;
  /** The session is over; nothing is taken any more. `time` is that of the last action. */
  finish(time: number): void;
  /** Messages so far, by the name that `mdx replay` gives their type. */
  messagesByType(): Record<string, number>;
}
