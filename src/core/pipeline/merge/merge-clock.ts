import { nsBetween } from '../../binary/time.ts';
import type { WaitingRoom } from '../../merge/waiting-room.ts';
import type { Datagram } from '../../packet/datagram.ts';

/** The time of a merge: that of its latest packet, which the clock of the room follows from the first packet on. */
export class MergeClock {
  /** Latest time of all packets, ns since 1970 as halves. */
  timeHigh = 0;
  timeLow = 0;
  hasStarted = false;
  readonly #room: WaitingRoom;
  #zeroHigh = 0;
  #zeroLow = 0;

  constructor(room: WaitingRoom) {
    this.#room = room;
  }

  /** Time comes to that of a packet, never back; a packet without a time says nothing. */
  advance({ timeHigh, timeLow }: Datagram): void {
    if ((timeHigh | timeLow) === 0) return;
    if (!this.hasStarted) {
      this.hasStarted = true;
      this.#zeroHigh = timeHigh;
      this.#zeroLow = timeLow;
    }
    const { clock } = this.#room;
    const now = nsBetween(timeHigh, timeLow, this.#zeroHigh, this.#zeroLow);
    if (now <= clock[0]!) return;
    clock[0] = now;
    this.timeHigh = timeHigh;
    this.timeLow = timeLow;
  }

  /** So much time has passed while no packet brought it, ns. */
  pass(ns: number): void {
    const { clock } = this.#room;
    clock[0] = clock[0]! + ns;
  }
}
