import {
  CONDITION_NON_PRINTABLE,
  FLAG_EXTENDED,
  FLAG_FULL,
  FLAG_KEEP_PRIORITY,
  FLAG_QUANTITY_ONLY,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_EXTENSION,
  KIND_MODIFY,
  KIND_REPLACE,
} from '../../event/record.ts';
import {
  fieldOf,
  ID_FULL_ORDER_EXECUTION,
  ID_ORDER_ADD,
  ID_ORDER_DELETE,
  ID_ORDER_MODIFY,
  ID_ORDER_MODIFY_SAME_PRIO,
  ID_PARTIAL_ORDER_EXECUTION,
  type MessageLayout,
  type Release,
} from './layout.ts';

/** First TemplateID of the changes of orders, and how many there are from it on. */
export const CHANGE_BASE: number = ID_ORDER_ADD;
export const CHANGES = 7;

/*
 * What a change of an order becomes, eight words per TemplateID from CHANGE_BASE on: one load each instead of branches
 * on types that alternate at random. The first one is word 0 of the event, without side; 0 = no change of one order.
 */
export const CHANGE_WORDS = 8;
/** Offsets of SecurityID, time priority, quantity, Side and price. */
export const CHANGE_SECURITY = 1;
export const CHANGE_KEY = 2;
export const CHANGE_QUANTITY = 3;
export const CHANGE_SIDE = 4;
export const CHANGE_PRICE = 5;
/** All ones where the event has the price, else 0. */
export const CHANGE_PRICE_MASK = 6;
/** Word 0 of the second record, without aggressor; 0 = there is none. */
export const CHANGE_EXTENSION = 7;

/** An execution is no print of its own: the ExecutionSummary in front of it is. */
const EXECUTED: number = KIND_EXTENSION | (CONDITION_NON_PRINTABLE << 16);

/** @returns the table of a release; messages that it does not have are no changes. */
export function changeTable({ messages }: Release): Int32Array {
  const table = new Int32Array((CHANGES + 1) * CHANGE_WORDS);
  const fill = (
    templateId: number,
    head: number,
    quantity: string,
    hasPrice: boolean,
    more: number,
  ): void => {
    const layout = messages.get(templateId);
    if (layout === undefined) return;
    const offset = (name: string): number => fieldOf(layout as MessageLayout, name).offset;
    table.set(
      [
        head | (more !== 0 ? FLAG_EXTENDED << 8 : 0),
        offset('SecurityID'),
        offset('TrdRegTSTimePriority'),
        offset(quantity),
        offset('Side'),
        offset('Price'),
        hasPrice ? -1 : 0,
        more,
      ],
      (templateId - CHANGE_BASE) * CHANGE_WORDS,
    );
  };
  fill(ID_ORDER_ADD, KIND_ADD, 'DisplayQty', true, 0);
  fill(ID_ORDER_MODIFY, KIND_REPLACE, 'DisplayQty', true, KIND_EXTENSION);
  fill(ID_ORDER_DELETE, KIND_DELETE, 'DisplayQty', true, 0);
  const inPlace = (FLAG_QUANTITY_ONLY | FLAG_KEEP_PRIORITY) << 8;
  fill(ID_ORDER_MODIFY_SAME_PRIO, KIND_MODIFY | inPlace, 'DisplayQty', false, 0);
  fill(ID_PARTIAL_ORDER_EXECUTION, KIND_EXECUTE, 'LastQty', false, EXECUTED);
  fill(ID_FULL_ORDER_EXECUTION, KIND_EXECUTE | (FLAG_FULL << 8), 'LastQty', false, EXECUTED);
  return table;
}
