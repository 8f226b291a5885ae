import { getCompileCacheDir } from 'node:module';
import { parentPort } from 'node:worker_threads';

/* A thread that says where it keeps what it compiles. */

parentPort!.postMessage(getCompileCacheDir());
