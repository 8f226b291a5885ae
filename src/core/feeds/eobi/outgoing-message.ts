import { encodeMessage } from './fields.ts';
import { fieldOf, layoutOf, type MessageLayout, type Release } from './layout.ts';

const TWO_32 = 4294967296;

/**
 * One message to be written: set its fields and hand it over, again and again. A field that was never set holds null,
 * one that was set keeps its value. Fields are named by their offsets, which `at` finds once.
 */
export class OutgoingMessage {
  readonly layout: MessageLayout;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;

  constructor(release: Release, templateId: number) {
    this.layout = layoutOf(release, templateId);
    this.bytes = new Uint8Array(this.layout.bodyLength);
    this.view = new DataView(this.bytes.buffer);
    encodeMessage(this.bytes, 0, release, templateId, { MsgSeqNum: 0 });
  }

  /** Offset of a field. Throws RangeError when the message has none of that name. */
  at(name: string): number {
    return fieldOf(this.layout, name).offset;
  }

  put8(offset: number, value: number): void {
    this.view.setUint8(offset, value);
  }

  put16(offset: number, value: number): void {
    this.view.setUint16(offset, value, true);
  }

  put32(offset: number, value: number): void {
    this.view.setInt32(offset, value, true);
  }

  /** A 64-bit integer given as halves. */
  put64(offset: number, high: number, low: number): void {
    this.view.setInt32(offset, low, true);
    this.view.setInt32(offset + 4, high, true);
  }

  /** A 64-bit integer within ±2^53. */
  putInteger(offset: number, value: number): void {
    this.put64(offset, Math.floor(value / TWO_32), value | 0);
  }
}
