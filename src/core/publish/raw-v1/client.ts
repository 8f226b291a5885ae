import { type FrameBus, type FrameHold, FrameRun } from '../bus.ts';
import { CLOSE_GAP, CLOSE_GOING_AWAY, CLOSE_IMAGE_GONE, type WebSocketPeer } from '../websocket/peer.ts';
import type { Image } from './image.ts';
import type { RawV1Publisher } from './publisher.ts';

/** Longest piece that is written at a time. */
const RUN_BYTES_MAX = 1 << 18;

/** Where a client begins. */
export interface ClientStart {
  /** Frame that it is sent first; null: the one that comes next, once there are cursors. */
  readonly cursor: number | null;
  /** What it is sent in front of that. */
  readonly image: Image | null;
  /** Frames from this cursor on come first, from elsewhere: `send` brings them, `goLive` ends it. Null: none. */
  readonly past: number | null;
}

/** One client: a cursor into the bus, and before that a place in an image. One write is under way at a time. */
export class RawV1Client {
  readonly peer: WebSocketPeer;
  /** Name of its token, null = none was needed. */
  readonly token: string | null;
  readonly connectedAt: number;
  frames = 0;
  /** Frames that it asked for and was told that they are lost. */
  skipped = 0;
  readonly #publisher: RawV1Publisher;
  readonly #bus: FrameBus;
  readonly #run: FrameRun = new FrameRun();
  /** Frame that it is sent next; null: the one that comes next, once there are cursors. */
  #cursor: number | null;
  #image: Image | null;
  /** Pieces of the image that were written. */
  #piece = 0;
  #hold: FrameHold | null = null;
  /** When something was written last, ms. */
  #sentAt: number;
  /** Why it is closed once it has everything; null: it is not. */
  #farewell: string | null = null;
  /** Is it sent what the bus does not have any more? */
  #isPast: boolean;
  #sent: () => void = () => {};

  constructor(
    publisher: RawV1Publisher,
    peer: WebSocketPeer,
    start: ClientStart,
    token: string | null,
    now: number,
  ) {
    this.peer = peer;
    this.token = token;
    this.connectedAt = now;
    this.#publisher = publisher;
    this.#bus = publisher.bus;
    this.#cursor = start.cursor;
    this.#image = start.image;
    this.#sentAt = now;
    this.#isPast = start.past !== null;
    const first = start.image?.cursor ?? (start.past === null ? null : start.cursor);
    if (first !== null) this.#hold = this.#bus.hold(first);
  }

  /** Frames that it is behind. */
  get lag(): number {
    return this.#cursor === null ? 0 : this.#bus.next - this.#cursor;
  }

  /** Where its image ends, null where it has none (any more). */
  get image(): Image | null {
    return this.#image;
  }

  /** Writes what there is for it, unless a write is still under way. */
  pump(now: number): void {
    const { peer } = this;
    if (peer.pendingBytes > 0 || !peer.isOpen) return;
    if (this.#isPast) {
      this.#sent();
      return;
    }
    if (this.#image !== null) this.#writeImage(this.#image, now);
    else this.#writeLive(now);
  }

  /** Sends so many frames of the past. @returns false where it is gone; true once the bytes may become others. */
  async send(bytes: Buffer, frames: number, now: number): Promise<boolean> {
    if (!this.peer.isOpen) return false;
    this.frames += frames;
    this.#sentAt = now;
    this.peer.write(bytes);
    while (this.peer.pendingBytes > 0) {
      await new Promise<void>((resolve) => {
        this.#sent = resolve;
      });
    }
    return this.peer.isOpen;
  }

  /** It has the past: what the bus has follows. */
  goLive(now: number): void {
    this.#isPast = false;
    this.pump(now);
  }

  /** Sends the heartbeat where nothing else was sent for so long. */
  beat(now: number, silentMs: number, heartbeat: () => Buffer): void {
    if (now - this.#sentAt < silentMs || this.peer.pendingBytes > 0 || !this.peer.isOpen) return;
    this.#sentAt = now;
    this.frames += 1;
    this.peer.write(heartbeat());
  }

  /** A write of it reads from a piece that has left the ring. */
  get holdsGone(): boolean {
    return this.peer.pendingBytes > 0 && this.#run.chunk?.gone === true;
  }

  /** Closes it once it has everything that was published. */
  finish(reason: string, now: number): void {
    this.#farewell = reason;
    this.pump(now);
  }

  /** It is gone. */
  end(): void {
    if (this.#hold !== null) this.#bus.letGo(this.#hold);
    this.#hold = null;
    this.#image = null;
    this.#sent();
  }

  #writeImage(image: Image, now: number): void {
    if (image.cursor < this.#bus.oldest) {
      this.peer.close(
        CLOSE_IMAGE_GONE,
        'the frames behind the snapshot are no longer kept: ask for another one',
      );
      return;
    }
    if (this.#piece < image.pieces.length) {
      const piece = image.pieces[this.#piece]!;
      this.#piece += 1;
      this.#sentAt = now;
      this.peer.write(piece);
      return;
    }
    // The rest is not encoded yet.
    if (!image.isWhole) return;
    this.frames += image.frames;
    this.#image = null;
    this.#writeLive(now);
  }

  #writeLive(now: number): void {
    const bus = this.#bus;
    if (this.#cursor === null) {
      if (!this.#publisher.isReady) {
        this.#caughtUp();
        return;
      }
      this.#cursor = bus.keptFrom(0);
    }
    const cursor = this.#cursor;
    const run = this.#run;
    if (!bus.run(cursor, RUN_BYTES_MAX, run)) {
      const kept = bus.keptFrom(cursor);
      if (cursor < kept) this.lose(cursor, kept - 1);
      else this.#caughtUp();
      return;
    }
    this.#cursor = run.to;
    this.frames += run.to - run.from;
    this.#sentAt = now;
    if (this.#hold !== null) this.#hold.cursor = run.to;
    const chunk = run.chunk!;
    bus.pin(chunk);
    this.peer.write(run.bytes(), () => bus.unpin(chunk));
  }

  /** From here on it is as quick as the others. */
  #caughtUp(): void {
    if (this.#hold !== null) this.#bus.letGo(this.#hold);
    this.#hold = null;
    if (this.#farewell !== null) this.peer.close(CLOSE_GOING_AWAY, this.#farewell);
  }

  /** Tells it which cursors are lost to it, and closes it. */
  lose(first: number, last: number): void {
    if (!this.peer.isOpen) return;
    this.skipped += last - first + 1;
    this.frames += 1;
    this.peer.write(this.#publisher.gap(first, last));
    this.peer.close(CLOSE_GAP, `cursors ${first} to ${last} are no longer kept`);
  }
}
