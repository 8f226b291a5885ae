import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { environment, finished, ROOT } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-demo-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('npm run demo serves two lossy lines of an exchange without a loss, and leaves nothing behind', async () => {
  const env = { ...environment(), TMPDIR: folder };
  const args = ['--messages', '3000', '--rate', '3000', '--any-port', '--once'];
  const child = spawn(process.execPath, [join(ROOT, 'scripts/demo.ts'), ...args], { env });
  const { code, stdout, stderr } = await finished(child, null);
  expect({ code, stderr: stderr.replace(/^(line [AB]: |listening |.*goes on).*\n/gm, '') }).toEqual({
    code: 0,
    stderr: '',
  });
  expect(stdout).toMatch(/\$ curl http:\/\/127\.0\.0\.1:\d+\/ready/);
  expect(stdout).toMatch(/messages · A first [\d,]+ · B first [\d,]+ · [\d,]+ filled by recovery/);
  expect(stdout).toContain('ready at the end: yes');
  expect(stdout).toContain('Equal: nothing was lost.');
  expect(readdirSync(folder).filter((name) => name.startsWith('mdx'))).toEqual([]);
});
