import { Socket, type SocketConstructorOpts } from 'node:net';

/** What Node keeps of the connection inside of a socket. */
interface Inside {
  _handle?: object | null;
}

/** Takes what was read; the bytes are valid until it returns. */
export type TakeRead = (bytes: Uint8Array, length: number) => void;

/**
 * Reads an accepted socket, which was paused, through a buffer that all share: a read allocates nothing. Node has that for
 * sockets that connect (`onread`) and not for those that a server accepts, so the connection moves to one of the former;
 * where what it moves by is not there, the socket is read as usual. @returns the socket that has the connection.
 */
export function readThrough(accepted: Socket, buffer: Uint8Array, take: TakeRead): Socket {
  const inside: Inside = accepted as unknown as Inside;
  const handle = inside._handle ?? null;
  if (handle === null || !('useUserBuffer' in handle)) {
    accepted.on('data', (chunk: Buffer) => take(chunk, chunk.length));
    return accepted.resume();
  }
  inside._handle = null;
  // For its server it is closed.
  accepted.destroy();
  const callback = (length: number, bytes: Uint8Array): boolean => {
    take(bytes, length);
    return true;
  };
  const options: SocketConstructorOpts & { handle: object } = { handle, onread: { buffer, callback } };
  return new Socket(options).resume();
}
