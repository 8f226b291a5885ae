import { MdxError } from '../errors.ts';
import { parseDuration } from './duration.ts';

/**
 * Sources and sinks as users name them: `udp://239.10.10.1:5001?iface=eth0`, `tcp+listen://127.0.0.1:9000`,
 * `zmq+pub://127.0.0.1:5556`, `unix+listen:/run/mdx.sock`. A path or `-` is none of them.
 */
export interface Endpoint {
  /** As it was given. */
  readonly text: string;
  /** `udp`, `tcp`, `tcp+listen`, `zmq+sub`, `unix`, … */
  readonly scheme: string;
  /** Without the brackets of IPv6; empty where there is none. */
  readonly host: string;
  /** 0 where none was given. */
  readonly port: number;
  /** Behind host and port, or the whole of a `unix:` one; empty where there is none. */
  readonly path: string;
  readonly options: ReadonlyMap<string, string>;
}

/** What introduces an endpoint, `unix:` and `hl:` included; a drive letter or a file name with a colon is none. */
const SCHEME = /^([a-z][a-z0-9]*(?:\+[a-z]+)?):(\/\/)?/;
const PATH_SCHEMES: ReadonlySet<string> = new Set(['unix', 'unix+listen', 'hl']);

/** @returns null where the text is a path. Throws MdxError `usage` where it is meant as an endpoint and cannot be read. */
export function parseEndpoint(text: string): Endpoint | null {
  const match = SCHEME.exec(text);
  if (match === null) return null;
  const [head, scheme, slashes] = match;
  const hasPath = PATH_SCHEMES.has(scheme!);
  if (slashes === undefined && !hasPath) return null;
  const [rest, query = ''] = split(text.slice(head.length), '?');
  const options = optionsOf(text, query);
  if (hasPath) return { text, scheme: scheme!, host: '', port: 0, path: rest, options };
  const address = /^(?:\[([^\]]*)\]|([^:/]*))(?::(\d+))?(\/.*)?$/.exec(rest);
  const port = Number(address?.[3] ?? 0);
  if (address === null || port > 65_535) {
    throw new MdxError('usage', `${text}: expected ${scheme}://HOST:PORT`, {
      hint: 'IPv6 addresses stand in brackets: [ff05::1]:5001.',
    });
  }
  const host = address[1] ?? address[2] ?? '';
  return { text, scheme: scheme!, host, port, path: address[4] ?? '', options };
}

/** Refuses options that are not known. Throws MdxError `usage` with the nearest known name. */
export function checkOptions(endpoint: Endpoint, known: readonly string[]): void {
  for (const name of endpoint.options.keys()) {
    if (known.includes(name)) continue;
    throw new MdxError('usage', `${endpoint.text}: there is no option ${name}`, {
      hint: known.length === 0 ? undefined : `Known are ${known.join(', ')}.`,
    });
  }
}

/** A duration among the options, such as `500ms`, `10s` or `0`, in ms; null where it is left out. Throws MdxError `usage`. */
export function durationOption(endpoint: Endpoint, name: string): number | null {
  const text = endpoint.options.get(name);
  if (text === undefined) return null;
  const ns = parseDuration(text);
  if (ns !== null) return ns / 1e6;
  throw new MdxError('usage', `${endpoint.text}: ${name}=${text}, expected a duration such as 500ms or 10s`);
}

function optionsOf(text: string, query: string): Map<string, string> {
  const options = new Map<string, string>();
  if (query === '') return options;
  for (const part of query.split('&')) {
    const [name, value = ''] = split(part, '=');
    if (name === '' || options.has(name)) {
      throw new MdxError('usage', `${text}: option ${name === '' ? 'without a name' : `${name} twice`}`);
    }
    options.set(name, decode(text, value));
  }
  return options;
}

function decode(text: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    throw new MdxError('usage', `${text}: ${value} is not well encoded`, { cause: error });
  }
}

function split(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
