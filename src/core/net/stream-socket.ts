import { once } from 'node:events';
import { lstatSync, unlinkSync } from 'node:fs';
import { createServer, connect as openConnection, type Server, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { checkOptions, durationOption, type Endpoint, parseEndpoint } from '../config/endpoint.ts';
import { MdxError } from '../errors.ts';

/** What is tried for this long before it is an error, unless `?timeout=` says otherwise. */
const CONNECT_MS_DEFAULT = 10_000;
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 500;

/** Answers that another attempt may change: whoever listens is only starting. */
const NOT_YET: readonly string[] = ['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EAGAIN', 'EAI_AGAIN'];
const SCHEMES: readonly string[] = ['tcp', 'tcp+listen', 'unix', 'unix+listen'];

/** How an endpoint is waited for. */
export interface Waiting {
  /** Ends the waiting. */
  readonly signal: AbortSignal | null;
  /** Is told where somebody can connect now: `listening tcp://127.0.0.1:40001`. */
  readonly tell: (text: string) => void;
}

/** Where a stream of bytes comes from or goes to; null where the text names none. Throws MdxError `usage`. */
export function parseStreamEndpoint(text: string): Endpoint | null {
  const endpoint = parseEndpoint(text);
  return endpoint !== null && SCHEMES.includes(endpoint.scheme) ? endpoint : null;
}

/**
 * Opens `tcp://HOST:PORT`, `tcp+listen://HOST:PORT`, `unix:PATH` or `unix+listen:PATH`: connects, again and again until
 * `?timeout=` has passed (10 s; `0` = one attempt), or waits for one peer, as long as it takes or for `?timeout=`. Who
 * listens takes one peer and no second one. The other direction of the socket stays open when its peer has ended one.
 * @returns null where somebody asked to stop meanwhile. Rejects with MdxError `socket-busy`, `socket-unreachable`,
 * `socket-refused` (what the system does not allow), or `usage`.
 */
export async function openStreamSocket(
  endpoint: Endpoint,
  waiting: Waiting,
  extraOptions: readonly string[] = [],
): Promise<Socket | null> {
  checkOptions(endpoint, ['timeout', ...extraOptions]);
  const { scheme, path, port, text } = endpoint;
  const listens = scheme.endsWith('+listen');
  if (scheme.startsWith('unix') ? path === '' : endpoint.path !== '' || (port === 0 && !listens)) {
    throw new MdxError(
      'usage',
      `${text}: expected ${scheme.startsWith('unix') ? `${scheme}:PATH` : `${scheme}://HOST:PORT`}`,
    );
  }
  if (waiting.signal?.aborted) return null;
  return listens ? takePeer(endpoint, waiting) : reach(endpoint, waiting);
}

async function reach(endpoint: Endpoint, { signal }: Waiting): Promise<Socket | null> {
  const patience = durationOption(endpoint, 'timeout') ?? CONNECT_MS_DEFAULT;
  const started = performance.now();
  for (let wait = RETRY_MS_MIN; ; wait = Math.min(wait * 2, RETRY_MS_MAX)) {
    const answer = await attempt(endpoint, signal);
    if (answer instanceof Socket || answer === null) return answer;
    const left = patience - (performance.now() - started);
    if (left <= 0 || !NOT_YET.includes(answer.code ?? '')) throw unreachable(endpoint, answer, patience);
    try {
      await pause(Math.min(wait, left), undefined, signal === null ? {} : { signal });
    } catch {
      return null;
    }
  }
}

/** One attempt. @returns null where somebody asked to stop. */
async function attempt(
  endpoint: Endpoint,
  signal: AbortSignal | null,
): Promise<Socket | NodeJS.ErrnoException | null> {
  const socket = openConnection({ ...addressOf(endpoint), allowHalfOpen: true });
  try {
    await once(socket, 'connect', signal === null ? {} : { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    return signal?.aborted ? null : systemError(error);
  }
}

/** Waits for the first peer, and listens no longer. */
async function takePeer(endpoint: Endpoint, { signal, tell }: Waiting): Promise<Socket | null> {
  const server = await listen(endpoint);
  const remove = (): void => removeSocketFile(endpoint);
  if (endpoint.path !== '') process.once('exit', remove);
  const patience = durationOption(endpoint, 'timeout');
  const timer = new AbortController();
  const clock = patience === null ? null : setTimeout(() => timer.abort(), patience);
  try {
    const peer = once(server, 'connection', {
      signal: AbortSignal.any([timer.signal, ...(signal === null ? [] : [signal])]),
    });
    tell(`listening ${endpoint.path === '' ? tcpText(server) : `unix:${endpoint.path}`}`);
    const [socket] = (await peer) as [Socket];
    return socket;
  } catch (error) {
    if (signal?.aborted) return null;
    if (!timer.signal.aborted) throw error;
    throw new MdxError(
      'socket-unreachable',
      `listening on ${endpoint.text}: no peer came within ${patience} ms`,
    );
  } finally {
    if (clock !== null) clearTimeout(clock);
    process.removeListener('exit', remove);
    // Takes the socket file with it.
    server.close();
  }
}

async function listen(endpoint: Endpoint): Promise<Server> {
  for (let retry = true; ; retry = false) {
    const server = createServer({ allowHalfOpen: true });
    server.maxConnections = 1;
    try {
      const listening = once(server, 'listening');
      server.listen(addressOf(endpoint));
      await listening;
      return server;
    } catch (error) {
      const cause = systemError(error);
      if (cause.code !== 'EADDRINUSE') throw refused(endpoint, cause);
      if (!retry || endpoint.path === '' || !(await isLeftOver(endpoint))) throw busy(endpoint, cause);
      removeSocketFile(endpoint);
    }
  }
}

/** Is the socket file there, and nobody behind it: left by a process that was killed? */
async function isLeftOver(endpoint: Endpoint): Promise<boolean> {
  const stats = lstatSync(endpoint.path, { throwIfNoEntry: false });
  if (stats?.isSocket() !== true) return false;
  const answer = await attempt(endpoint, null);
  if (answer instanceof Socket) answer.destroy();
  return answer !== null && !(answer instanceof Socket) && answer.code === 'ECONNREFUSED';
}

function removeSocketFile({ path }: Endpoint): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else has.
  }
}

function addressOf({ host, port, path }: Endpoint): { path: string } | { host?: string; port: number } {
  if (path !== '') return { path };
  return host === '' ? { port } : { host, port };
}

function tcpText(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `tcp://${host}:${address.port}`;
}

/** Several addresses of one name were tried: the last answer speaks for all. */
function systemError(error: unknown): NodeJS.ErrnoException {
  return error instanceof AggregateError ? (error.errors.at(-1) ?? error) : (error as NodeJS.ErrnoException);
}

function unreachable(endpoint: Endpoint, cause: NodeJS.ErrnoException, patience: number): MdxError {
  const { code } = cause;
  const what = `connecting to ${endpoint.text}`;
  if (code === 'ENOTFOUND') {
    return new MdxError('socket-unreachable', `${what}: there is no host ${endpoint.host} (${code})`, {
      cause,
    });
  }
  if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ECONNRESET') {
    return new MdxError('socket-unreachable', `${what}: nobody listened there for ${patience} ms (${code})`, {
      hint: 'Start the other side first, or wait longer with ?timeout=30s.',
      cause,
    });
  }
  return code === 'EACCES' || code === 'EPERM'
    ? refused(endpoint, cause)
    : new MdxError('socket-unreachable', `${what}: the system answers ${code ?? String(cause)}`, { cause });
}

function busy(endpoint: Endpoint, cause: Error): MdxError {
  const what =
    endpoint.path === '' ? 'another process listens there' : 'the file is there, and in use or no socket';
  const instead = endpoint.path === '' ? 'port, or 0 for one that the system chooses' : 'path';
  return new MdxError('socket-busy', `listening on ${endpoint.text}: ${what} (EADDRINUSE)`, {
    hint: `Choose another ${instead}.`,
    cause,
  });
}

function refused(endpoint: Endpoint, cause: NodeJS.ErrnoException): MdxError {
  const code = cause.code ?? String(cause);
  const denied = code === 'EACCES' || code === 'EPERM';
  const found = denied
    ? `the right to is missing (${code})`
    : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
      ? `this machine has no address ${endpoint.host} (${code})`
      : `the system answers ${code}`;
  return new MdxError('socket-refused', `opening ${endpoint.text}: ${found}`, {
    hint: denied && endpoint.path === '' ? 'Ports below 1024 need a right; take a higher one.' : undefined,
    cause,
  });
}
