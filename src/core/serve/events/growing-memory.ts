import type { EventMemory } from '../../publish/events/event-log.ts';

const PIECE_BYTES = 1 << 16;

/** Memory that grows with the events that are written into it. */
export class GrowingMemory implements EventMemory {
  buffer: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(this.buffer.buffer);
  used = 0;
  ends: number[] = [];

  begin(): void {
    this.buffer = Buffer.alloc(0);
    this.used = 0;
    this.ends = [];
  }

  reserve(bytes: number): number {
    const { used, buffer } = this;
    if (used + bytes > buffer.length) {
      const memory = new ArrayBuffer(Math.max(PIECE_BYTES, 2 * (used + bytes)));
      this.buffer = Buffer.from(memory);
      this.view = new DataView(memory);
      this.buffer.set(buffer.subarray(0, used));
    }
    return used;
  }

  commit(bytes: number): void {
    this.used += bytes;
    this.ends.push(this.used);
  }
}
