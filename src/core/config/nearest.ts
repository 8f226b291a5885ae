/** The candidate a misspelt word most likely meant, null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  return allNearest(word, candidates)[0] ?? null;
}

/** The candidates that are nearest, all equally; none when none is near. */
export function allNearest(word: string, candidates: readonly string[]): string[] {
  const lower = word.toLowerCase();
  let best: string[] = [];
  let bestDistance = Math.max(2, Math.ceil(word.length / 3));
  for (const candidate of candidates) {
    const distance = distanceWithin(lower, candidate.toLowerCase(), bestDistance);
    if (distance > bestDistance) continue;
    if (distance < bestDistance) best = [];
    best.push(candidate);
    bestDistance = distance;
  }
  return best;
}

/** Least number of inserted, deleted, replaced or swapped neighbouring letters. Cost: product of the lengths. */
export function editDistance(a: string, b: string): number {
  return distanceWithin(a, b, Number.POSITIVE_INFINITY);
}

/** The distance where it is at most `limit`, else some number above. */
function distanceWithin(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    let rowLeast = i;
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, before[j - 2]! + 1);
      }
      row.push(least);
      rowLeast = Math.min(rowLeast, least);
    }
    // A swap may still come from the row in front: it is at most one better.
    if (rowLeast > limit + 1) return rowLeast;
    before = above;
    above = row;
  }
  return above[b.length]!;
}
