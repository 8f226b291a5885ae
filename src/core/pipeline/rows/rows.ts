import type { DescribedMessage } from '../../feeds/message-sink.ts';
import type { EventObserver } from '../books.ts';
import { type BboRow, BboRows } from './bbo-rows.ts';
import { type DepthRow, DepthRows } from './depth-rows.ts';
import { type EventRow, EventRows } from './event-rows.ts';
import { RecordRows } from './record-rows.ts';
import { type TradeRow, TradeRows } from './trade-rows.ts';

/** The kinds of rows that a run can be watched for, as `--emit` names them, and what each row is. */
export interface RowOf {
  readonly events: EventRow;
  readonly bbo: BboRow;
  readonly depth: DepthRow;
  readonly trades: TradeRow;
  readonly records: DescribedMessage;
}

export type RowKind = keyof RowOf;

/** Takes rows one by one. */
export type RowSink<K extends RowKind> = (row: RowOf[K]) => void;

/**
 * What makes the rows of each kind.
 * @param depth levels of each side, for rows that have levels
 * @param pretty messages with decimals and dates in place of the integers of the wire
 */
export const ROW_MAKERS: {
  readonly [K in RowKind]: (sink: RowSink<K>, depth: number, pretty?: boolean) => EventObserver;
} = {
  events: (sink) => new EventRows(sink),
  bbo: (sink) => new BboRows(sink),
  depth: (sink, depth) => new DepthRows(depth, sink),
  trades: (sink) => new TradeRows(sink),
  records: (sink, _depth, pretty = false) => new RecordRows(sink, pretty),
};
