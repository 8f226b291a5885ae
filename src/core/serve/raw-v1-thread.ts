import type { Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { watchThread } from '../observe/thread-health.ts';
import { ThreadSlots } from '../observe/thread-slots.ts';
import { ByteRing } from '../packet/byte-ring.ts';
import { RawV1Publisher } from '../publish/raw-v1/publisher.ts';
import { type Authorizer, RawV1Server } from '../publish/raw-v1/server.ts';
import { engineError } from './engine.ts';
import { follow, type Publisher } from './follower.ts';
import { readCertificate, renewCertificate } from './http/certificate.ts';
import { checkExposure, createServer, listen, parseListen } from './http/listen.ts';
import { Tokens } from './http/tokens.ts';
import { StageProbe } from './metrics/stage-probe.ts';
import { PastFailures } from './past-failures.ts';
import { JournalHistory } from './raw-v1-history.ts';
import type { RawV1Plan, RawV1Request, RawV1Status, RawV1Word } from './raw-v1-plan.ts';

/*
 * The thread that serves raw-v1: it follows the engine and has both endpoints. It serves until it is asked to stop, also
 * when no more events come; it ends by itself where the stream of the engine is damaged, which it says.
 */

const STATUS_MS = 250;

const { config, tap, slots: memory } = workerData as RawV1Plan;
const { rawV1, security, http, journal } = config;
const say = (word: RawV1Word): void => parentPort!.postMessage(word);

const slots = new ThreadSlots(memory);
const unwatch = watchThread(slots);
const encoded = new StageProbe(slots, null, 'publish');
const sent = new StageProbe(slots, null, 'sent');
const publisher = new RawV1Publisher(rawV1);
const server = new RawV1Server(publisher, authorizerOf(security, http), rawV1);
const endpoints: Server[] = [];
const pastFailures = new PastFailures((text) => say({ kind: 'warn', text }));
/** Number of an event that came lately: about how far the history is. */
let lastEvent = 0;
const counter: Publisher = {
  records: ({ firstEvent }) => {
    lastEvent = Math.max(lastEvent, firstEvent);
  },
  flush: () => {},
};
if (journal.directory !== null) {
  const now = () => ({ event: lastEvent, cursor: publisher.bus.next });
  server.history = new JournalHistory(journal.directory, rawV1.price, now, pastFailures);
}
let stopReason: string | null = null;
let stopMs = 0;
let askedToStop = (): void => {};
const stopped = new Promise<void>((resolve) => {
  askedToStop = resolve;
});

parentPort!.on('message', (request: RawV1Request) => {
  if (request.kind === 'reload') {
    server.authorizer = authorizerOf(request.security, request.http);
    for (const endpoint of endpoints) renewCertificate(endpoint, request.certificate);
    return;
  }
  stopReason = request.reason;
  stopMs = request.timeoutMs;
  askedToStop();
});

function authorizerOf(
  { tokens: named }: RawV1Plan['config']['security'],
  { corsOrigins: origins }: RawV1Plan['config']['http'],
): Authorizer {
  const tokens = new Tokens(named);
  return { some: tokens.some, nameOf: (authorization) => tokens.nameOf(authorization), origins };
}

function status(): RawV1Status {
  const { bus, table, isReady } = publisher;
  return {
    isReady,
    clients: server.views(),
    frames: server.frames,
    bytes: server.bytes,
    drops: server.counts,
    oldest: bus.oldest,
    next: bus.next,
    busBytes: bus.bytes,
    pinnedBytes: bus.pinnedBytes,
    refusedBooks: table.refusals,
    pastFailures: pastFailures.of('raw-v1'),
  };
}

async function open(text: string, what: string): Promise<string> {
  const address = parseListen(text);
  checkExposure(address, security, what);
  const endpoint = createServer(readCertificate(http.tls), RawV1Server.httpOptions(rawV1));
  endpoints.push(endpoint);
  server.attach(endpoint);
  const port = await listen(endpoint, address);
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`;
}

const timer = setInterval(() => say({ kind: 'status', status: status() }), STATUS_MS);
try {
  const addresses: string[] = [];
  if (rawV1.a !== null) addresses.push(await open(rawV1.a, 'raw_v1.a'));
  if (rawV1.b !== null) addresses.push(await open(rawV1.b, 'raw_v1.b'));
  server.start();
  say({ kind: 'listening', addresses });
  const observers = [encoded, publisher, counter, sent];
  let isLate = false;
  const following = follow(ByteRing.attach(tap), observers, () => isLate);
  await Promise.race([following.then(() => stopped), stopped]);
  // What the engine has shown is published first, in half of the time. The other half is for the clients to close.
  await Promise.race([following, pause(stopMs / 2)]);
  isLate = true;
  await server.close(stopReason ?? 'the server stops', stopMs / 2);
  say({ kind: 'status', status: status() });
  say({ kind: 'stopped' });
} catch (error) {
  const { code, message, hint } = engineError(error);
  await server.close('the server has failed', 0);
  say({ kind: 'failed', code, message, hint });
} finally {
  clearInterval(timer);
  unwatch();
  parentPort!.close();
}
