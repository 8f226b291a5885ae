import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Played, play } from '../core/simulate/session.ts';
import { mdx, started } from '../world/real-process.ts';
import { bothLines } from '../world/two-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-wire-'));
const path = join(folder, 'both.pcapng');
let played: Played;

beforeAll(() => {
  played = play({ profile: { messages: 200 } });
  writeFileSync(path, bothLines(played.a, played.b));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** A socket that counts what comes. */
class Counting {
  count = 0;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', () => {
      this.count += 1;
    });
  }

  static async open(): Promise<Counting> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Counting(socket);
  }

  get endpoint(): string {
    return `udp://127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }
}

describe('replay --to', () => {
  test('sends each line of a capture its own way, and tells how late', async () => {
    const a = await Counting.open();
    const b = await Counting.open();
    const args = ['--to-a', a.endpoint, '--to-b', b.endpoint, '--speed', '10', '--json'];
    const { code, stdout, stderr } = await mdx(['replay', path, ...args]);
    expect([code, stderr]).toEqual([0, '']);
    const { wire } = JSON.parse(stdout) as {
      readonly wire: {
        readonly lines: readonly {
          readonly line: string;
          readonly sent: number;
          readonly sendErrors: number;
        }[];
        readonly lateness: { readonly samples: number };
      };
    };
    const { A, B } = played.truth.lines;
    expect(wire.lines).toMatchObject([
      { line: 'A', sent: A!.written, sendErrors: 0 },
      { line: 'B', sent: B!.written, sendErrors: 0 },
    ]);
    expect(wire.lateness.samples).toBe(A!.written + B!.written);
    expect([a.count, b.count]).toEqual([A!.written, B!.written]);
    a.close();
    b.close();
  });

  test('an interrupt ends it with 130, behind the report of what was sent', async () => {
    const a = await Counting.open();
    const child = started(['replay', path, '--to', a.endpoint, '--pps', '20', '--json']);
    let stdout = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const closed = once(child, 'close');
    while (a.count === 0) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGINT');
    expect((await closed)[0]).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ stopped: 'request', wire: { passes: 1 } });
    a.close();
  });

  test('what cannot be sent to is refused with what was expected', async () => {
    for (const to of ['udp://127.0.0.1', 'tcp://127.0.0.1:1', 'udp://239.1.1.1:5001?ifcae=lo']) {
      const { code, stderr } = await mdx(['replay', path, '--to', to]);
      expect(code).toBe(2);
      expect(stderr).toContain(to);
    }
  });
});
