import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { expect, test } from 'vitest';
import { startThread } from '../../../src/core/threads/start-thread.ts';

test('a thread keeps what it compiles where the process does', async () => {
  const thread = startThread('../../world/cache-teller', import.meta.url, {});
  const [directory] = (await once(thread, 'message')) as [string | undefined];
  expect(directory).toBeDefined();
  expect(directory).toBe(getCompileCacheDir());
});
