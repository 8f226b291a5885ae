import type {
  DifferenceReport,
  DiffGroup,
  DiffReport,
  DiffSideReport,
} from '../core/pipeline/diff/diff-report.ts';
import type { LadderRow } from '../core/pipeline/diff/ladder-rows.ts';
import type { LevelReport, QueuedReport } from '../core/pipeline/level-report.ts';
import { plain } from './clip.ts';
import { counted, grouped, quantityText, sharedDecimals, timeText, trimmed } from './numbers.ts';
import type { Style } from './style.ts';
import { type Column, pairs, table } from './table.ts';

/** Differing instruments in the table; the report has all of them. */
const LISTED_MAX = 20;
/** Queues shown of one difference, and orders of each around the first that is another. */
const QUEUES_MAX = 3;
const ORDERS_BEFORE = 2;
const ORDERS_SHOWN = 7;

const right = (head: string): Column => ({ head, align: 'right' });
const LADDER: readonly Column[] = [
  { head: '' },
  ...['price', 'A quantity', 'orders', 'B quantity', 'orders'].map(right),
  { head: '' },
];

/** The comparison of two sides for people: verdict, facts, where each instrument differs, and the books there. */
export function diffTables(report: DiffReport, style: Style): string {
  const { differences } = report;
  const parts = [pairs(factsOf(report, style), style)];
  if (differences.length > 0) parts.push(differencesTable(differences, style));
  for (const difference of differences) {
    if (difference.levels !== null) parts.push(booksOf(difference, report.alignment.ids, style));
  }
  return parts.join('\n');
}

function factsOf(report: DiffReport, style: Style): (readonly [string, string])[] {
  const { instruments, alignment, comparisons, a, b, tails, timing } = report;
  const { compared, equal, different, notCompared, onlyA, onlyB, stale } = instruments;
  const facts: [string, string][] = [
    [
      'verdict',
      different === 0
        ? style.good(`equal: ${counted(compared, 'instrument')} after ${grouped(comparisons)} comparisons`)
        : style.bad(`different: ${grouped(different)} of ${counted(compared, 'instrument')}`) +
          ` · ${grouped(equal)} equal`,
    ],
    ['A', sideText(a, style)],
    ['B', sideText(b, style)],
    [
      'aligned',
      `groups by ${alignment.by} · instruments by ${alignment.instruments === 'symbol' ? 'symbol' : 'number'}${alignment.ids ? ' · with ids' : ''}`,
    ],
  ];
  const apart = [
    ...(onlyA > 0 ? [`${counted(onlyA, 'instrument')} only in A`] : []),
    ...(onlyB > 0 ? [`${counted(onlyB, 'instrument')} only in B`] : []),
    ...(notCompared > 0 ? [`${counted(notCompared, 'instrument')} never at the same time`] : []),
  ];
  if (apart.length > 0) facts.push(['apart', style.warn(apart.join(' · '))]);
  if (stale > 0)
    facts.push(['stale', style.warn(`${counted(stale, 'instrument')}: something of them is lost`)]);
  for (const { side, part, groups, instruments: books } of tails) {
    const where = part === 'before' ? 'before the other began' : 'after the other ended';
    facts.push([
      'tail',
      `${side} has ${counted(groups, 'group')} of ${counted(books, 'instrument')} ${where}`,
    ]);
  }
  facts.push(['speed', `${grouped(timing.messagesPerSecond)} messages/s of both sides together`]);
  return facts;
}

function sideText(side: DiffSideReport, style: Style): string {
  const { inputs, feed, framing, messages, malformed, lostRanges, damage, stopped } = side;
  const names = inputs.map(({ path }) => (path === '-' ? 'standard input' : plain(path))).join(', ');
  const parts = [names, `${feed ?? 'unknown'} (${framing ?? '–'})`, counted(messages, 'message')];
  if (malformed > 0) parts.push(style.warn(`${grouped(malformed)} malformed`));
  if (lostRanges > 0) parts.push(style.bad(`${counted(lostRanges, 'range')} lost`));
  if (damage.length > 0) parts.push(style.bad('damaged'));
  if (stopped !== null) parts.push(style.warn(`stopped by ${stopped}`));
  return parts.join(' · ');
}

function differencesTable(differences: readonly DifferenceReport[], style: Style): string {
  const rows = differences
    .slice(0, LISTED_MAX)
    .map((difference) => [
      nameOf(difference),
      placeText(difference.group.a, style),
      placeText(difference.group.b, style),
      grouped(difference.levelsDiffering),
    ]);
  const left = differences.length - rows.length;
  const more = left === 0 ? '' : `${style.dim(`… and ${grouped(left)} more; see --json`)}\n`;
  const heads = [{ head: 'instrument' }, { head: 'A after' }, { head: 'B after' }, right('levels')];
  return `${table(heads, rows, style)}${more}`;
}

/** Where a side stands when its book is first another. */
function placeText(group: DiffGroup | null, style: Style): string {
  if (group === null) return style.dim('nothing yet');
  const { channel, sequence, venueTime, atPlace, stale } = group;
  const number = sequence === null ? '' : `#${channel}/${sequence} `;
  const text = `${number}${timeText(BigInt(venueTime))}${stale ? ' stale' : ''}`;
  return atPlace ? text : style.dim(`${text}, no group since`);
}

/** Both books of a difference, level by level, the worst asks on top; then the queues that differ. */
function booksOf(difference: DifferenceReport, withIds: boolean, style: Style): string {
  const { group, levelsNotListed } = difference;
  const rows = difference.levels!;
  const decimals = sharedDecimals(rows.map(({ price }) => price));
  const priceOf = ({ price }: LadderRow): string => (price === null ? 'market' : trimmed(price, decimals));
  const asks = rows.filter(({ side }) => side === 'ask').toReversed();
  const bids = rows.filter(({ side }) => side === 'bid');
  const lines = [...asks, ...bids].map((row) => {
    const cells = [...cellsOf(row.a), ...cellsOf(row.b)];
    return [
      row.side,
      style[row.side](priceOf(row)),
      ...(row.differs ? cells.map((cell) => style.bold(cell)) : cells),
      row.differs ? style.bad('≠') : '',
    ];
  });
  const places = `A after ${placeText(group.a, style)} · B after ${placeText(group.b, style)}`;
  const left =
    levelsNotListed === 0 ? '' : `${style.dim(`… ${grouped(levelsNotListed!)} more levels; see --json`)}\n`;
  const queues = rows
    .filter(({ differs, a, b }) => differs && hasQueue(a) && hasQueue(b))
    .slice(0, QUEUES_MAX)
    .map((row) => queueText(`${row.side} ${priceOf(row)}`, row.a!.queue!, row.b!.queue!, withIds, style));
  return `${style.bold(nameOf(difference))}  ${places}\n${table(LADDER, lines, style)}${left}${queues.join('')}`;
}

function cellsOf(level: LevelReport | null): [quantity: string, orders: string] {
  return level === null ? ['–', ''] : [quantityText(level.quantity), grouped(level.orders)];
}

function hasQueue(level: LevelReport | null): boolean {
  return level !== null && (level.queue?.length ?? 0) > 0;
}

/** Two queues around the first place at which they are not the same. */
function queueText(
  name: string,
  a: readonly QueuedReport[],
  b: readonly QueuedReport[],
  withIds: boolean,
  style: Style,
): string {
  const isSame = (at: number): boolean => {
    const [one, other] = [a[at], b[at]];
    if (one === undefined || other === undefined) return false;
    return (
      trimmed(one.quantity, 0) === trimmed(other.quantity, 0) && (!withIds || one.orderId === other.orderId)
    );
  };
  let first = 0;
  while (first < Math.max(a.length, b.length) - 1 && isSame(first)) first += 1;
  const from = Math.max(0, first - ORDERS_BEFORE);
  const line = (queue: readonly QueuedReport[]): string => {
    const shown = queue.slice(from, from + ORDERS_SHOWN).map(({ orderId, quantity }, at) => {
      const text = `${quantityText(quantity)}${style.dim(` (${orderId})`)}`;
      return isSame(from + at) ? text : style.bad(text);
    });
    const behind = queue.length - from - shown.length;
    return [from > 0 ? '…' : '', ...shown, behind > 0 ? '…' : ''].filter((text) => text !== '').join(' · ');
  };
  return `\n${name}, from place ${from + 1} of the queue\n  A  ${line(a)}\n  B  ${line(b)}\n`;
}

function nameOf({ symbol, instrument }: DifferenceReport): string {
  return plain(symbol ?? `instrument ${instrument}`);
}
