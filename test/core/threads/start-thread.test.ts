import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { expect, onTestFinished, test } from 'vitest';
import { startThread } from '../../../src/core/threads/start-thread.ts';

test('a thread keeps what it compiles where the process does', async () => {
  const thread = startThread('../../world/cache-teller', import.meta.url, {});
  const [directory] = (await once(thread, 'message')) as [string | undefined];
  expect(directory).toBeDefined();
  expect(directory).toBe(getCompileCacheDir());
});

test('a thread starts also where the process has flags that a thread may not have', async () => {
  const { execArgv } = process;
  onTestFinished(() => {
    process.execArgv = execArgv;
  });
  process.execArgv = [...execArgv, '--expose-gc'];
  const thread = startThread('../../world/cache-teller', import.meta.url, {});
  expect(await once(thread, 'message')).toEqual([getCompileCacheDir()]);
});
