const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  kb: 1e3,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1e6,
  mib: 1024 ** 2,
  gb: 1e9,
  gib: 1024 ** 3,
  tb: 1e12,
  tib: 1024 ** 4,
};

/** Bytes of `8MB`, `8MiB`, `65536`; null where the text is no size. */
export function parseSize(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s*([kmgt]?i?b?|k|m)$/i.exec(text);
  if (match === null) return null;
  const unit = UNITS[match[2]!.toLowerCase()];
  return unit === undefined ? null : Math.round(Number(match[1]) * unit);
}

/** Text that `parseSize` reads as so many bytes, in the largest unit that needs no fraction. */
export function formatSize(bytes: number): string {
  const unit = ['TiB', 'TB', 'GiB', 'GB', 'MiB', 'MB', 'KiB'].find(
    (each) => bytes > 0 && bytes % UNITS[each.toLowerCase()]! === 0,
  );
  return unit === undefined ? String(bytes) : `${bytes / UNITS[unit.toLowerCase()]!}${unit}`;
}
