/** Per channel: 0 session · 1 number of its last message · 2 session of its first · 3 number of its first. */
const CHANNEL_FIELDS = 4;

/** How far a side is, by venue time and by the numbers of its channels, and where it began. */
export class Marks {
  timeHigh = 0;
  timeLow = 0;
  firstTimeHigh = 0;
  firstTimeLow = 0;
  /** An event of a book has come. */
  hasBegun = false;
  #channels: Float64Array = new Float64Array(8 * CHANNEL_FIELDS);

  time(high: number, low: number): void {
    this.timeHigh = high;
    this.timeLow = low;
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.firstTimeHigh = high;
    this.firstTimeLow = low;
  }

  number(channel: number, number: number): void {
    const at = channel * CHANNEL_FIELDS;
    if (at >= this.#channels.length) this.#reach(channel);
    const channels = this.#channels;
    channels[at + 1] = number;
    if (channels[at + 3] !== 0) return;
    channels[at + 2] = channels[at]!;
    channels[at + 3] = number;
  }

  /** A channel numbers anew. */
  renew(channel: number): void {
    if (channel * CHANNEL_FIELDS >= this.#channels.length) this.#reach(channel);
    this.#channels[channel * CHANNEL_FIELDS]! += 1;
    this.#channels[channel * CHANNEL_FIELDS + 1] = 0;
  }

  /** Session of a channel, counted from 0. */
  sessionOf(channel: number): number {
    return this.#channels[channel * CHANNEL_FIELDS] ?? 0;
  }

  /** Number of the last message of a channel; 0 = none. */
  numberOf(channel: number): number {
    return this.#channels[channel * CHANNEL_FIELDS + 1] ?? 0;
  }

  /** Has a numbered message of this channel come? */
  knows(channel: number): boolean {
    return (this.#channels[channel * CHANNEL_FIELDS + 3] ?? 0) !== 0;
  }

  /** Is a number of a channel in front of the first that came? */
  isBeforeFirst(channel: number, session: number, number: number): boolean {
    const at = channel * CHANNEL_FIELDS;
    const channels = this.#channels;
    return session < channels[at + 2]! || (session === channels[at + 2]! && number < channels[at + 3]!);
  }

  #reach(channel: number): void {
    const wider = new Float64Array(Math.max((channel + 1) * CHANNEL_FIELDS, this.#channels.length * 2));
    wider.set(this.#channels);
    this.#channels = wider;
  }
}
