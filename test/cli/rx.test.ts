import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CAPTURE_END } from '../../src/core/capture/capture-reader.ts';
import { RECORD_END, RECORD_LINE } from '../../src/core/capture/pipe-record.ts';
import { walk } from '../core/capture/walk.ts';
import { PseudoTerminal } from '../world/pseudo-terminal.ts';
import { finished, mdx, shell, started } from '../world/real-process.ts';
import { freePort, UdpSender } from '../world/udp-sender.ts';

const GROUP_A = '239.255.41.1';
const GROUP_B = '239.255.41.2';

const hasTcpdump = spawnSync('tcpdump', ['--version']).error === undefined;
/** A network of its own, with a pair of interfaces. */
const canUnshare =
  spawnSync('unshare', ['-rn', 'ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']).status === 0;

let folder = '';
let sender: UdpSender;
let port = 0;
const running: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-rx-'));
  sender = await UdpSender.open();
  port = await freePort();
});

afterEach(() => {
  for (const child of running.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  sender.close();
  rmSync(folder, { recursive: true, force: true });
});

const lineA = (): string => `udp://${GROUP_A}:${port}?iface=127.0.0.1`;
const lineB = (): string => `udp://${GROUP_B}:${port}?iface=127.0.0.1`;

/** A receiver whose stderr is listened to from its first byte. */
class Rx {
  readonly child: ChildProcess;
  stderr = '';
  readonly #waiting: (() => void)[] = [];

  constructor(args: readonly string[]) {
    this.child = started(['rx', ...args]);
    running.push(this.child);
    this.child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
      for (const each of this.#waiting.splice(0)) each();
    });
    this.child.on('close', () => {
      for (const each of this.#waiting.splice(0)) each();
    });
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Waits until stderr says it. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stderr);
      if (match !== null) return match;
      if (this.hasEnded) throw new Error(`ended without ${pattern}: ${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async listens(lines = 1): Promise<void> {
    await this.says(new RegExp(`(listening [^]*?\\n){${lines}}`));
  }

  /** Asks for the counts until they are what is waited for. */
  async counts(isIt: (line: string) => boolean): Promise<string> {
    for (;;) {
      const from = this.stderr.length;
      this.child.kill('SIGUSR2');
      let line: string | undefined;
      while (line === undefined) {
        line = /^A .*received.*$/m.exec(this.stderr.slice(from))?.[0];
        if (line === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
        if (line === undefined && this.hasEnded) throw new Error(`ended early: ${this.stderr}`);
      }
      if (isIt(line)) return line;
    }
  }
}

const number = (line: string, pattern: RegExp): number =>
  Number((pattern.exec(line)?.[1] ?? '0').replaceAll(',', ''));
const receivedOf = (line: string): number => number(line, /([\d,]+) received/);

describe.each(['dgram', 'mmsg'])('%s', (backend) => {
  test('two lines go to a file; the report accounts for every packet', async () => {
    const file = join(folder, 'two.pcapng');
    const rx = new Rx([lineA(), lineB(), '--backend', backend, '--limit', '50', '-o', file, '--json']);
    const done = finished(rx.child, null);
    await rx.listens(2);
    await sender.sendAll(30, GROUP_A, port, (at) => `a ${at}`);
    await sender.sendAll(20, GROUP_B, port, (at) => `b ${at}`);
    const { code, stdout } = await done;
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ command: 'rx', stopped: 'limit', received: 50, written: 50 });
    expect(report.files).toMatchObject([{ name: file, packets: 50 }]);
    const seen = walk(readFileSync(file));
    expect(seen.answer).toBe(CAPTURE_END);
    const textOf = (interfaceId: number): string[] =>
      seen.packets.flatMap((packet) =>
        packet.interfaceId === interfaceId ? [Buffer.from(packet.payload!, 'hex').toString()] : [],
      );
    expect(textOf(0)).toEqual(Array.from({ length: 30 }, (_, at) => `a ${at}`));
    expect(textOf(1)).toEqual(Array.from({ length: 20 }, (_, at) => `b ${at}`));
    expect(
      seen.reader.interfaces.map(({ name, pipe }) => [name, pipe?.line, pipe?.backend, pipe?.pair]),
    ).toEqual([
      ['A', 'A', backend, 0],
      ['B', 'B', backend, 0],
    ]);
    expect(seen.records.map(({ kind, by, state }) => [kind, by, state])).toEqual([
      [RECORD_LINE, 65, 1],
      [RECORD_LINE, 66, 1],
      [RECORD_LINE, 65, 3],
      [RECORD_LINE, 66, 3],
      [RECORD_END, 0, 0],
    ]);
    const last = seen.statistics.slice(-2);
    expect(last).toMatchObject([
      { interfaceId: 0, received: 30, delivered: 30, interfaceDropped: 0 },
      { interfaceId: 1, received: 20, delivered: 20, interfaceDropped: 0 },
    ]);
  });

  test('several groups of a line are parted by their pair, over two workers', async () => {
    const groups = [`${lineA()}`, `${lineB()}`].join(',');
    const args = [`--line=A=${groups}`, '--workers', '2', '--backend', backend, '--limit', '20'];
    const rx = new Rx(args);
    const chunks: Buffer[] = [];
    rx.child.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise((resolve) => rx.child.on('close', resolve));
    await rx.listens(2);
    for (let at = 0; at < 10; at += 1) {
      await sender.send(`one ${at}`, GROUP_A, port);
      await sender.send(`two ${at}`, GROUP_B, port);
    }
    expect(await ended).toBe(0);
    const seen = walk(new Uint8Array(Buffer.concat(chunks)));
    expect(seen.reader.interfaces.map(({ name, pipe }) => [name, pipe?.pair])).toEqual([
      ['A', 0],
      ['A2', 1],
    ]);
    for (const { interfaceId, payload } of seen.packets) {
      expect(Buffer.from(payload!, 'hex').toString()).toMatch(interfaceId === 0 ? /^one/ : /^two/);
    }
    expect(seen.packets).toHaveLength(20);
    expect(rx.stderr).toContain('A 20 received · 20 written\n');
  });

  test('only the source that was asked for', async () => {
    const rx = new Rx([
      `udp://232.1.41.1:${port}?iface=127.0.0.1&source=127.0.0.2`,
      ...['--backend', backend, '--limit', '5', '-o', join(folder, 'ssm.pcapng'), '--json'],
    ]);
    const done = finished(rx.child, null);
    await rx.listens();
    const right = await UdpSender.open('127.0.0.2');
    for (let at = 0; at < 5; at += 1) {
      await sender.send('wrong', '232.1.41.1', port);
      await right.send('right', '232.1.41.1', port);
    }
    right.close();
    expect(JSON.parse((await done).stdout)).toMatchObject({ received: 5, written: 5 });
    const { packets } = walk(readFileSync(join(folder, 'ssm.pcapng')));
    expect(new Set(packets.map(({ payload }) => payload))).toEqual(
      new Set([Buffer.from('right').toString('hex')]),
    );
  });

  test('IPv6, to an address of this machine', async () => {
    const rx = new Rx([
      `udp://[::1]:${port}`,
      ...['--backend', backend, '--limit', '5', '-o', join(folder, 'six.pcapng')],
    ]);
    const done = finished(rx.child, null);
    await rx.listens();
    const six = await UdpSender.open('::1');
    await six.sendAll(5, '::1', port, (at) => `six ${at}`);
    six.close();
    expect((await done).code).toBe(0);
    const { packets } = walk(readFileSync(join(folder, 'six.pcapng')));
    expect(packets.map(({ payload }) => Buffer.from(payload!, 'hex').toString())).toEqual(
      Array.from({ length: 5 }, (_, at) => `six ${at}`),
    );
  });

  test.skipIf(!canUnshare || !hasTcpdump)('an IPv6 group, in a network of its own', async () => {
    const send = `
      const socket = require('dgram').createSocket('udp6');
      socket.bind(0, 'fd00::1', () => {
        socket.setMulticastInterface('::%v0');
        let left = 5;
        for (let at = 0; at < 5; at += 1)
          socket.send('six ' + at, ${port}, 'ff15::41:1', () => { if (--left === 0) socket.close(); });
      });`;
    const { stdout, stderr, code } = await shell(
      `unshare -rn bash -c '
ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up && ip addr add fd00::1/64 dev v0 nodad
        $MDX rx "udp://[ff15::41:1]:${port}?iface=v0" --backend ${backend} --limit 5 2> >(read -r line; node -e "$SEND"; cat >&2)' | tcpdump -nr -`,
      { SEND: send },
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout.match(/> ff15::41:1\.\d+: UDP, length 5/g)).toHaveLength(5);
  });

  test('datagrams longer than a slot are cut and counted', async () => {
    const file = join(folder, 'cut.pcapng');
    const rx = new Rx([
      lineA(),
      '--backend',
      backend,
      '--slot-bytes',
      '64',
      '--limit',
      '2',
      '-o',
      file,
      '--json',
    ]);
    const done = finished(rx.child, null);
    await rx.listens();
    await sender.send('x'.repeat(64), GROUP_A, port);
    await sender.send('y'.repeat(1000), GROUP_A, port);
    expect(JSON.parse((await done).stdout)).toMatchObject({
      lines: [{ received: 2, written: 2, truncated: 1 }],
    });
    const { packets } = walk(readFileSync(file));
    expect(packets.map(({ udp }) => udp)).toEqual(['ok', 'snapped']);
    expect(packets[1]!.originalLength).toBeGreaterThan(packets[1]!.data.length / 2);
  });

  test('a reader that stalls costs counted drops, and no more', async () => {
    const rx = new Rx([lineA(), '--backend', backend, '--pool', '64']);
    await rx.listens();
    let sent = 0;
    // The pipe, the output and the pool fill up; then there is nowhere to go.
    const full = async (): Promise<void> => {
      for (;;) {
        await sender.sendAll(200, GROUP_A, port, () => 'z'.repeat(1000));
        sent += 200;
        const line = await rx.counts((each) => receivedOf(each) === sent || /kernel/.test(each));
        if (/dropped \(poolFull\)/.test(line)) return;
      }
    };
    await full();
    const chunks: Buffer[] = [];
    rx.child.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise((resolve) => rx.child.on('close', resolve));
    rx.child.kill('SIGINT');
    expect(await ended).toBe(0);
    const counts = rx.stderr.trim().split('\n').at(-1)!;
    const { packets, answer, statistics } = walk(new Uint8Array(Buffer.concat(chunks)));
    expect(answer).toBe(CAPTURE_END);
    expect(number(counts, /([\d,]+) written/)).toBe(packets.length);
    const dropped = number(counts, /([\d,]+) dropped \(poolFull\)/);
    expect(dropped).toBeGreaterThan(0);
    expect(receivedOf(counts)).toBe(packets.length + dropped);
    expect(statistics.at(-1)).toMatchObject({ delivered: packets.length, interfaceDropped: dropped });
  });

  test('what the kernel drops while nobody reads is shown, and is what is missing', async () => {
    const rx = new Rx([
      lineA(),
      '--backend',
      backend,
      '--rcvbuf',
      '8192',
      '-o',
      join(folder, 'k.pcapng'),
      '--json',
    ]);
    const done = finished(rx.child, null);
    await rx.listens();
    rx.child.kill('SIGSTOP');
    await sender.sendAll(500, GROUP_A, port, () => 'k'.repeat(200));
    rx.child.kill('SIGCONT');
    const kernelOf = (line: string): number => number(line, /([\d,]+) dropped by the kernel/);
    await rx.counts((line) => receivedOf(line) + kernelOf(line) === 500);
    rx.child.kill('SIGTERM');
    const [line] = JSON.parse((await done).stdout).lines;
    expect(line.kernelDrops.socket).toBeGreaterThan(0);
    expect(line.kernelDrops.socket + line.received).toBe(500);
    expect(line.received).toBe(line.written);
  });
});

/** Packet rings need a right that root has. */
describe.skipIf(process.getuid?.() !== 0)('ring', () => {
  test('frames as they were on the wire, parted over two workers', async () => {
    const file = join(folder, 'ring.pcapng');
    const rx = new Rx([
      `udp://${GROUP_A}:${port}?iface=lo`,
      ...['--backend', 'ring', '--workers', '2', '--limit', '20', '-o', file, '--json'],
    ]);
    const done = finished(rx.child, null);
    await rx.listens();
    await sender.sendAll(20, GROUP_A, port, (at) => `ring ${at}`);
    expect(JSON.parse((await done).stdout)).toMatchObject({ received: 20, written: 20 });
    const { packets, reader } = walk(readFileSync(file));
    expect(reader.interfaces[0]!.pipe).toMatchObject({ backend: 'ring', clock: 'software' });
    expect(packets.map(({ payload }) => Buffer.from(payload!, 'hex').toString())).toEqual(
      Array.from({ length: 20 }, (_, at) => `ring ${at}`),
    );
    // The loopback interface has no addresses; made-up frames have.
    expect(new Set(packets.map(({ data }) => data.slice(12, 28)))).toEqual(new Set(['0000000000000800']));
  });
});

test('SIGINT ends in order: every packet that was received is written, and the end is', async () => {
  const rx = new Rx([lineA()]);
  const chunks: Buffer[] = [];
  rx.child.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => rx.child.on('close', (code, signal) => resolve([code, signal])));
  await rx.listens();
  await sender.sendAll(40, GROUP_A, port, (at) => `${at}`);
  await rx.counts((line) => receivedOf(line) === 40);
  rx.child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  const seen = walk(new Uint8Array(Buffer.concat(chunks)));
  expect(seen).toMatchObject({ answer: CAPTURE_END });
  expect(seen.packets).toHaveLength(40);
  expect(seen.records.at(-1)).toMatchObject({ kind: RECORD_END });
});

test('a recording in several files: each is a whole capture, and together they are all packets', async () => {
  const rx = new Rx([
    lineA(),
    '-o',
    join(folder, 'day.pcapng'),
    '--rotate-count',
    '10',
    '--limit',
    '25',
    '--json',
  ]);
  const done = finished(rx.child, null);
  await rx.listens();
  await sender.sendAll(25, GROUP_A, port, (at) => `${at}`);
  const report = JSON.parse((await done).stdout);
  const names = readdirSync(folder).sort();
  expect(names).toHaveLength(3);
  for (const [at, name] of names.entries()) {
    expect(name).toMatch(new RegExp(`^day-0000${at + 1}-\\d{8}T\\d{6}Z\\.pcapng$`));
  }
  expect(report.files.map(({ packets }: { packets: number }) => packets)).toEqual([10, 10, 5]);
  const all = names.flatMap((name) => {
    const { answer, packets, statistics } = walk(readFileSync(join(folder, name)));
    expect(answer).toBe(CAPTURE_END);
    expect(statistics.at(-1)).toMatchObject({ received: packets.length, delivered: packets.length });
    return packets.map(({ payload }) => Buffer.from(payload!, 'hex').toString());
  });
  expect(all).toEqual(Array.from({ length: 25 }, (_, at) => String(at)));
});

test('rotation by size', async () => {
  const args = ['-o', join(folder, 'size'), '--rotate-size', '4000', '--limit', '20', '--json'];
  const rx = new Rx([lineA(), ...args]);
  const done = finished(rx.child, null);
  await rx.listens();
  await sender.sendAll(20, GROUP_A, port, () => 's'.repeat(1400));
  const { files } = JSON.parse((await done).stdout);
  expect(files.reduce((sum: number, file: { packets: number }) => sum + file.packets, 0)).toBe(20);
  expect(readdirSync(folder)).toHaveLength(files.length);
});

test('a reader that leaves ends it with 0, and what it missed is said', async () => {
  const rx = new Rx([lineA()]);
  const ended = new Promise((resolve) => rx.child.on('close', resolve));
  await rx.listens();
  rx.child.stdout!.destroy();
  await rx.says(/the reader left/);
  expect(await ended).toBe(0);
});

test('the end of the duration ends it', async () => {
  const { code, stdout } = await mdx([
    ...['rx', lineA(), '--duration', '50ms', '-o', join(folder, 'short.pcapng'), '--json'],
  ]);
  expect([code, JSON.parse(stdout).stopped]).toEqual([0, 'duration']);
});

test.skipIf(!hasTcpdump)('tcpdump reads along', async () => {
  const receiver = shell(`{ $MDX rx '${lineA()}' --limit 12 2>&3 | tcpdump -nr - 2>/dev/null; } 3>&1 | cat`);
  // Whoever is late is told by nobody: so it is sent until there were enough.
  let done = false;
  const ended = receiver.finally(() => {
    done = true;
  });
  while (!done) {
    await sender.send('twelve', GROUP_A, port);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { stdout, code } = await ended;
  expect(code).toBe(0);
  expect(
    stdout.split('\n').filter((line) => line.includes(`> ${GROUP_A}.${port}: UDP, length 6`)),
  ).toHaveLength(12);
});

test('what cannot be is refused with 2 before anything is written', async () => {
  const told = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await mdx(['rx', ...args]);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await told()).toContain('a line A is missing');
  expect(await told(lineA(), '--rotate-count', '5')).toContain('rotation needs a file');
  expect(await told(lineA(), '--workers', '2', '--backend', 'dgram')).toContain('2 workers for 1 groups');
  expect(await told(`udp://${GROUP_A}:${port}?iface=nowhere0`, '--backend', 'dgram')).toContain('nowhere0');
  expect(await told(lineA(), '--cpu', '1,2')).toContain('2 processors for 1 receiving threads');
});

test('a file that cannot be written is 4', async () => {
  const { code, stderr } = await mdx([
    'rx',
    lineA(),
    '--duration',
    '1s',
    '-o',
    join(folder, 'no/such/folder'),
  ]);
  expect(code).toBe(4);
  expect(stderr).toContain('Make the folder first');
});

test('a terminal shows how the lines stand, and then the report', async () => {
  const terminal = new PseudoTerminal(
    ['rx', lineA(), lineB(), '--backend', 'dgram', '-o', join(folder, 'shown.pcapng')],
    140,
    30,
  );
  await terminal.until((lines) => lines.some((line) => line.includes('kbit/s')));
  await sender.sendAll(7, GROUP_B, port, () => 'shown');
  await terminal.until((lines) => lines.some((line) => /^B +up +dgram +7 /.test(line)));
  terminal.kill('SIGINT');
  expect(await terminal.ended).toBe(0);
  const text = terminal.lines.join('\n');
  expect(text).toMatch(/packets +7 received · 7 written/);
  expect(text).not.toContain('kbit/s');
});
