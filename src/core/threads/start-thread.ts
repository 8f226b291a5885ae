import { getCompileCacheDir } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread. Its code is compiled once for all starts where the process keeps what it compiles: several threads that
 * load much of the programme cost seconds otherwise.
 * @param path of its module without the extension, from `base`: `./engine-thread`.
 * @param base `import.meta.url` of the caller.
 */
export function startThread(path: string, base: string, options: WorkerOptions): Worker {
  const keeps = getCompileCacheDir() !== undefined;
  const execArgv = keeps
    ? [...process.execArgv, '--import', moduleOf('./compile-cache', import.meta.url).href]
    : process.execArgv;
  return new Worker(moduleOf(path, base), { ...options, execArgv });
}

/** A module by its path without the extension, which is that of the caller: sources, or what was built of them. */
function moduleOf(path: string, base: string): URL {
  return new URL(`${path}${extname(fileURLToPath(base))}`, base);
}
