/** What a client asks for when it connects. */
export interface RawV1Query {
  /** The books first, then what comes behind them. */
  readonly snapshot: boolean;
  /** Cursor of the first frame, null: what comes next. */
  readonly fromSeq: number | null;
}

const BOOLEANS: Readonly<Record<string, boolean>> = { '1': true, true: true, '0': false, false: false };
const FIXED: Readonly<Record<string, string>> = { channel: 'obo', codec: 'raw-v1' };

/** Reads the query of a request; the path is not looked at. @returns why it cannot be read, where that is so. */
export function parseQuery(url: string): RawV1Query | string {
  const mark = url.indexOf('?');
  let snapshot = false;
  let fromSeq: number | null = null;
  const seen = new Set<string>();
  for (const [key, value] of new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))) {
    if (seen.has(key)) return `${clipped(key)} is given twice`;
    seen.add(key);
    const fixed = Object.hasOwn(FIXED, key) ? FIXED[key] : undefined;
    if (fixed !== undefined) {
      if (value !== fixed) return `${key}=${clipped(value)}: only ${key}=${fixed} is served here`;
    } else if (key === 'snapshot') {
      if (!Object.hasOwn(BOOLEANS, value)) return `snapshot=${clipped(value)}: expected 1, true, 0 or false`;
      snapshot = BOOLEANS[value]!;
    } else if (key === 'from_seq') {
      if (!/^\d{1,20}$/.test(value) || BigInt(value) >= 1n << 64n) {
        return `from_seq=${clipped(value)}: expected a whole number of 64 bits`;
      }
      fromSeq = Number(value);
    } else if (key === 'symbols') return 'symbols: raw-v1 has no filter, all instruments are sent';
    else return `${clipped(key)}: known are channel, codec, snapshot and from_seq`;
  }
  if (snapshot && fromSeq !== null) return 'snapshot=1 and from_seq exclude each other';
  return { snapshot, fromSeq };
}

/** What somebody else wrote, short and without what a terminal would act on. */
function clipped(text: string): string {
  const shown = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return shown.length > 40 ? `${shown.slice(0, 40)}…` : shown;
}
