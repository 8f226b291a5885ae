import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpCounts } from './counts.ts';
import type { Gate } from './gate.ts';
import { hasBody, readDocument } from './request-body.ts';
import { type Answer, type Call, full, problem, type Route, type StreamingRoute } from './route.ts';
import type { Router } from './router.ts';
import { COMMON_HEADERS, send } from './send.ts';
import { OpenStream } from './stream.ts';
import { parseTarget, TARGET_LENGTH_MAX, type Target } from './target.ts';

/** Bytes of answers that may wait for slow readers, over all connections. */
const PENDING_BYTES_MAX: number = 64 * 1024 * 1024;

export interface ExchangeOptions {
  readonly router: Router;
  readonly counts: HttpCounts;
  /** Those of the moment: they may be reloaded. */
  gate(): Gate;
  maxBodyBytes(): number;
  readonly maxStreams: number;
  /** Is told of faults of ours. */
  onFailure(error: unknown, what: string): void;
}

/** Takes requests from their head to their answer. Whatever comes, there is one answer or a closed connection. */
export class Exchange {
  readonly streams: Set<OpenStream> = new Set();
  readonly #options: ExchangeOptions;
  #pendingBytes = 0;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { counts, gate } = this.#options;
    counts.requests += 1;
    response.on('error', () => {});
    const common = gate().origins.headersFor(request.headers);
    let answer: Answer | null;
    try {
      answer = await this.#answer(request, response, common);
    } catch (error) {
      // A client that goes away while its document is read is no fault of ours.
      if (request.destroyed && !request.complete) return;
      this.fail(error, request);
      answer = problem(500, 'internal', 'this request met a fault of mdx; it is in the log');
    }
    if (answer !== null) this.#send(request, response, answer, common);
  }

  /** Counts and tells a fault of ours. */
  fail(error: unknown, { method, url = '' }: IncomingMessage): void {
    this.#options.counts.failures += 1;
    this.#options.onFailure(error, `${method} ${url.slice(0, 128)}`);
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    answer: Answer,
    common: Readonly<Record<string, string>>,
  ): void {
    const { counts } = this.#options;
    counts.answers[Math.floor(answer.status / 100)]! += 1;
    if (answer.status === 401) counts.unauthorized += 1;
    // What is not read would be taken for the next request.
    const headers = request.complete || !hasBody(request) ? common : { ...common, connection: 'close' };
    const bytes = send(response, answer, request.method === 'HEAD', headers);
    this.#pendingBytes += bytes;
    response.once('close', () => {
      this.#pendingBytes -= bytes;
    });
  }

  /** @returns null where a stream was opened. */
  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    common: Readonly<Record<string, string>>,
  ): Promise<Answer | null> {
    const { router, gate, maxBodyBytes, counts } = this.#options;
    const { headers, method = '', url = '' } = request;
    if (url.length > TARGET_LENGTH_MAX) {
      return problem(414, 'target', `the request target has more than ${TARGET_LENGTH_MAX} characters`);
    }
    const misdirected = gate().checkHost(headers);
    if (misdirected !== null) return misdirected;
    const target = parseTarget(url);
    if (target === null) return problem(400, 'target', 'the request target is not well formed');
    if (method === 'OPTIONS') return this.#preflight(headers, target);
    const found = router.find(method, target);
    if ('refusal' in found) return found.refusal;
    const { route, values } = found;
    const token = gate().identify(route.access, headers);
    if (token !== null && typeof token !== 'string') return token;
    if (route.method === 'POST') {
      const refused = gate().checkOrigin(headers, 'change anything here');
      if (refused !== null) return refused;
    }
    if (this.#pendingBytes > PENDING_BYTES_MAX) {
      counts.overloaded += 1;
      return problem(503, 'overloaded', 'too many answers wait for slow readers', {
        headers: { 'retry-after': '1' },
      });
    }
    const body = await this.#document(request, route, maxBodyBytes());
    if ('refusal' in body) return body.refusal;
    const call: Call = { values, headers, token, address: addressOf(request), body: body.document };
    return 'open' in route ? this.#stream(route, call, request, response, common) : await route.handle(call);
  }

  async #document(
    request: IncomingMessage,
    route: Route,
    bytesMax: number,
  ): Promise<{ readonly document: unknown } | { readonly refusal: Answer }> {
    if (route.takes !== undefined) return readDocument(request, bytesMax);
    if (!hasBody(request)) return { document: undefined };
    return { refusal: problem(413, 'too-large', 'no document is expected here') };
  }

  #preflight(headers: IncomingMessage['headers'], target: Target): Answer {
    const allowed = this.#options.router.allowed(target);
    if (allowed === null) return problem(404, 'not-found', 'there is nothing there');
    const preflight = this.#options.gate().origins.preflightHeaders(headers, allowed);
    return { status: 204, body: { type: 'text/plain', text: '' }, headers: { allow: allowed, ...preflight } };
  }

  #stream(
    route: StreamingRoute,
    call: Call,
    request: IncomingMessage,
    response: ServerResponse,
    common: Readonly<Record<string, string>>,
  ): Answer | null {
    const headers = { ...COMMON_HEADERS, ...common, 'content-type': route.streams };
    if (request.method === 'HEAD') {
      return { status: 200, body: { type: route.streams, text: '' } };
    }
    const { maxStreams, counts } = this.#options;
    if (this.streams.size >= maxStreams) return full(`${maxStreams} streams are open`);
    const stream = new OpenStream(response, headers);
    const opened = route.open(call, stream);
    if ('status' in opened) return opened;
    counts.answers[2]! += 1;
    this.streams.add(stream);
    stream.run(opened, () => this.streams.delete(stream));
    return null;
  }
}

function addressOf({ socket }: IncomingMessage): string {
  const { remoteAddress = '', remotePort = 0 } = socket;
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
