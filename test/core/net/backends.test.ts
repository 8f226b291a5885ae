import { expect, it } from 'vitest';
import { openBackend } from '../../../src/core/net/backends.ts';
import { receiveOptions, subscription, uniqueGroup } from './traffic.ts';

const linux = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');

it('auto takes mmsg where native calls work, and says why', async () => {
  const opened = await openBackend('auto', receiveOptions([subscription(uniqueGroup(1), 0)]));
  expect(opened.name).toBe(linux ? 'mmsg' : 'dgram');
  expect(opened.backend?.name ?? 'dgram').toBe(opened.name);
  expect(opened.reason).toMatch(linux ? /recvmmsg works/ : /native calls: /);
  opened.backend?.close();
});

it.runIf(linux)('auto does not hide what is wrong with the address', async () => {
  const options = receiveOptions([subscription(uniqueGroup(1), 0, 'nosuch0')]);
  await expect(openBackend('auto', options)).rejects.toMatchObject({ code: 'interface-missing' });
});
