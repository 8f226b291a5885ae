import { checkOptions, durationOption, type Endpoint, parseEndpoint } from '../../config/endpoint.ts';
import { MdxError } from '../../errors.ts';

/** Messages that a slow peer may leave waiting, unless `?hwm=` says otherwise; a full one has 64 KiB. */
const HIGH_WATER_DEFAULT = 1000;
/** The same where every instrument has small messages of its own. */
const HIGH_WATER_BY_INSTRUMENT = 100_000;
const HIGH_WATER_MAX = 1_000_000;
const LINGER_MS_DEFAULT = 10_000;
const TOPIC_BYTES_MAX = 255;

const PATTERNS: Readonly<Record<string, 'push' | 'pull' | 'pub' | 'sub'>> = {
  'zmq+push': 'push',
  'zmq+pull': 'pull',
  'zmq+pub': 'pub',
  'zmq+sub': 'sub',
};
const SENDS: readonly string[] = ['push', 'pub'];

/** An endpoint of ZeroMQ with what its options say. */
export interface ZmqEndpoint {
  readonly text: string;
  readonly pattern: 'push' | 'pull' | 'pub' | 'sub';
  /** `tcp://HOST:PORT` as the library takes it. */
  readonly address: string;
  readonly binds: boolean;
  readonly highWater: number;
  /** The topic that is published, or the only one that is taken; null: one by default. */
  readonly topic: string | null;
  /** Every instrument has a topic of its own. */
  readonly byInstrument: boolean;
  /** Subscribers that a publisher waits for. */
  readonly subscribers: number;
  /** How long what was sent is waited for at the end, ms. */
  readonly lingerMs: number;
  /** How long the first message is waited for, ms; null = as long as it takes. */
  readonly timeoutMs: number | null;
}

/** Does the text name an endpoint of ZeroMQ? */
export function isZmq(text: string): boolean {
  return text.startsWith('zmq+');
}

/** Reads an endpoint to send to, or to receive from. Throws MdxError `usage`. */
export function parseZmqEndpoint(text: string, sends: boolean): ZmqEndpoint {
  const endpoint = parseEndpoint(text);
  const pattern = endpoint === null ? undefined : PATTERNS[endpoint.scheme];
  if (endpoint === null || pattern === undefined) {
    throw new MdxError(
      'usage',
      `${text}: expected zmq+push://, zmq+pull://, zmq+pub:// or zmq+sub://HOST:PORT`,
    );
  }
  if (SENDS.includes(pattern) !== sends) {
    const fits = sends ? 'zmq+push:// and zmq+pub:// send' : 'zmq+pull:// and zmq+sub:// receive';
    throw new MdxError('usage', `${text}: a ${pattern} socket does not ${sends ? 'send' : 'receive'}`, {
      hint: `${fits}.`,
    });
  }
  checkOptions(endpoint, KNOWN[pattern]!);
  const binds = bindsOf(endpoint, sends);
  const { host, port, path, options } = endpoint;
  if (host === '' || path !== '' || (port === 0 && !binds)) {
    throw new MdxError('usage', `${text}: expected ${endpoint.scheme}://HOST:PORT`);
  }
  const byInstrument = byInstrumentOf(endpoint);
  const topic = options.get('topic') ?? null;
  if (
    topic !== null &&
    (topic === '' || topic.includes('\0') || Buffer.byteLength(topic) > TOPIC_BYTES_MAX)
  ) {
    throw new MdxError('usage', `${text}: a topic has 1 to ${TOPIC_BYTES_MAX} bytes and no NUL`);
  }
  return {
    text,
    pattern,
    address: `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`,
    binds,
    highWater: countOption(endpoint, 'hwm', 1, byInstrument ? HIGH_WATER_BY_INSTRUMENT : HIGH_WATER_DEFAULT),
    topic,
    byInstrument,
    subscribers: countOption(endpoint, 'wait', 0, 0),
    lingerMs: durationOption(endpoint, 'linger') ?? LINGER_MS_DEFAULT,
    timeoutMs: durationOption(endpoint, 'timeout'),
  };
}

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  push: ['bind', 'connect', 'hwm', 'linger', 'as'],
  pub: ['bind', 'connect', 'hwm', 'linger', 'as', 'topic', 'topics', 'wait'],
  pull: ['bind', 'connect', 'hwm', 'timeout'],
  sub: ['bind', 'connect', 'hwm', 'timeout', 'topic'],
};

/** Who sends binds, unless `?bind=` or `?connect=` says otherwise. */
function bindsOf(endpoint: Endpoint, sends: boolean): boolean {
  const said = ['bind', 'connect'].filter((name) => endpoint.options.has(name));
  if (said.length === 0) return sends;
  const value = endpoint.options.get(said[0]!)!;
  if (said.length === 2 || !['', '0', '1', 'false', 'true'].includes(value)) {
    throw new MdxError(
      'usage',
      `${endpoint.text}: expected bind=1, bind=0, connect=1 or connect=0, one of them`,
    );
  }
  return (value !== '0' && value !== 'false') === (said[0] === 'bind');
}

function byInstrumentOf({ text, options }: Endpoint): boolean {
  const topics = options.get('topics');
  if (topics === undefined) return false;
  if (topics !== 'instrument' || options.get('as') !== 'events' || options.has('topic')) {
    throw new MdxError(
      'usage',
      `${text}: topics=${topics}, expected topics=instrument with as=events and without topic`,
    );
  }
  return true;
}

function countOption(endpoint: Endpoint, name: string, least: number, otherwise: number): number {
  const text = endpoint.options.get(name);
  if (text === undefined) return otherwise;
  const value = /^\d{1,7}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= HIGH_WATER_MAX) return value;
  throw new MdxError('usage', `${endpoint.text}: ${name}=${text}, expected ${least} to ${HIGH_WATER_MAX}`);
}
