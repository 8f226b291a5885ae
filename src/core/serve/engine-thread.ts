import { parentPort, workerData } from 'node:worker_threads';
import { watchThread } from '../observe/thread-health.ts';
import { ThreadSlots } from '../observe/thread-slots.ts';
import { Engine, engineError } from './engine.ts';
import type { EnginePlan, EngineRequest, EngineWord } from './engine-plan.ts';

/*
 * The thread of the engine. It says how it stands, does what it is asked, and ends by itself when it was asked to stop, or
 * when it has failed, which it says.
 */

const STATUS_MS = 250;

const plan = workerData as EnginePlan;
const say = (word: EngineWord): void => parentPort!.postMessage(word);
const engine = new Engine(plan, (level, text) => say({ kind: 'tell', level, text }));
const sayStatus = (): void => say({ kind: 'status', status: engine.status() });

parentPort!.on('message', (request: EngineRequest) => {
  if (request.kind === 'stop') engine.stop();
  else {
    const { id, command } = request;
    void engine.command(command).then((answer) => say({ kind: 'answer', id, answer }));
  }
});

const unwatch = watchThread(new ThreadSlots(plan.slots));
const timer = setInterval(sayStatus, STATUS_MS);
try {
  await engine.run();
  sayStatus();
  say({ kind: 'stopped' });
} catch (error) {
  const { code, message, hint } = engineError(error);
  sayStatus();
  say({ kind: 'failed', code, message, hint });
} finally {
  clearInterval(timer);
  unwatch();
  parentPort!.close();
}
