import { isIP } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { MdxError } from '../errors.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { type Endpoint, parseEndpoint } from './endpoint.ts';
import { Fault, type Kind, quoted, textOf } from './key.ts';
import { nearest } from './nearest.ts';
import { formatSize, parseSize } from './size.ts';
import type { TomlValue } from './toml.ts';

/*
 * The kinds of values that keys have. Each reads what the file has, and the text of flags and of the environment.
 */

export const boolean: Kind<boolean> = {
  type: 'boolean',
  expected: 'true or false',
  ofToml: (value) => (value.kind === 'boolean' ? value.value : new Fault('true or false')),
  ofText: (text) => (text === 'true' ? true : text === 'false' ? false : new Fault('true or false')),
  toToml: String,
};

export function integer(min: number, max: number): Kind<number> {
  const expected =
    max === Number.MAX_SAFE_INTEGER ? `an integer of ${min} or more` : `an integer from ${min} to ${max}`;
  const judged = (value: number): number | Fault =>
    Number.isSafeInteger(value) && value >= min && value <= max ? value : new Fault(expected);
  return {
    type: 'integer',
    expected,
    ofToml: (value) => (value.kind === 'integer' ? judged(value.value) : new Fault(expected)),
    ofText: (text) => judged(/^\d{1,16}$/.test(text) ? Number(text) : Number.NaN),
    toToml: String,
  };
}

const NS_OF = { ns: 1, us: 1e3, ms: 1e6 } as const;

/** A length of time, kept in `unit`; the limits are texts such as `1ms`. */
export function duration(unit: keyof typeof NS_OF, min: string, max: string): Kind<number> {
  const expected = `a duration from ${min} to ${max}, such as ${quoted(min === '0' ? max : min)}`;
  const least = parseDuration(min)!;
  const most = parseDuration(max)!;
  const judged = (text: string | null): number | Fault => {
    const ns = text === null ? null : parseDuration(text);
    return ns === null || ns < least || ns > most ? new Fault(expected) : ns / NS_OF[unit];
  };
  return {
    type: 'duration',
    expected,
    ofToml: (value) => judged(value.kind === 'integer' && value.value === 0 ? '0' : textOf(value)),
    ofText: judged,
    toToml: (value) => quoted(formatDuration(value * NS_OF[unit])),
  };
}

/** A number of bytes; the limits are texts such as `64MiB`. */
export function size(min: string, max: string): Kind<number> {
  const expected = `a size from ${min} to ${max}, in bytes or such as "8MiB"`;
  const least = parseSize(min)!;
  const most = parseSize(max)!;
  const judged = (bytes: number | null): number | Fault =>
    bytes !== null && Number.isSafeInteger(bytes) && bytes >= least && bytes <= most
      ? bytes
      : new Fault(expected);
  return {
    type: 'size',
    expected,
    ofToml: (value) =>
      value.kind === 'integer'
        ? judged(value.value)
        : value.kind === 'text'
          ? judged(parseSize(value.value))
          : new Fault(expected),
    ofText: (text) => judged(parseSize(text)),
    toToml: (value) => quoted(formatSize(value)),
  };
}

/** One of a few words. */
export function choice<T extends string>(...words: readonly T[]): Kind<T> {
  const expected = `one of ${words.map(quoted).join(', ')}`;
  const judged = (text: string | null): T | Fault => {
    const word = words.find((each) => each === text);
    if (word !== undefined) return word;
    const near = text === null ? null : nearest(text, words);
    return new Fault(near === null ? expected : `${expected}; did you mean ${quoted(near)}?`);
  };
  return {
    type: 'word',
    expected,
    ofToml: (value) => judged(textOf(value)),
    ofText: judged,
    toToml: quoted,
  };
}

/** A text that `judge` takes (null) or says what it expected instead of. */
export function text(type: string, expected: string, judge: (text: string) => string | null): Kind<string> {
  const judged = (value: string | null): string | Fault => {
    const wanted = value === null ? expected : judge(value);
    return wanted === null ? value! : new Fault(wanted);
  };
  return {
    type,
    expected,
    ofToml: (value) => judged(textOf(value)),
    ofText: judged,
    toToml: quoted,
  };
}

/** A file or folder; in the file it is relative to the folder of the file. */
export const path: Kind<string> = located('a path', (value) => value);

/** What `mdx replay` reads: a path, `-` or a URI. */
export const input: Kind<string> = located('a path, - or a URI', (value) =>
  value === '-' || endpointOf(value) !== null ? null : value,
);

function located(expected: string, pathIn: (value: string) => string | null): Kind<string> {
  const judged = (value: string | null): string | Fault =>
    value === null || value === '' || value.includes('\0') ? new Fault(expected) : value;
  return {
    type: 'path',
    expected,
    ofToml: (value, folder) => {
      const found = judged(textOf(value));
      if (found instanceof Fault) return found;
      const relative = pathIn(found);
      return relative === null || isAbsolute(relative) ? found : resolve(folder, relative);
    },
    ofText: judged,
    toToml: quoted,
  };
}

/** Where to listen: HOST:PORT. */
export const address: Kind<string> = text(
  'address',
  'HOST:PORT such as "127.0.0.1:9000" (port 0 = the system chooses)',
  (value) => {
    const found = /^(?:\[([^\]]+)\]|([^:/?@\s]+)):(\d{1,5})$/.exec(value);
    const isHost = found !== null && (found[1] === undefined || isIP(found[1]) === 6);
    return isHost && Number(found[3]) <= 65_535 ? null : address.expected;
  },
);

/** A group that a line is received from. */
export const group: Kind<string> = text(
  'URI',
  'udp://GROUP:PORT such as "udp://239.10.10.1:5001?iface=eth0"',
  (value) => {
    const found = endpointOf(value);
    if (found === null || found instanceof Fault) return group.expected;
    const isGroup = found.scheme === 'udp' && isIP(found.host) !== 0 && found.port > 0 && found.path === '';
    return isGroup ? null : group.expected;
  },
);

/** Where a snapshot channel is sent to: a group to receive, or GROUP:PORT in what is read. */
export const snapshotGroup: Kind<string> = text(
  'URI',
  'udp://GROUP:PORT, B=udp://GROUP:PORT, or GROUP:PORT in a recording',
  (value) => {
    const bare = value.replace(/^[AB]=/, '');
    return group.ofText(bare.includes('://') ? bare : `udp://${bare}`) instanceof Fault
      ? snapshotGroup.expected
      : null;
  },
);

function endpointOf(value: string): Endpoint | Fault | null {
  try {
    return parseEndpoint(value);
  } catch (error) {
    if (error instanceof MdxError) return new Fault(error.message);
    throw error;
  }
}

/** A value that may be left out; `none` is the word that says so where a default or the file has one. */
export function optional<T>(kind: Kind<T>, none: string = 'none'): Kind<T | null> {
  const expected = `${kind.expected}, or ${quoted(none)}`;
  const widened = (found: T | Fault): T | Fault =>
    found instanceof Fault && found.expected === kind.expected ? new Fault(expected) : found;
  return {
    type: kind.type,
    expected,
    ofToml: (value, folder) => (textOf(value) === none ? null : widened(kind.ofToml(value, folder))),
    ofText: (value) => (value === none ? null : widened(kind.ofText(value))),
    toToml: (value) => (value === null ? quoted(none) : kind.toToml(value)),
  };
}

/** A list; as text, its items stand behind each other with commas. */
export function list<T>(kind: Kind<T>, max: number): Kind<readonly T[]> {
  const expected = `a list, each ${kind.expected}`;
  const judged = (items: readonly (T | Fault)[]): readonly T[] | Fault => {
    const fault = items.find((item) => item instanceof Fault);
    if (fault !== undefined) return fault;
    return items.length > max ? new Fault(`at most ${max} of them`) : (items as readonly T[]);
  };
  const located = (item: TomlValue, folder: string): T | Fault => {
    const found = kind.ofToml(item, folder);
    return found instanceof Fault ? new Fault(found.expected, found.place ?? item.place) : found;
  };
  return {
    type: `list of ${kind.type}`,
    expected,
    ofToml: (value, folder) =>
      value.kind === 'list' ? judged(value.items.map((item) => located(item, folder))) : new Fault(expected),
    ofText: (value) => judged(value === '' ? [] : value.split(',').map((item) => kind.ofText(item.trim()))),
    ofItems: (texts) => judged(texts.map((item) => kind.ofText(item))),
    toToml: (items) => `[${items.map((item) => kind.toToml(item)).join(', ')}]`,
  };
}
