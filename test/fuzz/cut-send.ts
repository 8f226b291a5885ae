import type { Socket } from 'node:net';
import type { Random } from '../../src/core/binary/random.ts';

/** Sends bytes as a hostile client does: whole, in two pieces, or cut off in the middle, by an end or by a reset. */
export function sendCut(socket: Socket, bytes: Buffer, random: Random): void {
  const cut = random.below(bytes.length + 1);
  switch (random.below(6)) {
    case 0:
      socket.write(bytes.subarray(0, cut));
      socket.resetAndDestroy();
      break;
    case 1:
      socket.end(bytes.subarray(0, cut));
      break;
    case 2:
      socket.write(bytes.subarray(0, cut));
      setImmediate(() => socket.end(bytes.subarray(cut)));
      break;
    default:
      socket.end(bytes);
  }
}
