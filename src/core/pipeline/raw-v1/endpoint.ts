import { checkOptions, durationOption, type Endpoint, parseEndpoint } from '../../config/endpoint.ts';
import { MdxError } from '../../errors.ts';

const SCHEMES: readonly string[] = ['ws', 'wss'];
const PATH_DEFAULT = '/ws';
const LINES_MAX = 2;
/** How long nobody may be there before that is the end. */
const PATIENCE_MS = 10_000;

/** Where a raw-v1 server is asked, and what for. */
export interface RawV1Endpoint {
  /** As it was given. */
  readonly text: string;
  /** Without the query: that is made anew for each connection. */
  readonly url: string;
  /** Begin with the books. False: only with what comes. */
  readonly snapshot: boolean;
  /** Begin with this cursor, null = with the books or what comes. */
  readonly fromSeq: bigint | null;
  /** How long nobody may be there before that is the end, ms. */
  readonly patienceMs: number;
}

export function isRawV1Endpoint(text: string): boolean {
  return /^wss?:\/\//.test(text);
}

/** Endpoints that stand one behind the other are the two lines of one server: they become one input. */
export function joinLines(paths: readonly string[]): string[] {
  const joined: string[] = [];
  let isOpen = false;
  for (const path of paths) {
    const isLine = isRawV1Endpoint(path);
    if (isLine && isOpen) joined.push(`${joined.pop()} ${path}`);
    else joined.push(path);
    isOpen = isLine;
  }
  return joined;
}

/** Reads `ws://HOST:PORT/PATH?snapshot=0&…`, or two of them. Throws MdxError `usage`. */
export function parseRawV1Endpoints(text: string): RawV1Endpoint[] {
  const endpoints = text.split(' ').map(parseOne);
  if (endpoints.length > LINES_MAX) {
    throw new MdxError('usage', `${text}: a server has two lines at most, and ${endpoints.length} are given`);
  }
  return endpoints;
}

function parseOne(text: string): RawV1Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint === null || !SCHEMES.includes(endpoint.scheme) || endpoint.host === '') {
    throw new MdxError('usage', `${text}: expected ws://HOST:PORT or wss://HOST:PORT`);
  }
  if (endpoint.host.includes('@')) {
    throw new MdxError('usage', 'an address has no place for a password', {
      hint: 'Put the token into the environment as MDX_TOKEN, or name a file of it with --token-file.',
    });
  }
  checkOptions(endpoint, ['channel', 'codec', 'snapshot', 'from_seq', 'timeout']);
  fixed(endpoint, 'channel', 'obo');
  fixed(endpoint, 'codec', 'raw-v1');
  const from = endpoint.options.get('from_seq');
  const snapshot = endpoint.options.get('snapshot') ?? (from === undefined ? '1' : '0');
  if (!['1', 'true', '0', 'false'].includes(snapshot)) {
    throw new MdxError('usage', `${text}: snapshot=${snapshot}, expected 1 or 0`);
  }
  const isSnapshot = snapshot === '1' || snapshot === 'true';
  if (from !== undefined && (!/^\d{1,16}$/.test(from) || isSnapshot)) {
    throw new MdxError('usage', `${text}: from_seq=${from}, expected a cursor and no snapshot=1 beside it`);
  }
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  const port = endpoint.port === 0 ? '' : `:${endpoint.port}`;
  return {
    text,
    url: `${endpoint.scheme}://${host}${port}${endpoint.path === '' ? PATH_DEFAULT : endpoint.path}`,
    snapshot: isSnapshot,
    fromSeq: from === undefined ? null : BigInt(from),
    patienceMs: durationOption(endpoint, 'timeout') ?? PATIENCE_MS,
  };
}

function fixed({ options, text }: Endpoint, key: string, only: string): void {
  const value = options.get(key);
  if (value === undefined || value === only) return;
  throw new MdxError('usage', `${text}: ${key}=${value}, expected ${only}`);
}
