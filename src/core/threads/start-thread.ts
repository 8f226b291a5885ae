import { getCompileCacheDir } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { shareClock } from './process-clock.ts';

/**
 * Starts a thread, whose clock is that of the process. Its code is compiled once for all starts where the process keeps
 * what it compiles: several threads that load much of the programme cost seconds otherwise.
 * @param path of its module without the extension, from `base`: `./engine-thread`.
 * @param base `import.meta.url` of the caller.
 */
export function startThread(path: string, base: string, options: WorkerOptions): Worker {
  shareClock();
  const file = moduleOf(path, base);
  if (getCompileCacheDir() === undefined) return new Worker(file, options);
  const keeps = ['--import', moduleOf('./compile-cache', import.meta.url).href];
  try {
    return new Worker(file, { ...options, execArgv: [...process.execArgv, ...keeps] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error;
    // Among them are flags of V8, which hold for all threads and may not be said for one.
    return new Worker(file, { ...options, execArgv: keeps });
  }
}

/** A module by its path without the extension, which is that of the caller: sources, or what was built of them. */
function moduleOf(path: string, base: string): URL {
  return new URL(`${path}${extname(fileURLToPath(base))}`, base);
}
