import { type FramePieces, FrameWriter } from './frame-writer.ts';
import * as layout from './layout.ts';
import type { PriceForm } from './price.ts';

/** 64 bits of a history: kept over a restart that goes on with it. */
export interface EpochHalves {
  readonly high: number;
  readonly low: number;
}

/** What control frames say of the stream. */
export interface StreamFacts {
  readonly epoch: EpochHalves;
  readonly price: PriceForm;
  /** Of instruments that no header has named. */
  readonly priceScale: number;
  readonly quantityScale: number;
  readonly publisher: number;
}

/** Writes frames that are no order's: sequence and cursor are 0 in their headers. */
export class ControlFrames {
  readonly writer: FrameWriter;

  constructor(pieces: FramePieces) {
    this.writer = new FrameWriter(pieces);
  }

  /**
   * A heartbeat, or the start or end of a snapshot.
   * @param cursor of the live frame that comes next.
   */
  control(type: number, facts: StreamFacts, cursor: number, instruments: number): void {
    const { writer } = this;
    const at = writer.begin(type, layout.CONTROL_BYTES, 0, 0, 0, 0);
    writer.put64(at, facts.epoch.high, facts.epoch.low);
    writer.putNumber(at + 8, cursor);
    writer.view.setUint32(at + 16, instruments, true);
    writer.view.setUint8(at + 20, facts.price === 'e8' ? 1 : 0);
    writer.view.setUint8(at + 21, facts.priceScale);
    writer.view.setUint8(at + 22, facts.quantityScale);
    writer.view.setUint8(at + 23, 0);
    writer.view.setUint16(at + 24, facts.publisher, true);
    writer.end(0);
  }

  /** Cursors that are lost to the client, both included. */
  gap(first: number, last: number): void {
    const { writer } = this;
    const at = writer.begin(layout.TYPE_GAP, layout.GAP_BYTES, 0, 0, 0, 0);
    writer.putNumber(at, first);
    writer.putNumber(at + 8, last);
    writer.end(0);
  }
}
