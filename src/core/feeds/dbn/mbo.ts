import { MBO_BYTES, RTYPE_MBO, WORD_BYTES } from './layout.ts';

const HEAD: number = (MBO_BYTES / WORD_BYTES) | (RTYPE_MBO << 8);

/**
 * One mbo record as values, for writing, printing and tests; the decoder's hot path reads the bytes itself.
 * 64-bit values are signed 32-bit halves. An object is reused for any number of records.
 */
export class MboRecord {
  publisher = 0;
  instrument = 0;
  eventTimeHigh = 0;
  eventTimeLow = 0;
  orderIdHigh = 0;
  orderIdLow = 0;
  /** Unit 1e-9; 2^63 − 1 = undefined. */
  priceHigh = 0;
  priceLow = 0;
  size = 0;
  flags = 0;
  channel = 0;
  /** Character codes. */
  action = 0;
  side = 0;
  receiveTimeHigh = 0;
  receiveTimeLow = 0;
  /** Receive time − sending time, ns. */
  inDelta = 0;
  sequence = 0;
}

/** Reads the record whose header stands at `offset`; at least MBO_BYTES must be there. */
export function readMbo(view: DataView, offset: number, record: MboRecord): void {
  record.publisher = view.getUint16(offset + 2, true);
  record.instrument = view.getUint32(offset + 4, true);
  record.eventTimeLow = view.getInt32(offset + 8, true);
  record.eventTimeHigh = view.getInt32(offset + 12, true);
  record.orderIdLow = view.getInt32(offset + 16, true);
  record.orderIdHigh = view.getInt32(offset + 20, true);
  record.priceLow = view.getInt32(offset + 24, true);
  record.priceHigh = view.getInt32(offset + 28, true);
  record.size = view.getUint32(offset + 32, true);
  record.flags = view.getUint8(offset + 36);
  record.channel = view.getUint8(offset + 37);
  record.action = view.getUint8(offset + 38);
  record.side = view.getUint8(offset + 39);
  record.receiveTimeLow = view.getInt32(offset + 40, true);
  record.receiveTimeHigh = view.getInt32(offset + 44, true);
  record.inDelta = view.getInt32(offset + 48, true);
  record.sequence = view.getUint32(offset + 52, true);
}

/** Writes a record, its header at `offset`: MBO_BYTES. */
export function writeMbo(view: DataView, offset: number, record: MboRecord): void {
  view.setInt32(offset, HEAD | (record.publisher << 16), true);
  view.setInt32(offset + 4, record.instrument, true);
  view.setInt32(offset + 8, record.eventTimeLow, true);
  view.setInt32(offset + 12, record.eventTimeHigh, true);
  view.setInt32(offset + 16, record.orderIdLow, true);
  view.setInt32(offset + 20, record.orderIdHigh, true);
  view.setInt32(offset + 24, record.priceLow, true);
  view.setInt32(offset + 28, record.priceHigh, true);
  view.setInt32(offset + 32, record.size, true);
  const { flags, channel, action, side } = record;
  view.setInt32(offset + 36, flags | (channel << 8) | (action << 16) | (side << 24), true);
  view.setInt32(offset + 40, record.receiveTimeLow, true);
  view.setInt32(offset + 44, record.receiveTimeHigh, true);
  view.setInt32(offset + 48, record.inDelta, true);
  view.setInt32(offset + 52, record.sequence, true);
}
