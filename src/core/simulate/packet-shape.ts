import type { Random } from '../binary/random.ts';

/** What the wire and its ledger have to know about the packets of a feed. */
export interface PacketShape {
  /** How many types of messages there are; `typeName` names them. */
  readonly typeCount: number;
  /** Name of a type, as `mdx replay` gives it. */
  typeName(type: number): string;
  /** Counts the messages of a packet by type. */
  tally(payload: Uint8Array, messages: number, byType: Float64Array): void;
  /** The byte whose top bit, turned, shows every reader that the packet is damaged. */
  framingByte(messages: number): number;
  /** A byte inside one of the packet's messages, behind what the message is read by. */
  byteInside(payload: Uint8Array, messages: number, random: Random): number;
}

/** Counts above 0 by the type's name, in the order of the types. */
export function countsByName(shape: PacketShape, counts: Float64Array): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [type, count] of counts.entries()) {
    if (count > 0) named[shape.typeName(type)] = count;
  }
  return named;
}
