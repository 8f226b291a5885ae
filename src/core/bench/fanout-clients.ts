import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/*
 * The clients of a fan-out, in a process of their own: they read as fast as bytes come, and only count them.
 */

/** What the process is told, and answers: `{ready: true}`, and `{done: BYTES}` when every client has that many. */
export type FanoutRequest =
  | {
      readonly port: number;
      readonly path: string;
      /** Sub-protocol that they ask for. */
      readonly protocol?: string | undefined;
      readonly clients: number;
    }
  | { readonly wanted: number }
  /** What every client says. */
  | { readonly text: string };

const HEAD_END = '\r\n\r\n';
const counts: number[] = [];
const sockets: Socket[] = [];
let wanted = Number.POSITIVE_INFINITY;

process.on('message', (request: FanoutRequest) => {
  if ('wanted' in request) {
    wanted = request.wanted;
    look();
  } else if ('text' in request) {
    for (const socket of sockets) socket.write(messageOf(request.text));
  } else {
    const { port, path, protocol, clients } = request;
    void Promise.all(Array.from({ length: clients }, (_, at) => join(port, path, protocol, at))).then(() =>
      process.send!({ ready: true }),
    );
  }
});
// Whoever asked is gone.
process.on('disconnect', () => {
  for (const socket of sockets) socket.destroy();
});

function join(port: number, path: string, protocol: string | undefined, at: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let head: string | null = '';
    sockets.push(socket);
    socket.on('error', reject);
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
        (protocol === undefined ? '' : `sec-websocket-protocol: ${protocol}\r\n`) +
        `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}${HEAD_END}`,
    );
    counts[at] = 0;
    socket.on('data', (chunk) => {
      let { length } = chunk;
      if (head !== null) {
        head += chunk.toString('latin1');
        const end = head.indexOf(HEAD_END);
        if (end < 0) return;
        if (!/^HTTP\/1\.1 (101|200) /.test(head)) reject(new Error(head.split('\r\n')[0]));
        length = head.length - end - HEAD_END.length;
        head = null;
        resolve();
      }
      counts[at]! += length;
      if (counts[at]! >= wanted) look();
    });
  });
}

/** A text message of a client, behind a mask of zeros. */
function messageOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([0x81, 0x80 | length, 0, 0, 0, 0]), payload]);
  return Buffer.concat([Buffer.from([0x81, 0xfe, length >> 8, length & 255, 0, 0, 0, 0]), payload]);
}

function look(): void {
  for (const count of counts) if (count < wanted) return;
  const done = wanted;
  wanted = Number.POSITIVE_INFINITY;
  process.send!({ done });
}
