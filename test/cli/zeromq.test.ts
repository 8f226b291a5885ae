import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { finished, mdx, started } from '../world/real-process.ts';
import { listening } from '../world/sockets.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-zeromq-'));
const session = join(folder, 'session.pcap');
let truth: RunReport;

beforeAll(async () => {
  const made = await mdx([
    'simulate',
    '--messages',
    '20000',
    '--seed',
    '5',
    '--loss',
    '0.01',
    '-o',
    session,
    '-q',
  ]);
  expect(made.code).toBe(0);
  truth = JSON.parse((await mdx(['replay', session, '--json', '-q'])).stdout) as RunReport;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('two processes joined by ZeroMQ', () => {
  it.each([
    ['push', 'packets', ''],
    ['push', 'events', ''],
    ['pub', 'packets', '&wait=1'],
    ['pub', 'events', '&wait=1&topic=itch%7Cevents'],
  ])('%s of %s ends in the books of one process', async (pattern, as, more) => {
    const sender = started(['replay', session, '-o', `zmq+${pattern}://127.0.0.1:0?as=${as}${more}`]);
    const sent = finished(sender, null);
    const { port } = new URL((await listening(sender)).replace('tcp:', 'http:'));
    const topic = more.includes('topic') ? '?topic=itch%7Cevents' : '';
    const receiver =
      pattern === 'push' ? `zmq+pull://127.0.0.1:${port}` : `zmq+sub://127.0.0.1:${port}${topic}`;
    const { code, stdout } = await mdx(['replay', receiver, '--json', '-q']);
    expect(code).toBe(0);
    expect((await sent).code).toBe(0);
    const report = JSON.parse(stdout) as RunReport;
    expect(report.book).toEqual(truth.book);
    expect(report.events).toEqual(truth.events);
    expect(report.instruments).toEqual(truth.instruments);
    expect(report.inputs[0]).toMatchObject({ format: as === 'packets' ? 'pcapng' : 'journal', skipped: {} });
  });

  it('the receiver may bind, and the sender connect', async () => {
    const receiver = started(['book', 'zmq+pull://127.0.0.1:0?bind=1', '--json']);
    const received = finished(receiver, null);
    const { port } = new URL((await listening(receiver)).replace('tcp:', 'http:'));
    const sent = await mdx([
      'replay',
      session,
      '-o',
      `zmq+push://127.0.0.1:${port}?connect=1&as=events`,
      '-q',
    ]);
    expect(sent.code).toBe(0);
    const { code, stdout } = await received;
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as RunReport).book).toEqual(truth.book);
  });

  it('every instrument may have a topic of its own', async () => {
    const symbols = truth.instruments.slice(0, 2).map(({ symbol }) => symbol!);
    const sender = started([
      'replay',
      session,
      '-o',
      'zmq+pub://127.0.0.1:0?as=events&topics=instrument&wait=2',
    ]);
    const sent = finished(sender, null);
    const { port } = new URL((await listening(sender)).replace('tcp:', 'http:'));
    const read = async (symbol: string): Promise<RunReport> => {
      const topic = encodeURIComponent(`${symbol}.itch-5.0|events`);
      const { code, stdout } = await mdx([
        'replay',
        `zmq+sub://127.0.0.1:${port}?topic=${topic}`,
        '--json',
        '-q',
      ]);
      expect(code).toBe(0);
      return JSON.parse(stdout) as RunReport;
    };
    const reports = await Promise.all(symbols.map(read));
    expect((await sent).code).toBe(0);
    for (const [index, report] of reports.entries()) {
      expect(report.instruments).toEqual([truth.instruments[index]]);
      expect(report.inputs[0]!.skipped).toEqual({});
      const alone = await mdx(['replay', session, '--symbol', symbols[index]!, '--json', '-q']);
      expect(report.book).toEqual((JSON.parse(alone.stdout) as RunReport).book);
    }
  });

  it('nobody there: a signal ends both sides', async () => {
    const sender = started(['replay', session, '-o', 'zmq+push://127.0.0.1:0']);
    const sent = finished(sender, null);
    await listening(sender);
    sender.kill('SIGINT');
    expect((await sent).code).toBe(130);
    const receiver = started(['replay', 'zmq+sub://127.0.0.1:0?bind=1', '--feed', 'itch-5.0']);
    const received = finished(receiver, null);
    await listening(receiver);
    receiver.kill('SIGTERM');
    expect((await received).code).toBe(143);
  });

  it.each([
    [['-o', 'zmq+push://127.0.0.1:0', '--format', 'csv'], 'packets (pcapng) and events are sent, not csv'],
    [['-o', 'zmq+pull://127.0.0.1:0'], 'a pull socket does not send'],
    [['-o', 'zmq+pub://127.0.0.1:0?hmw=3'], 'there is no option hmw'],
  ])('%j is refused', async (flags, text) => {
    const { code, stderr } = await mdx(['replay', session, ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain(text);
  });
});
