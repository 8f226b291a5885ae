/** A request target taken apart: decoded once, so that a `/` or `&` inside a name stays what it is. */
export interface Target {
  /** Segments of the path; `/` has one that is empty. */
  readonly segments: readonly string[];
  /** In the order given; a name may stand there twice. */
  readonly query: readonly (readonly [name: string, value: string])[];
}

/** Longest request target that is looked at. */
export const TARGET_LENGTH_MAX = 4096;
const SEGMENTS_MAX = 16;
const QUERY_MAX = 32;

/** Characters that have no place in a name: controls, and halves of surrogate pairs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const UNFIT = /[\u0000-\u001f\u007f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** @returns null where the target is none that any route could have: badly encoded, too many parts, steps upwards. */
export function parseTarget(text: string): Target | null {
  // A proxy may name the whole address (RFC 9112 §3.2.2); what it is asked of is this server.
  const path = text.replace(/^https?:\/\/[^/?#]*/i, '');
  if (!path.startsWith('/')) return null;
  const mark = path.indexOf('?');
  const segments = (mark < 0 ? path : path.slice(0, mark)).slice(1).split('/');
  const parts = mark < 0 ? [] : path.slice(mark + 1).split('&');
  if (segments.length > SEGMENTS_MAX || parts.length > QUERY_MAX) return null;
  const decoded = segments.map(decode);
  if (!decoded.every((segment) => segment !== null && segment !== '.' && segment !== '..')) return null;
  const query: [string, string][] = [];
  for (const part of parts) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : decode(part.slice(equals + 1).replaceAll('+', ' '));
    if (name === null || value === null) return null;
    query.push([name, value]);
  }
  return { segments: decoded as string[], query };
}

function decode(text: string): string | null {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    return null;
  }
  return UNFIT.test(decoded) ? null : decoded;
}
