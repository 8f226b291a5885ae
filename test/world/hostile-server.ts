import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../src/core/merge/recovery/len-seq-payload.ts';

/** A TCP server that does with each question what the test says; connections are counted from 0. */
export async function hostileServer(
  serve: (socket: Socket, question: string, connection: number) => void,
): Promise<{ endpoint: string; connections: () => number; close: () => Promise<void> }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    const connection = connections;
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (line) => serve(socket, String(line), connection));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    endpoint: `tcp://127.0.0.1:${port}`,
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** A UDP server that does with each request what the test says. */
export async function hostileUdpServer(
  serve: (socket: UdpSocket, request: Uint8Array, from: RemoteInfo, number: number) => void,
): Promise<{ endpoint: string; requests: () => number; close: () => Promise<void> }> {
  let requests = 0;
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    requests += 1;
    serve(socket, message, from, requests - 1);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    endpoint: `mold+udp://127.0.0.1:${socket.address().port}`,
    requests: () => requests,
    close: async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

/** A frame of `len_seq_payload`; without a payload the end. */
export function frameOf(number: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(new DataView(bytes.buffer, bytes.byteOffset), 0, payload.length, number);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}
