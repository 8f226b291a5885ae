import { parentPort, workerData } from 'node:worker_threads';
import { BatchReceiver } from '../../src/core/publish/zeromq/batch-receiver.ts';
import { parseZmqEndpoint } from '../../src/core/publish/zeromq/zmq-endpoint.ts';

// A thread that waits for a batch that never comes, until it is told to stop.
const stop = new AbortController();
parentPort.once('message', () => stop.abort());
const receiver = await BatchReceiver.open(parseZmqEndpoint(workerData, false), {
  signal: stop.signal,
  tell: () => {},
});
parentPort.postMessage('waiting');
parentPort.postMessage(await receiver.next());
