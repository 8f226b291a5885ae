import { parseScaled } from '../../event/format-text.ts';
import type { LevelReport } from '../level-report.ts';
import type { BookShot } from './book-shots.ts';

/** A price level of either side of a comparison; null where a side does not have it. */
export interface LadderRow {
  readonly side: 'bid' | 'ask';
  /** In the larger scale of the two; null for orders without a price. */
  readonly price: string | null;
  readonly differs: boolean;
  readonly a: LevelReport | null;
  readonly b: LevelReport | null;
}

interface Row extends LadderRow {
  /** Price in the larger scale; null stands in front of all. */
  readonly units: bigint | null;
}

/** The levels of two books side by side, bids before asks, best first. */
export function ladderRows(a: BookShot, b: BookShot, withIds: boolean): LadderRow[] {
  return (['bid', 'ask'] as const).flatMap((side) =>
    sideRows(a, b, side, withIds).map(({ units: _, ...row }) => row),
  );
}

function sideRows(a: BookShot, b: BookShot, side: 'bid' | 'ask', withIds: boolean): Row[] {
  const scale = Math.max(a.priceScale, b.priceScale);
  const unitsOf = ({ price }: LevelReport): bigint | null =>
    price === null ? null : parseScaled(price, scale);
  const [levelsA, levelsB] = side === 'bid' ? [a.bids, b.bids] : [a.asks, b.asks];
  const ofB = new Map(levelsB.map((level) => [unitsOf(level), level]));
  const ofA = new Map(levelsA.map((level) => [unitsOf(level), level]));
  const prices = [...new Set([...ofA.keys(), ...ofB.keys()])].sort((left, right) => {
    if (left === null || right === null) return left === null ? -1 : 1;
    const better = side === 'bid' ? left > right : left < right;
    return better ? -1 : 1;
  });
  return prices.map((units) => {
    const levelA = ofA.get(units) ?? null;
    const levelB = ofB.get(units) ?? null;
    const price = (a.priceScale >= b.priceScale ? (levelA ?? levelB) : (levelB ?? levelA))!.price;
    return { side, units, price, differs: !isSame(levelA, levelB, withIds), a: levelA, b: levelB };
  });
}

/** Do two levels hold the same orders in the same order? Where one knows no orders, the same in all? */
function isSame(a: LevelReport | null, b: LevelReport | null, withIds: boolean): boolean {
  if (a === null || b === null) return a === b;
  const queueA = a.queue ?? [];
  const queueB = b.queue ?? [];
  if (queueA.length === 0 || queueB.length === 0) return exact(a.quantity) === exact(b.quantity);
  return (
    queueA.length === queueB.length &&
    queueA.every((order, at) => {
      const other = queueB[at]!;
      return exact(order.quantity) === exact(other.quantity) && (!withIds || order.orderId === other.orderId);
    })
  );
}

/** A decimal without the zeros behind its point that say nothing. */
function exact(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}

/** Those that differ and up to `around` levels on either side of them; others are left out, and queues of equal ones. */
export function rowsAround(rows: readonly LadderRow[], around: number): LadderRow[] {
  return rows.flatMap((row, at) => {
    const isNear = rows
      .slice(Math.max(0, at - around), at + around + 1)
      .some(({ differs, side }) => differs && side === row.side);
    return isNear ? [row.differs ? row : { ...row, a: plain(row.a), b: plain(row.b) }] : [];
  });
}

function plain(level: LevelReport | null): LevelReport | null {
  if (level === null) return null;
  const { queue: _, ...rest } = level;
  return rest;
}
