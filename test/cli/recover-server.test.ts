import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { frameOf } from '../world/hostile-server.ts';
import { moldPacket, writePackets } from '../world/mold-session.ts';
import { finished, mdx, started } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-recover-server-'));
const CAPTURE = join(folder, 'session.pcap');
writePackets(CAPTURE, [{ payload: moldPacket(1, 5) }, { payload: moldPacket(6, 5) }]);
afterAll(() => rmSync(folder, { recursive: true }));

describe('mdx recover-server', () => {
  it('tells where it listens, answers, and reports when it is stopped', async () => {
    const child = started([
      ...['recover-server', CAPTURE, '--json'],
      ...['--listen', 'tcp+listen://127.0.0.1:0', '--listen', 'mold+udp://127.0.0.1:0'],
    ]);
    const end = finished(child, null);
    let said = '';
    for await (const chunk of child.stderr!) {
      said += String(chunk);
      if (said.includes('mold+udp') && said.endsWith('\n')) break;
    }
    expect(said).toMatch(/^listening tcp:\/\/127\.0\.0\.1:\d+\nlistening mold\+udp:\/\/127\.0\.0\.1:\d+\n$/);
    const socket = createConnection(Number(/tcp:.*:(\d+)/.exec(said)![1]), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.write('REPLAY 4 7\n');
    await once(socket, 'close');
    expect(Buffer.concat(chunks)).toEqual(
      Buffer.concat([frameOf(4, moldPacket(4, 2)), frameOf(6, moldPacket(6, 2)), frameOf(0)]),
    );
    child.kill('SIGINT');
    const { code, stdout } = await end;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'recover-server',
      feed: { protocol: 'itch-5.0' },
      index: { packets: 2, duplicates: 0, conflicts: 0 },
      sessions: [{ session: '000010059D', first: '1', last: '10', messages: 10, gaps: [] }],
      served: { connections: 1, requests: 1, ranges: 1, packets: 2, messages: 4, refused: 0 },
      damage: [],
    });
  });

  it.each<[string, () => string[], string]>([
    ['a compressed capture', () => [gzipped()], 'it is compressed'],
    ['a pipe', () => ['-'], 'a pipe is read once'],
    ['a file that is none', () => [join(folder, 'none')], 'there is no such file'],
    ['a feed without packets', () => [CAPTURE, '--feed', 'dbn-mbo'], 'does not come in packets'],
    [
      'an address of somebody else',
      () => [CAPTURE, '--listen', 'tcp+listen://192.0.2.1:0'],
      'has no address',
    ],
    ['an endpoint of another kind', () => [CAPTURE, '--listen', 'tcp://127.0.0.1:1'], 'expected tcp+listen'],
  ])('refuses %s', async (_name, args, problem) => {
    const { code, stderr, stdout } = await mdx([
      ...['recover-server', ...args()],
      ...['--listen', 'tcp+listen://127.0.0.1:0'],
    ]);
    expect(stderr).toContain(problem);
    expect(stderr).not.toContain('listening tcp://127.0.0.1:0');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

function gzipped(): string {
  const path = join(folder, 'session.pcap.gz');
  writeFileSync(path, gzipSync(Buffer.alloc(100)));
  return path;
}
