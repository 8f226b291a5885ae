/** Rules of the book that differ by venue. They are data: the book reads them, it does not know the venue. */
export interface BookRules {
  /** Within what an order id is unique. */
  readonly idScope: 'source' | 'book' | 'bookSide';
  /** What the flag `last` ends: the group of one book, or everything since the last one in the source. */
  readonly groupScope: 'book' | 'source';
  /** A modify of an order that the book does not hold. */
  readonly modifyUnknown: 'add' | 'ignore';
  /** A replace of an order that the book does not hold. */
  readonly replaceUnknown: 'add' | 'ignore';
  /** A modify without FLAG_KEEP_PRIORITY: loses its place, or only if price differs or quantity is larger. */
  readonly modifyPriority: 'lost' | 'keptUnlessBetter';
  /** A modify says nothing of the side of its order, whatever its flag. Absent: it names the side. */
  readonly modifyIsSideless?: boolean;
  /** Is a book that was marked stale right again after a `clear` of the whole book? */
  readonly clearRestores?: boolean;
}
