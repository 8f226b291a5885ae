import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// What threads and processes of tests compile is kept, as the program itself does it (bin/run.js).
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache');

/** Folders whose tests take longest, most of it waiting for processes: begun last they would be waited for alone. */
const FIRST: readonly string[] = ['/test/net/', '/test/fuzz/', '/test/cli/', '/test/package/'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = FIRST.findIndex((folder) => moduleId.includes(folder));
      return at < 0 ? FIRST.length : at;
    };
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // To find what hangs; a slow machine under load may take long.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // One more than the processors of a small machine: what waits for processes leaves them idle.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
  },
});
