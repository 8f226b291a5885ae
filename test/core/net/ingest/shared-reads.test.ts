import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { readThrough } from '../../../../src/core/net/ingest/shared-reads.ts';

it('reads what is accepted into the buffer that it was given, to its end, and leaves nothing open', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sender = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const buffer = new Uint8Array(64);
  const read: number[] = [];
  const buffers = new Set<Uint8Array>();
  const socket = readThrough(accepted, buffer, (bytes, length) => {
    buffers.add(bytes);
    read.push(...bytes.subarray(0, length));
  });
  const sent = Array.from({ length: 1000 }, (_, index) => index % 251);
  sender.end(Uint8Array.from(sent));
  await once(socket, 'close');
  expect(read).toEqual(sent);
  expect([...buffers]).toEqual([buffer]);
  server.close();
  await once(server, 'close');
});
