import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseEndpoint } from '../../../../src/core/config/endpoint.ts';
import { IngestSender } from '../../../../src/core/net/ingest/sender.ts';
import { addRecord, serveIngest } from '../../../world/ingest.ts';
import { headBytes } from '../../feeds/dbn/stream.ts';

const WAITING = { signal: null, tell: (): void => {} };

function senderTo(port: number, source = 'A'): IngestSender {
  const endpoint = parseEndpoint(`ingest://127.0.0.1:${port}?source=${source}&timeout=5s`)!;
  return new IngestSender(endpoint, source, 'test', WAITING);
}

/** What stands between a sender and a server, and breaks connections after so many bytes each. */
async function breaker(
  port: number,
  after: readonly number[],
): Promise<{ port: number; broken: number; close(): void }> {
  const left = [...after];
  const sockets: Socket[] = [];
  const state = { port: 0, broken: 0, close: (): void => {} };
  const server = createServer((inner) => {
    const outer = connect(port, '127.0.0.1');
    let most = left.shift() ?? Number.POSITIVE_INFINITY;
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.on('close', () => other.destroy());
    }
    outer.on('end', () => inner.end());
    inner.on('end', () => outer.end());
    inner.on('data', (chunk: Buffer) => {
      outer.write(chunk.subarray(0, most));
      most -= chunk.length;
      if (most > 0) return;
      state.broken += 1;
      inner.resetAndDestroy();
      outer.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.port = (server.address() as { port: number }).port;
  state.close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return state;
}

describe('the sending end of a source', () => {
  it('brings every record once, through connections that break', async () => {
    const served = await serveIngest('?sources=1');
    const between = await breaker(served.port, [3000, 20_000, 45_000]);
    const sender = senderTo(between.port);
    await sender.begin(headBytes(3));
    for (let id = 1; id <= 1000; id += 1) await sender.send(addRecord(1, id), 1);
    await sender.finish();
    const { counts, inputs, books } = await served.result;
    expect(between.broken).toBe(3);
    between.close();
    expect(sender.connections).toBe(4);
    expect(counts.messages).toBe(1000);
    expect(books.markets[0]!.stale[0]).toBe(0);
    const { lostRecords, repeatedRecords } = Object.fromEntries(inputs[0]!.skipped);
    expect(lostRecords).toBeUndefined();
    expect(repeatedRecords).toBeGreaterThan(0);
  });

  it('says what it lost', async () => {
    const served = await serveIngest('?sources=1');
    const sender = senderTo(served.port);
    await sender.begin(headBytes(3));
    await sender.send(addRecord(1, 1), 1);
    await sender.lose(5, { timeHigh: 0, timeLow: 0 });
    await sender.send(addRecord(1, 7), 1);
    await sender.finish();
    const { inputs } = await served.result;
    expect(Object.fromEntries(inputs[0]!.skipped)).toEqual({ lostRecords: 5 });
    expect(served.standing.sources).toMatchObject([
      { name: 'A', next: 8, records: 2, lost: 5, note: 'test' },
    ]);
  });

  it('numbers on from file to file', async () => {
    const served = await serveIngest('?sources=1');
    const sender = senderTo(served.port);
    for (const day of [0, 1]) {
      await sender.begin(headBytes(day + 2));
      await sender.send(Buffer.concat([addRecord(1, day * 2 + 1), addRecord(1, day * 2 + 2)]), 2);
    }
    await sender.finish();
    await served.result;
    expect(sender.connections).toBe(1);
    expect(served.standing.sources).toMatchObject([{ next: 5, records: 4, lost: 0, repeated: 0 }]);
  });

  it('gives up where the other side ends every connection', async () => {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const sender = senderTo((server.address() as { port: number }).port);
    await expect(
      (async () => {
        await sender.begin(headBytes(3));
        await sender.finish();
      })(),
    ).rejects.toMatchObject({ code: 'socket-unreachable' });
    sender.close();
    server.close();
  });
});
