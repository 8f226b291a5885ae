import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Answer } from './route.ts';

/** Of every answer: nothing here may be kept by caches or taken for another type. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

/** The bytes of an answer. */
export function bodyOf({ body }: Answer): { readonly type: string; readonly bytes: Buffer } {
  if ('json' in body) {
    return { type: 'application/json; charset=utf-8', bytes: Buffer.from(`${JSON.stringify(body.json)}\n`) };
  }
  return { type: body.type, bytes: Buffer.from(body.text) };
}

/** @returns bytes of the body; 0 where only the head was asked for. */
export function send(
  response: ServerResponse,
  answer: Answer,
  isHead: boolean,
  headers: Readonly<Record<string, string>>,
): number {
  const { type, bytes } = bodyOf(answer);
  const isEmpty = answer.status === 204;
  response.writeHead(answer.status, {
    ...COMMON_HEADERS,
    ...(isEmpty ? {} : { 'content-type': type, 'content-length': bytes.length }),
    ...headers,
    ...answer.headers,
  });
  if (isHead || isEmpty) {
    response.end();
    return 0;
  }
  response.end(bytes);
  return bytes.length;
}

/** Answers on a bare socket, where a request never became one, and closes it. */
export function sendAndClose(socket: Duplex, answer: Answer): void {
  const { type, bytes } = bodyOf(answer);
  const head = Object.entries({
    ...COMMON_HEADERS,
    'content-type': type,
    'content-length': String(bytes.length),
    connection: 'close',
    ...answer.headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => {});
  socket.end(
    Buffer.concat([
      Buffer.from(`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n${head.join('')}\r\n`),
      bytes,
    ]),
    () => socket.destroy(),
  );
}
