import { WebSocketDoor } from '../../src/core/publish/websocket/door.ts';
import type { PeerLimits } from '../../src/core/publish/websocket/peer.ts';
import { startHttp } from '../../src/core/serve/api/start.ts';
import type { StreamSource } from '../../src/core/serve/api/stream.ts';
import type { HttpServer } from '../../src/core/serve/http/server.ts';
import { play, Replays } from '../core/simulate/session.ts';
import { apiConfig, NOW, ServedBooks } from '../world/serve-context.ts';
import type { Target } from './hostile-http.ts';

const TOKEN = 't'.repeat(32);
const LIMITS: PeerLimits = { messageBytes: 4096, messagesPerSecond: 100, writeMs: 1000, closeMs: 200 };

/** Streams that say hello and then nothing. */
const STREAMS: StreamSource = {
  open(_, sink) {
    sink.write(Buffer.from(': hello\n\n'));
    return { closed() {} };
  },
};

/** A server with everything that a hostile client can reach: books, streams, WebSockets, what operators do. */
export class HostileTarget implements Target {
  readonly token: string = TOKEN;
  /** Faults of ours that requests met: there must be none. */
  readonly failures: string[];
  readonly server: HttpServer;

  static async start(): Promise<HostileTarget> {
    const replays = new Replays();
    const { result } = await replays.replayPackets(play({ seed: 1 }).a);
    replays.remove();
    const failures: string[] = [];
    const door = new WebSocketDoor({ limits: LIMITS, protocols: ['mdx.dbn.v1'] });
    const config = apiConfig({
      tokens: [{ name: 'ops', token: TOKEN }],
      requestTimeoutMs: 2000,
      idleTimeoutMs: 2000,
    });
    const server = await startHttp(config, ServedBooks.of(result), {
      now: () => NOW,
      metrics: { type: 'text/plain; version=0.0.4', text: () => 'up 1\n' },
      streams: STREAMS,
      upgrades: {
        '/api/ws': (request, socket, head) =>
          door.admit(request, socket, head, [], (peer) =>
            peer.handle({
              message: () => peer.sendText('{"type":"error"}'),
              drained() {},
              closed() {},
            }),
          ),
      },
      onFailure: (error, what) => failures.push(`${what}: ${(error as Error).stack}`),
    });
    return new HostileTarget(server, failures);
  }

  private constructor(server: HttpServer, failures: string[]) {
    this.server = server;
    this.failures = failures;
  }

  get port(): number {
    return this.server.port;
  }

  async decent(): Promise<void> {
    if (this.failures.length > 0) throw new Error(`a fault of ours: ${this.failures.join('; ')}`);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${this.server.url}/api/v1/instruments`, { headers });
    const { instruments } = (await answer.json()) as { instruments: readonly object[] };
    if (answer.status !== 200 || instruments.length !== 3) {
      throw new Error(`a decent request is answered ${answer.status} with ${instruments.length} instruments`);
    }
  }

  /** Waits until nobody is connected any longer, and closes. */
  async close(): Promise<void> {
    const { counts } = this.server;
    await this.server.close(5000);
    while (counts.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
