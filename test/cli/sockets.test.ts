import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { finished, mdx, started } from '../world/real-process.ts';
import { listening } from '../world/sockets.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-sockets-'));
const session = join(folder, 'session.pcapng');
let truth: RunReport;

beforeAll(async () => {
  const pcap = join(folder, 'session.pcap');
  expect((await mdx(['simulate', '--messages', '20000', '--seed', '5', '-o', pcap, '-q'])).code).toBe(0);
  expect((await mdx(['replay', pcap, '-o', session, '-q'])).code).toBe(0);
  truth = reportIn((await mdx(['replay', session, '--json'])).stdout);
});
afterAll(() => rmSync(folder, { recursive: true }));

function reportIn(stdout: string): RunReport {
  return JSON.parse(stdout) as RunReport;
}

const hostAndPort = (endpoint: string): { host: string; port: number } => {
  const { hostname, port } = new URL(endpoint.replace('tcp:', 'http:'));
  return { host: hostname, port: Number(port) };
};

describe('two processes joined by a socket', () => {
  it.each([
    ['tcp', () => 'tcp+listen://127.0.0.1:0'],
    ['unix', () => `unix+listen:${join(folder, 'chain.sock')}`],
  ])('%s: the listening reader ends by itself with the books of one process', async (_, endpoint) => {
    const reader = started(['replay', endpoint(), '--json']);
    const result = finished(reader, null);
    const where = await listening(reader);
    const writer = await mdx(['replay', session, '-o', where, '--json']);
    expect(writer.code).toBe(0);
    const { code, stdout } = await result;
    expect(code).toBe(0);
    const report = reportIn(stdout);
    expect(report.book).toEqual(truth.book);
    expect(report.events).toEqual(truth.events);
    expect(report.inputs[0]).toMatchObject({ format: 'pcapng', packets: truth.inputs[0]!.packets });
    expect(existsSync(join(folder, 'chain.sock'))).toBe(false);
  });

  it('the listening side may be the writer, and the format the one that is asked for', async () => {
    const writer = started([
      'replay',
      session,
      '-o',
      'tcp+listen://127.0.0.1:0',
      '--emit',
      'bbo',
      '--format',
      'csv',
    ]);
    const written = finished(writer, null);
    const { host, port } = hostAndPort(await listening(writer));
    const chunks: Buffer[] = [];
    const socket = connect(port, host);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close');
    expect((await written).code).toBe(0);
    const direct = await mdx(['replay', session, '--emit', 'bbo', '--format', 'csv', '-q']);
    expect(Buffer.concat(chunks).toString()).toBe(direct.stdout);
  });

  it.each([['replay', '--emit', 'bbo'], ['book']])(
    'rows are NDJSON unless it is said otherwise: %s',
    async (...command) => {
      const args = [command[0]!, session, ...command.slice(1)];
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const written = mdx([...args, '-o', `tcp://127.0.0.1:${port}`, '-q']);
      const [socket] = (await once(server, 'connection')) as [Socket];
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      await once(socket, 'end');
      socket.end();
      server.close();
      expect((await written).code).toBe(0);
      const direct = await mdx([...args, '--format', 'ndjson', '-q']);
      expect(Buffer.concat(chunks).toString()).toBe(direct.stdout);
    },
  );

  it('a compressed file comes through a socket like through a pipe', async () => {
    const dbn = join(folder, 'session.dbn.zst');
    expect((await mdx(['replay', session, '-o', dbn, '-q', '--force'])).code).toBe(0);
    const reader = started(['book', 'tcp+listen://127.0.0.1:0', '--json']);
    const result = finished(reader, null);
    const { host, port } = hostAndPort(await listening(reader));
    connect(port, host).end(readFileSync(dbn));
    const { code, stdout } = await result;
    expect(code).toBe(0);
    expect(reportIn(stdout).book).toEqual(reportIn((await mdx(['book', dbn, '--json'])).stdout).book);
  });
});

describe('the other side', () => {
  it('may come later: connecting is tried again', async () => {
    const path = join(folder, 'later.sock');
    const writer = started(['replay', session, '-o', `unix:${path}`, '-q']);
    const written = finished(writer, null);
    const server = createServer().listen(path);
    const [socket] = (await once(server, 'connection')) as [Socket];
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await once(socket, 'end');
    socket.end();
    server.close();
    expect((await written).code).toBe(0);
    expect(bytes).toBe(readFileSync(session).length);
  });

  it('that leaves is a closed pipe: the run ends with 0 and says what was not delivered', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const writer = started([
      'replay',
      session,
      '-o',
      `tcp://127.0.0.1:${port}`,
      '--emit',
      'depth',
      '--format',
      'ndjson',
    ]);
    const written = finished(writer, null);
    const [socket] = (await once(server, 'connection')) as [Socket];
    await once(socket, 'data');
    socket.resetAndDestroy();
    server.close();
    const { code, stderr } = await written;
    expect(code).toBe(0);
    expect(stderr).toMatch(/the other side left; at least \d+ of \d+ bytes were not delivered/);
  });

  it('that ends only its own direction still gets everything', async () => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const written = mdx(['replay', session, '-o', `tcp://127.0.0.1:${port}`, '-q']);
    const [socket] = (await once(server, 'connection')) as [Socket];
    socket.end();
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await once(socket, 'end');
    server.close();
    expect((await written).code).toBe(0);
    expect(bytes).toBe(readFileSync(session).length);
  });

  it('that stops in the middle of a record leaves a truncated input', async () => {
    const reader = started(['replay', 'tcp+listen://127.0.0.1:0', '--json']);
    const result = finished(reader, null);
    const { host, port } = hostAndPort(await listening(reader));
    connect(port, host).end(readFileSync(session).subarray(0, 10_001));
    const { code, stdout } = await result;
    expect(code).toBe(3);
    expect(reportIn(stdout).inputs[0]!.truncated).toBe(true);
  });

  it('that never comes is waited for until a signal', async () => {
    const reader = started(['replay', 'tcp+listen://127.0.0.1:0', '--feed', 'itch-5.0']);
    const result = finished(reader, null);
    await listening(reader);
    reader.kill('SIGINT');
    expect((await result).code).toBe(130);
    const writer = started(['replay', session, '-o', 'tcp+listen://127.0.0.1:0']);
    const written = finished(writer, null);
    await listening(writer);
    writer.kill('SIGTERM');
    expect((await written).code).toBe(143);
  });
});

describe('a socket that cannot be had', () => {
  const failing = async (...args: string[]): Promise<{ code: number | null; stderr: string }> => {
    const { code, stderr } = await mdx(args);
    return { code, stderr };
  };

  it('nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const endpoint = `tcp://127.0.0.1:${port}?timeout=0`;
    const expected = `connecting to ${endpoint}: nobody listened there for 0 ms (ECONNREFUSED)`;
    expect(await failing('replay', endpoint)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(expected),
    });
    expect(await failing('replay', session, '-o', endpoint)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(expected),
    });
  });

  it('the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await failing('replay', `tcp+listen://127.0.0.1:${port}`);
    server.close();
    expect(code).toBe(2);
    expect(stderr).toContain('another process listens there (EADDRINUSE)');
  });

  it('the socket file is in use, is left over, or is none', async () => {
    const path = join(folder, 'busy.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    expect((await failing('replay', `unix+listen:${path}`)).stderr).toContain('in use');
    server.close();
    // A process that is killed leaves its file.
    const killed = started(['replay', `unix+listen:${path}`]);
    const end = finished(killed, null);
    await listening(killed);
    killed.kill('SIGKILL');
    await end;
    expect(existsSync(path)).toBe(true);
    const reader = started(['replay', `unix+listen:${path}`, '--json']);
    const result = finished(reader, null);
    await listening(reader);
    connect(path).end(readFileSync(session));
    expect((await result).code).toBe(0);
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, 'something else');
    expect((await failing('replay', `unix+listen:${path}`)).code).toBe(2);
    expect(readFileSync(path, 'utf8')).toBe('something else');
  });

  it.each([
    ['tcp://127.0.0.1', 'expected tcp://HOST:PORT'],
    ['unix:', 'expected unix:PATH'],
    ['tcp://127.0.0.1:9?tmeout=1s', 'there is no option tmeout'],
    ['tcp://127.0.0.1:9?timeout=soon', 'expected a duration'],
    ['tcp+listen://203.0.113.1:0', 'this machine has no address 203.0.113.1'],
  ])('%s', async (endpoint, text) => {
    const { code, stderr } = await failing('replay', endpoint);
    expect(code).toBe(2);
    expect(stderr).toContain(text);
  });

  it('a form that is said twice', async () => {
    const { code, stderr } = await failing(
      'replay',
      session,
      '-o',
      'tcp://127.0.0.1:9?as=packets',
      '--format',
      'csv',
    );
    expect(code).toBe(2);
    expect(stderr).toContain('are two forms');
  });
});
