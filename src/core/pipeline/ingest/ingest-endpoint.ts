import { checkOptions, durationOption, type Endpoint, parseEndpoint } from '../../config/endpoint.ts';
import { MdxError } from '../../errors.ts';
import { INGEST_LIMITS, type IngestLimits } from '../../net/ingest/sink.ts';

const SCHEME = 'ingest+listen';
const SENDERS_MAX = 65_536;
const THREADS_MAX = 64;

/** Where senders of events connect. */
export interface IngestEndpoint {
  readonly text: string;
  readonly host: string;
  readonly port: number;
  /** The input ends when so many sources have said goodbye; null = never. */
  readonly sources: number | null;
  /** Threads that hear senders; 0 = the one with the books does. */
  readonly threads: number;
  readonly limits: IngestLimits;
}

/** `ingest+listen://HOST:PORT?…`; null where the text is something else. Throws MdxError `usage`. */
export function parseIngestEndpoint(text: string): IngestEndpoint | null {
  if (!text.startsWith(`${SCHEME}:`)) return null;
  const endpoint = parseEndpoint(text);
  if (endpoint === null || endpoint.scheme !== SCHEME || endpoint.path !== '') {
    throw new MdxError('usage', `${text}: expected ${SCHEME}://HOST:PORT`);
  }
  checkOptions(endpoint, ['sources', 'senders', 'threads', 'hello', 'silent']);
  return {
    text,
    host: endpoint.host === '' ? '127.0.0.1' : endpoint.host,
    port: endpoint.port,
    sources: countOption(endpoint, 'sources'),
    threads: countOption(endpoint, 'threads', THREADS_MAX) ?? 0,
    limits: {
      ...INGEST_LIMITS,
      senders: countOption(endpoint, 'senders') ?? INGEST_LIMITS.senders,
      helloMs: durationOption(endpoint, 'hello') ?? INGEST_LIMITS.helloMs,
      silentMs: durationOption(endpoint, 'silent') ?? INGEST_LIMITS.silentMs,
    },
  };
}

function countOption(endpoint: Endpoint, name: string, most: number = SENDERS_MAX): number | null {
  const text = endpoint.options.get(name);
  if (text === undefined) return null;
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= most) return count;
  throw new MdxError('usage', `${endpoint.text}: ${name}=${text}, expected a number from 1 to ${most}`);
}
