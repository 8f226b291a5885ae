import { parentPort, workerData } from 'node:worker_threads';
import { stateHash } from '../../src/core/book/state-hash.ts';
import { ByteRing } from '../../src/core/packet/byte-ring.ts';
import { FollowedBooks } from '../../src/core/serve/followed-books.ts';
import { follow } from '../../src/core/serve/follower.ts';

/*
 * A thread that follows an engine, and stands still where it would tell its clients while word 0 of `hold` is 1; word 1 is 1
 * once it does. It says what its books are when the engine has ended.
 */

export interface HeldPlan {
  readonly ring: SharedArrayBuffer;
  readonly hold: SharedArrayBuffer;
}

const { ring, hold } = workerData as HeldPlan;
const words = new Int32Array(hold);
const followed = new FollowedBooks();
const standStill = (): void => {
  Atomics.store(words, 1, 1);
  Atomics.wait(words, 0, 1);
};
// What waits for the ring alone keeps no thread alive.
const alive = setInterval(() => {}, 1000);
await follow(ByteRing.attach(ring), [followed, { flush: standStill }]);
clearInterval(alive);
const { books, event } = followed.books()!;
const [market] = books.markets;
parentPort!.postMessage({ event, changes: market!.changes, hash: stateHash(market!).hash });
