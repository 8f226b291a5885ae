/**
 * What an interface of a packet pipe is, as its if_description says it: one line, one clock, one source.
 *
 *     mdx/1 line=A clock=software source=udp://239.10.10.1:5001 backend=mmsg feed=itch-5.0 pair=0
 *
 * Words that are not known are left out; unknown words are passed over, so that there can be more of them.
 */
export interface PipeInterface {
  /** `A`, `B`, or `R` for what recovery brought. */
  readonly line: string;
  /** Whose receive times these are. */
  readonly clock: PipeClock;
  /** Endpoint or file the packets came from. */
  readonly source: string;
  readonly backend: string | null;
  readonly feed: string | null;
  /** Number of the group pair within its line: A's n-th group carries what B's n-th carries; null = not said. */
  readonly pair: number | null;
}

export type PipeClock = 'none' | 'software' | 'hardware' | 'file';

const PREFIX = 'mdx/1';
const CLOCKS: readonly string[] = ['none', 'software', 'hardware', 'file'];
const PAIR_MAX = 65_535;

/** Writes the description; `parseInterfaceDescription` reads it. */
export function describeInterface(of: PipeInterface): string {
  const words = [PREFIX, `line=${of.line}`, `clock=${of.clock}`, `source=${escaped(of.source)}`];
  if (of.backend !== null) words.push(`backend=${of.backend}`);
  if (of.feed !== null) words.push(`feed=${of.feed}`);
  if (of.pair !== null) words.push(`pair=${of.pair}`);
  return words.join(' ');
}

/** @returns null where the description is none of a packet pipe. */
export function parseInterfaceDescription(text: string | null): PipeInterface | null {
  if (text === null) return null;
  const [prefix, ...words] = text.split(' ');
  if (prefix !== PREFIX) return null;
  const values = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    if (at > 0) values.set(word.slice(0, at), word.slice(at + 1));
  }
  const line = values.get('line');
  const clock = values.get('clock');
  if (line === undefined || !/^[A-Z]$/.test(line) || clock === undefined || !CLOCKS.includes(clock)) {
    return null;
  }
  const pair = values.get('pair');
  const isPair = pair !== undefined && /^\d{1,5}$/.test(pair) && Number(pair) <= PAIR_MAX;
  return {
    line,
    clock: clock as PipeClock,
    source: unescaped(values.get('source') ?? ''),
    backend: values.get('backend') ?? null,
    feed: values.get('feed') ?? null,
    pair: isPair ? Number(pair) : null,
  };
}

/** Blanks part the words, so those of a path are written as `%20`, and `%` as `%25`. */
function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll(' ', '%20');
}

function unescaped(text: string): string {
  return text.replaceAll('%20', ' ').replaceAll('%25', '%');
}
