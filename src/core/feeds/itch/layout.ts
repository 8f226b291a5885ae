/**
 * Nasdaq TotalView-ITCH 5.0, the 23 messages: big-endian, fields without gaps, behind a common start of 11 bytes.
 *
 *     0 type char · 1 stock locate u16 · 3 tracking number u16 · 5 timestamp u48, ns since midnight US Eastern · 11 body
 *
 * Field names are those of the specification in camel case.
 */

/** How the bytes of a field are read: text padded with blanks (`char` is one byte of it), or an unsigned integer. */
export type FieldType = 'char' | 'text' | 'u16' | 'u32' | 'u48' | 'u64' | 'price4' | 'price8';

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** From the first byte of the message. */
  readonly offset: number;
  readonly bytes: number;
}

export interface MessageLayout {
  /** Character code of the type. */
  readonly type: number;
  readonly name: string;
  readonly length: number;
  /** All fields behind the type byte, those of the common start first. */
  readonly fields: readonly Field[];
}

export const PRICE_SCALE = 4;
export const SHARES_SCALE = 0;

/** Bytes of the common start; no message is shorter. */
export const HEAD_BYTES = 11;
/** Offset of the timestamp in every message. */
export const TIMESTAMP_OFFSET = 5;
/** Bytes of the longest message. */
export const MESSAGE_BYTES_MAX = 50;
/** A timestamp counts ns of one day, so it stays below this. */
export const DAY_NS = 86_400_000_000_000;

const BYTES: Readonly<Record<FieldType, number>> = {
  char: 1,
  text: 0,
  u16: 2,
  u32: 4,
  u48: 6,
  u64: 8,
  price4: 4,
  price8: 8,
};

/** Name and type; `text` needs its bytes, too. */
type FieldLine =
  | readonly [name: string, type: Exclude<FieldType, 'text'>]
  | readonly [string, 'text', number];

const COMMON: readonly FieldLine[] = [
  ['stockLocate', 'u16'],
  ['trackingNumber', 'u16'],
  ['timestamp', 'u48'],
];
const STOCK: FieldLine = ['stock', 'text', 8];
const ORDER: FieldLine = ['orderReferenceNumber', 'u64'];
const SIDE: FieldLine = ['buySellIndicator', 'char'];
const MATCH: FieldLine = ['matchNumber', 'u64'];

/** `length` is the specification's, not the sum of the fields: a test holds the two together. */
function message(type: string, name: string, length: number, ...body: readonly FieldLine[]): MessageLayout {
  const fields: Field[] = [];
  let offset = 1;
  for (const [field, fieldType, textBytes] of [...COMMON, ...body]) {
    const bytes = textBytes ?? BYTES[fieldType];
    fields.push({ name: field, type: fieldType, offset, bytes });
    offset += bytes;
  }
  return { type: type.charCodeAt(0), name, length, fields };
}

/** In the order of the specification. */
export const MESSAGES: readonly MessageLayout[] = [
  message('S', 'System Event', 12, ['eventCode', 'char']),
  message(
    'R',
    'Stock Directory',
    39,
    STOCK,
    ['marketCategory', 'char'],
    ['financialStatusIndicator', 'char'],
    ['roundLotSize', 'u32'],
    ['roundLotsOnly', 'char'],
    ['issueClassification', 'char'],
    ['issueSubType', 'text', 2],
    ['authenticity', 'char'],
    ['shortSaleThresholdIndicator', 'char'],
    ['ipoFlag', 'char'],
    ['luldReferencePriceTier', 'char'],
    ['etpFlag', 'char'],
    ['etpLeverageFactor', 'u32'],
    ['inverseIndicator', 'char'],
  ),
  message(
    'H',
    'Stock Trading Action',
    25,
    STOCK,
    ['tradingState', 'char'],
    ['reserved', 'char'],
    ['reason', 'text', 4],
  ),
  message('Y', 'Reg SHO Restriction', 20, STOCK, ['regShoAction', 'char']),
  message(
    'L',
    'Market Participant Position',
    26,
    ['mpid', 'text', 4],
    STOCK,
    ['primaryMarketMaker', 'char'],
    ['marketMakerMode', 'char'],
    ['marketParticipantState', 'char'],
  ),
  message('V', 'MWCB Decline Level', 35, ['level1', 'price8'], ['level2', 'price8'], ['level3', 'price8']),
  message('W', 'MWCB Status', 12, ['breachedLevel', 'char']),
  message(
    'K',
    'IPO Quoting Period Update',
    28,
    STOCK,
    ['ipoQuotationReleaseTime', 'u32'],
    ['ipoQuotationReleaseQualifier', 'char'],
    ['ipoPrice', 'price4'],
  ),
  message(
    'J',
    'LULD Auction Collar',
    35,
    STOCK,
    ['auctionCollarReferencePrice', 'price4'],
    ['upperAuctionCollarPrice', 'price4'],
    ['lowerAuctionCollarPrice', 'price4'],
    ['auctionCollarExtension', 'u32'],
  ),
  message('h', 'Operational Halt', 21, STOCK, ['marketCode', 'char'], ['operationalHaltAction', 'char']),
  message('A', 'Add Order', 36, ORDER, SIDE, ['shares', 'u32'], STOCK, ['price', 'price4']),
  message(
    'F',
    'Add Order with MPID',
    40,
    ORDER,
    SIDE,
    ['shares', 'u32'],
    STOCK,
    ['price', 'price4'],
    ['attribution', 'text', 4],
  ),
  message('E', 'Order Executed', 31, ORDER, ['executedShares', 'u32'], MATCH),
  message(
    'C',
    'Order Executed with Price',
    36,
    ORDER,
    ['executedShares', 'u32'],
    MATCH,
    ['printable', 'char'],
    ['executionPrice', 'price4'],
  ),
  message('X', 'Order Cancel', 23, ORDER, ['canceledShares', 'u32']),
  message('D', 'Order Delete', 19, ORDER),
  message(
    'U',
    'Order Replace',
    35,
    ['originalOrderReferenceNumber', 'u64'],
    ['newOrderReferenceNumber', 'u64'],
    ['shares', 'u32'],
    ['price', 'price4'],
  ),
  message('P', 'Trade', 44, ORDER, SIDE, ['shares', 'u32'], STOCK, ['price', 'price4'], MATCH),
  message('Q', 'Cross Trade', 40, ['shares', 'u64'], STOCK, ['crossPrice', 'price4'], MATCH, [
    'crossType',
    'char',
  ]),
  message('B', 'Broken Trade', 19, MATCH),
  message(
    'I',
    'Net Order Imbalance Indicator',
    50,
    ['pairedShares', 'u64'],
    ['imbalanceShares', 'u64'],
    ['imbalanceDirection', 'char'],
    STOCK,
    ['farPrice', 'price4'],
    ['nearPrice', 'price4'],
    ['currentReferencePrice', 'price4'],
    ['crossType', 'char'],
    ['priceVariationIndicator', 'char'],
  ),
  message('N', 'Retail Price Improvement Indicator', 20, STOCK, ['interestFlag', 'char']),
  message(
    'O',
    'Direct Listing with Capital Raise Price Discovery',
    48,
    STOCK,
    ['openEligibilityStatus', 'char'],
    ['minimumAllowablePrice', 'price4'],
    ['maximumAllowablePrice', 'price4'],
    ['nearExecutionPrice', 'price4'],
    ['nearExecutionTime', 'u64'],
    ['lowerPriceRangeCollar', 'price4'],
    ['upperPriceRangeCollar', 'price4'],
  ),
];

/** Size of tables that are indexed by a type's character code. */
export const TYPE_COUNT = 256;

/** Layout by character code; undefined = unknown type. */
export const LAYOUT_BY_TYPE: readonly (MessageLayout | undefined)[] = layoutByType();

/** More than any block can hold: what LENGTH_BY_TYPE says of an unknown type, so that one comparison finds both faults. */
export const LENGTH_UNKNOWN = 0x10000;

/** Length by character code, LENGTH_UNKNOWN for unknown types. */
export const LENGTH_BY_TYPE: Int32Array = lengthByType();

/** Offset of the `stock` field by character code, 0 where the message names none. */
export const STOCK_OFFSET_BY_TYPE: Uint8Array = stockOffsetByType();

function layoutByType(): (MessageLayout | undefined)[] {
  const table: (MessageLayout | undefined)[] = new Array(TYPE_COUNT).fill(undefined);
  for (const layout of MESSAGES) table[layout.type] = layout;
  return table;
}

function lengthByType(): Int32Array {
  const table = new Int32Array(TYPE_COUNT).fill(LENGTH_UNKNOWN);
  for (const layout of MESSAGES) table[layout.type] = layout.length;
  return table;
}

function stockOffsetByType(): Uint8Array {
  const table = new Uint8Array(TYPE_COUNT);
  for (const layout of MESSAGES) {
    table[layout.type] = layout.fields.find((field) => field.name === 'stock')?.offset ?? 0;
  }
  return table;
}

/** Name of a type in reports: its character, `0x07` where it has no printable one. */
export function typeName(type: number): string {
  return type > 0x20 && type < 0x7f ? String.fromCharCode(type) : `0x${type.toString(16).padStart(2, '0')}`;
}
