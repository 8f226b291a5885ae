import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** Seconds that a browser may keep the answer to a preflight. */
const PREFLIGHT_SECONDS = 600;

/** Does the host name this machine only: 127.0.0.0/8, ::1 or `localhost`? */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** The pages of other sites that may read answers and open streams: exact origins, or `*` for all. */
export class Origins {
  readonly #allowed: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#allowed = new Set(origins.map((origin) => origin.toLowerCase()));
  }

  /** May a request with these headers change something or open a stream? Programs other than browsers send no origin. */
  allows({ origin, host }: IncomingHttpHeaders): boolean {
    if (origin === undefined) return true;
    const lower = origin.toLowerCase();
    return (
      this.#allowed.has('*') ||
      this.#allowed.has(lower) ||
      (host !== undefined && lower.replace(/^https?:\/\//, '') === host.toLowerCase())
    );
  }

  /** Headers that let a browser hand the answer to the page that asked; `Vary` keeps caches from mixing pages up. */
  headersFor({ origin }: IncomingHttpHeaders): Record<string, string> {
    if (this.#allowed.size === 0) return {};
    if (this.#allowed.has('*')) return { 'access-control-allow-origin': '*' };
    if (origin === undefined || !this.#allowed.has(origin.toLowerCase())) return { vary: 'Origin' };
    return { 'access-control-allow-origin': origin, vary: 'Origin' };
  }

  /** Headers of the answer to a preflight. */
  preflightHeaders(headers: IncomingHttpHeaders, methods: string): Record<string, string> {
    const allowed = this.headersFor(headers);
    if (!('access-control-allow-origin' in allowed)) return allowed;
    return {
      ...allowed,
      'access-control-allow-methods': methods,
      'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID',
      'access-control-max-age': String(PREFLIGHT_SECONDS),
    };
  }
}

/**
 * Is the name by which a client reaches a server on loopback one of this machine? A page whose name was pointed at
 * 127.0.0.1 comes with its own name, and could otherwise read what is served here.
 */
export function namesThisMachine(host: string | undefined): boolean {
  if (host === undefined) return true;
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::\d+)?$/i.exec(host);
  const name = (match?.[1] ?? match?.[2] ?? '').toLowerCase();
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
}
