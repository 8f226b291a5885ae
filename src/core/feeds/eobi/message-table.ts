import { KIND_CLEAR, KIND_DEFINITION, KIND_STATUS, KIND_TRADE, KIND_VENUE } from '../../event/record.ts';
import {
  ID_ADD_COMPLEX_INSTRUMENT,
  ID_AUCTION_BBO,
  ID_HEARTBEAT,
  ID_ORDER_MASS_DELETE,
  ID_PRODUCT_STATE_CHANGE,
  ID_TRADE_REVERSAL,
  type MessageLayout,
  PACKET_HEADER_ID_MIN,
  type Release,
} from './layout.ts';

/** Message types as they are counted: TemplateID − TYPE_BASE. */
export const TYPE_BASE: number = PACKET_HEADER_ID_MIN;
export const TYPE_COUNT = 1024;
/** Length of a type that the release does not have: longer than any message. */
export const LENGTH_UNKNOWN = 0x10000;
/** No such field in the message. */
export const NO_FIELD = -1;

/** Name of a message type for reports: its TemplateID. */
export function typeName(type: number): string {
  return String(TYPE_BASE + type);
}

/** Where the fields of a message are that is no change of an order; offsets, NO_FIELD where it has none. */
export interface PlainMessage {
  readonly kind: number;
  readonly security: number;
  readonly state: number;
  readonly price: number;
  readonly quantity: number;
  readonly aggressor: number;
  readonly condition: number;
  readonly conditionBytes: number;
  /** Trade identity, of 4 or 8 bytes. */
  readonly match: number;
  readonly matchBytes: number;
  readonly description: number;
}

/** What the decoder needs of a release, by message type. */
export interface MessageTable {
  /** Bytes that a message has at least: all of it, or the part in front of its group; LENGTH_UNKNOWN = no message. */
  readonly lengths: Int32Array;
  /** Bytes that a message has with the room that the release gives its group. */
  readonly wholeLengths: Int32Array;
  readonly groupCounter: Int32Array;
  readonly entryBytes: Int32Array;
  readonly plain: readonly (PlainMessage | null)[];
  /** Bytes of a quantity: 8, in older releases 4. */
  readonly quantityBytes: number;
}

export function messageTable(release: Release): MessageTable {
  const lengths = new Int32Array(TYPE_COUNT).fill(LENGTH_UNKNOWN);
  const wholeLengths = new Int32Array(TYPE_COUNT);
  const groupCounter = new Int32Array(TYPE_COUNT).fill(NO_FIELD);
  const entryBytes = new Int32Array(TYPE_COUNT);
  const plain: (PlainMessage | null)[] = new Array<null>(TYPE_COUNT).fill(null);
  for (const layout of release.messages.values()) {
    if (layout === release.packetHeader) continue;
    const type = layout.templateId - TYPE_BASE;
    const { group } = layout;
    wholeLengths[type] = layout.bodyLength;
    lengths[type] = group === null ? layout.bodyLength : group.start;
    if (group !== null) {
      groupCounter[type] = group.counter.offset;
      entryBytes[type] = group.entryBytes;
    }
    const kind = plainKind(layout.templateId);
    if (kind !== null) plain[type] = plainMessage(layout, kind);
  }
  const quantityBytes = release.quantityScale === 0 ? 4 : 8;
  return { lengths, wholeLengths, groupCounter, entryBytes, plain, quantityBytes };
}

/** Where SecurityID is, by message type; NO_FIELD where a message names none. */
export function securityOffsets({ messages }: Release): Int32Array {
  const offsets = new Int32Array(TYPE_COUNT).fill(NO_FIELD);
  for (const { templateId, fields } of messages.values()) {
    const field = fields.find(({ name }) => name === 'SecurityID');
    if (field !== undefined) offsets[templateId - TYPE_BASE] = field.offset;
  }
  return offsets;
}

/** The kind of event that a message becomes which is no change of one order (cli contract, counting rule 6). */
function plainKind(templateId: number): number | null {
  if (templateId === ID_HEARTBEAT) return null;
  if (templateId === ID_ORDER_MASS_DELETE) return KIND_CLEAR;
  if (templateId < ID_TRADE_REVERSAL) return null;
  if (templateId < ID_PRODUCT_STATE_CHANGE) return KIND_TRADE;
  if (templateId < ID_ADD_COMPLEX_INSTRUMENT) return KIND_STATUS;
  return templateId < ID_AUCTION_BBO ? KIND_DEFINITION : KIND_VENUE;
}

function plainMessage({ fields }: MessageLayout, kind: number): PlainMessage {
  const find = (...names: string[]): { readonly offset: number; readonly bytes: number } => {
    const field = fields.find(({ name }) => names.includes(name));
    return field ?? { offset: NO_FIELD, bytes: 0 };
  };
  const isTrade = kind === KIND_TRADE;
  const condition = find('TradeCondition');
  const match = find('TrdMatchID', 'ExecID');
  const state = find('SecurityTradingStatus', 'SecurityMassTradingStatus', 'TradSesStatus');
  return {
    kind,
    security: find('SecurityID').offset,
    state: kind === KIND_STATUS ? state.offset : NO_FIELD,
    price: isTrade ? find('LastPx').offset : NO_FIELD,
    quantity: isTrade ? find('LastQty').offset : NO_FIELD,
    aggressor: find('AggressorSide').offset,
    condition: condition.offset,
    conditionBytes: condition.bytes,
    match: match.offset,
    matchBytes: match.bytes,
    description: find('SecurityDesc').offset,
  };
}
