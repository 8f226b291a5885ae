/** Sent packets by number, as a replay server sees them. */
export interface PacketStore {
  /** The session with this raw id, −1 where there is none. Null: the feed's sessions have no id, or the packet named none. */
  sessionOf(id: Uint8Array | null): number;
  /** The session that is served where a question names none: the last one that began. −1 = there is nothing at all. */
  readonly newest: number;
  /** Bytes in front of the first message of a packet. */
  readonly headerBytes: number;
  /** The first stored piece of the session that ends above `number`, −1 where there is none. Pieces rise, and do not overlap. */
  find(session: number, number: number): number;
  /** The piece behind this one in its session, −1 behind the last. */
  next(piece: number): number;
  /**
   * Writes a packet with the numbers of a piece that are in `first` … `last` into `into` (65,535 bytes).
   * @returns its length; 0 where the piece has none of them or cannot be read any more.
   */
  read(piece: number, first: number, last: number, into: Uint8Array): number;
  /** Numbers of the packet that was read last. */
  readonly first: number;
  readonly count: number;
}
