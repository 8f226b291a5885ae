import { type Address, formatAddress, isMulticast, parseAddress } from '../capture/address.ts';
import { checkOptions, type Endpoint, parseEndpoint } from '../config/endpoint.ts';
import { parseSize } from '../config/size.ts';
import { MdxError } from '../errors.ts';
import type { BackendName, RingOptions, Subscription, XdpOptions } from './backend.ts';

/** How a line is received; what is not said is as `LINE_DEFAULTS`. */
export interface LineOptions {
  readonly backend: BackendName | 'auto';
  /** Threads that share the line: by group (dgram, mmsg), by flow (ring); xdp has one. */
  readonly workers: number;
  /** Most packets taken by one call. */
  readonly batch: number;
  /** Bytes of a packet that are kept, and packets that may wait, of each worker. */
  readonly slotBytes: number;
  readonly slots: number;
  /** Receive buffer to ask for; what the system gives unasked holds some 250 small packets. */
  readonly receiveBufferBytes: number;
  readonly busyPollUs: number | null;
  readonly timestamping: 'off' | 'software' | 'hardware';
  /** Processors of the workers, the first one's first; null = the system chooses. */
  readonly cpus: readonly number[] | null;
  /** SCHED_FIFO priority; null = as other threads. */
  readonly realtime: number | null;
  readonly ring: RingOptions;
  readonly xdp: XdpOptions;
}

export const LINE_DEFAULTS: LineOptions = {
  backend: 'auto',
  workers: 1,
  batch: 64,
  slotBytes: 2048,
  slots: 65_536,
  receiveBufferBytes: 8 << 20,
  busyPollUs: null,
  timestamping: 'software',
  cpus: null,
  realtime: null,
  ring: { version: 3, blockBytes: 65_536, blocks: 256, blockTimeoutMs: 1, fanout: null },
  xdp: { queue: null, mode: 'generic', zeroCopy: false, chunks: 16_384 },
};

/** One line: its groups in the order of their pairs, and how they are received. */
export interface LineSpec {
  /** `A` or `B`. */
  readonly name: string;
  readonly subscriptions: readonly Subscription[];
  readonly options: LineOptions;
}

/** What a user says about lines: `--line A=udp://…,udp://…`, `udp://…` in the order of the lines, `--snapshot …`. */
export interface LineTexts {
  readonly lines: readonly string[];
  readonly positional: readonly string[];
  readonly snapshots: readonly string[];
}

const NAMES: readonly string[] = ['A', 'B'];
const OF_GROUP: readonly string[] = ['iface', 'source'];
const OF_LINE: readonly string[] = [
  'backend',
  'workers',
  'batch',
  'slot-bytes',
  'pool',
  'rcvbuf',
  'busy-poll',
  'timestamps',
  'cpu',
  'realtime',
  'ring-version',
  'ring-block',
  'ring-blocks',
  'ring-timeout',
  'xdp-queue',
  'xdp-mode',
  'xdp-zero-copy',
  'xdp-chunks',
];

/**
 * Reads the lines. The groups of `--snapshot` stand behind the others of their line, A unless said (`B=udp://…`).
 * Throws MdxError `usage`.
 */
export function parseLines(texts: LineTexts, defaults: LineOptions = LINE_DEFAULTS): LineSpec[] {
  const endpoints = new Map<string, Endpoint[]>();
  const add = (name: string, text: string): void => {
    const list = endpoints.get(name) ?? [];
    list.push(udpEndpoint(text));
    endpoints.set(name, list);
  };
  for (const text of texts.lines) {
    const [name, list] = namedLine(text, '--line');
    if (endpoints.has(name)) throw new MdxError('usage', `--line ${name}: it is given twice`);
    for (const each of list) add(name, each);
  }
  for (const text of texts.positional) {
    const name = NAMES.find((each) => !endpoints.has(each));
    if (name === undefined) {
      throw new MdxError('usage', `${text}: lines A and B are given already`, {
        hint: 'Several groups of one line stand in one --line A=udp://…,udp://….',
      });
    }
    add(name, text);
  }
  if (!endpoints.has('A')) throw new MdxError('usage', 'a line A is missing: udp://GROUP:PORT or --line A=…');
  for (const text of texts.snapshots) {
    const [name, list] = /^[AB]=/.test(text)
      ? namedLine(text, '--snapshot')
      : (['A', text.split(',')] as const);
    if (!endpoints.has(name)) throw new MdxError('usage', `--snapshot ${text}: there is no line ${name}`);
    for (const each of list) add(name, each);
  }
  return [...endpoints]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, list]) => lineOf(name, list, defaults));
}

/** `udp://239.10.10.1:5001`, without its options. */
export function subscriptionText({ group, port }: Pick<Subscription, 'group' | 'port'>): string {
  const text = formatAddress(group.words, group.ipVersion);
  return `udp://${group.ipVersion === 6 ? `[${text}]` : text}:${port}`;
}

/** Is the group joined, or an address of this machine? */
export function isGroup({ words, ipVersion }: Address): boolean {
  return isMulticast(words, ipVersion);
}

function namedLine(text: string, flag: string): readonly [string, readonly string[]] {
  const match = /^([AB])=(.+)$/s.exec(text);
  if (match === null) {
    throw new MdxError('usage', `${flag} ${text}: expected A=udp://GROUP:PORT or B=udp://GROUP:PORT`);
  }
  return [match[1]!, match[2]!.split(',')];
}

function udpEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint === null || endpoint.scheme !== 'udp' || endpoint.path !== '' || endpoint.port === 0) {
    throw new MdxError('usage', `${text}: expected udp://GROUP:PORT`, {
      hint: 'For example udp://239.10.10.1:5001?iface=eth0, IPv6 as udp://[ff05::1]:5001.',
    });
  }
  checkOptions(endpoint, [...OF_GROUP, ...OF_LINE]);
  return endpoint;
}

function lineOf(name: string, endpoints: readonly Endpoint[], defaults: LineOptions): LineSpec {
  const subscriptions = endpoints.map((endpoint) => subscriptionOf(endpoint));
  for (const [at, each] of subscriptions.entries()) {
    const text = subscriptionText(each);
    const twin = subscriptions.findIndex((other) => subscriptionText(other) === text);
    if (twin < at) throw new MdxError('usage', `line ${name}: ${text} is given twice`);
  }
  return { name, subscriptions, options: optionsOf(name, endpoints, defaults) };
}

function subscriptionOf(endpoint: Endpoint): Subscription {
  const group = parseAddress(endpoint.host);
  if (group === null) {
    throw new MdxError('usage', `${endpoint.text}: ${endpoint.host || 'nothing'} is no IPv4 or IPv6 address`);
  }
  const sourceText = endpoint.options.get('source');
  const source = sourceText === undefined ? null : parseAddress(sourceText);
  if (sourceText !== undefined && (source === null || source.ipVersion !== group.ipVersion)) {
    throw new MdxError('usage', `${endpoint.text}: source=${sourceText} is no IPv${group.ipVersion} address`);
  }
  if (source !== null && !isGroup(group)) {
    throw new MdxError('usage', `${endpoint.text}: a source is chosen for a multicast group only`);
  }
  return { group, port: endpoint.port, iface: endpoint.options.get('iface') ?? null, source };
}

/** Options of a line may stand at any of its groups; two that differ are refused. */
function optionsOf(name: string, endpoints: readonly Endpoint[], defaults: LineOptions): LineOptions {
  const said = new Map<string, string>();
  for (const { options, text } of endpoints) {
    for (const [key, value] of options) {
      if (!OF_LINE.includes(key)) continue;
      const before = said.get(key);
      if (before !== undefined && before !== value) {
        throw new MdxError('usage', `${text}: ${key} is of the whole line ${name}, and was ${before} before`);
      }
      said.set(key, value);
    }
  }
  const read = new Said(name, said);
  return {
    backend: read.choice('backend', ['auto', 'dgram', 'mmsg', 'ring', 'xdp'], defaults.backend),
    workers: read.integer('workers', 1, 64, defaults.workers),
    batch: read.integer('batch', 1, 1024, defaults.batch),
    slotBytes: slotBytesOf(read.size('slot-bytes', defaults.slotBytes)),
    slots: read.integer('pool', 64, 1 << 22, defaults.slots),
    receiveBufferBytes: read.size('rcvbuf', defaults.receiveBufferBytes),
    busyPollUs: read.optional('busy-poll', 1_000_000, defaults.busyPollUs),
    timestamping: read.choice('timestamps', ['off', 'software', 'hardware'], defaults.timestamping),
    cpus: read.list('cpu', defaults.cpus),
    realtime: read.optional('realtime', 99, defaults.realtime),
    ring: {
      version: Number(read.choice('ring-version', ['2', '3'], String(defaults.ring.version) as '2' | '3')) as
        | 2
        | 3,
      blockBytes: read.size('ring-block', defaults.ring.blockBytes),
      blocks: read.integer('ring-blocks', 1, 65_536, defaults.ring.blocks),
      blockTimeoutMs: read.integer('ring-timeout', 1, 10_000, defaults.ring.blockTimeoutMs),
      fanout: defaults.ring.fanout,
    },
    xdp: {
      queue: said.has('xdp-queue') ? read.integer('xdp-queue', 0, 255, 0) : defaults.xdp.queue,
      mode: read.choice('xdp-mode', ['generic', 'native'], defaults.xdp.mode),
      zeroCopy: read.choice('xdp-zero-copy', ['yes', 'no'], defaults.xdp.zeroCopy ? 'yes' : 'no') === 'yes',
      chunks: read.integer('xdp-chunks', 64, 1 << 20, defaults.xdp.chunks),
    },
  };
}

/** Slots lie on cache lines; the longest datagram and its frame fit. */
export function slotBytesOf(bytes: number): number {
  if (bytes >= 64 && bytes <= 131_072) return Math.ceil(bytes / 64) * 64;
  throw new MdxError('usage', `slot-bytes ${bytes}: expected 64 to 131072`);
}

/** The options of a line as they were said. */
class Said {
  readonly #line: string;
  readonly #values: ReadonlyMap<string, string>;

  constructor(line: string, values: ReadonlyMap<string, string>) {
    this.#line = line;
    this.#values = values;
  }

  choice<T extends string>(key: string, known: readonly T[], otherwise: T): T {
    const value = this.#values.get(key);
    if (value === undefined) return otherwise;
    if (known.includes(value as T)) return value as T;
    throw this.#wrong(key, value, known.join(', '));
  }

  integer(key: string, min: number, max: number, otherwise: number): number {
    const value = this.#values.get(key);
    if (value === undefined) return otherwise;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw this.#wrong(key, value, `${min} to ${max}`);
  }

  optional(key: string, max: number, otherwise: number | null): number | null {
    return this.#values.has(key) ? this.integer(key, 1, max, 1) : otherwise;
  }

  size(key: string, otherwise: number): number {
    const value = this.#values.get(key);
    if (value === undefined) return otherwise;
    const bytes = parseSize(value);
    if (bytes !== null && bytes > 0 && bytes < 2 ** 31) return bytes;
    throw this.#wrong(key, value, 'a size such as 8MB');
  }

  list(key: string, otherwise: readonly number[] | null): readonly number[] | null {
    const value = this.#values.get(key);
    if (value === undefined) return otherwise;
    if (/^\d{1,4}(\+\d{1,4})*$/.test(value)) return value.split('+').map(Number);
    throw this.#wrong(key, value, 'processor numbers such as 2 or 2+3');
  }

  #wrong(key: string, value: string, expected: string): MdxError {
    return new MdxError('usage', `line ${this.#line}: ${key}=${value}, expected ${expected}`);
  }
}
