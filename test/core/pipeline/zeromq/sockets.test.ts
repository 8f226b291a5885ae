import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { Push } from 'zeromq';
import { bigHigh, bigLow } from '../../../../src/core/binary/time.ts';
import { PcapngWriter } from '../../../../src/core/capture/capture-writer.ts';
import { MoldPacketEncoder } from '../../../../src/core/feeds/itch/mold-encoder.ts';
import { reportOf } from '../../../../src/core/pipeline/report.ts';
import { run } from '../../../../src/core/pipeline/run.ts';
import { ZmqSink } from '../../../../src/core/pipeline/zeromq/zmq-sink.ts';
import { encodeBatch } from '../../../../src/core/publish/zeromq/batch.ts';
import { BatchReceiver } from '../../../../src/core/publish/zeromq/batch-receiver.ts';
import { parseZmqEndpoint } from '../../../../src/core/publish/zeromq/zmq-endpoint.ts';
import { OPEN } from '../../../world/itch-capture.ts';
import { runOptions } from '../../../world/run-options.ts';
import { dictionaryOf, type Event, framesOf } from '../../journal/streams.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Opens a sink on a port that the system chooses; resolves with the port before anybody is there. */
async function openSink(text: string): Promise<{ readonly port: string; readonly sink: Promise<ZmqSink> }> {
  let told = (_port: string): void => {};
  const port = new Promise<string>((resolve) => {
    told = resolve;
  });
  const tell = (said: string): void => told(said.split(':').at(-1)!);
  const sink = ZmqSink.open(parseZmqEndpoint(text, true), { signal: null, tell });
  sink.then((opened) => closing.push(() => opened.close())).catch(() => {});
  return { port: await port, sink };
}

const MESSAGES = 30;
const PACKETS = 14_000;

/** Packets of ITCH, in chunks of pcapng: more than all the buffers on the way hold. */
function* packetChunks(): Generator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const writer = new PcapngWriter((chunk) => chunks.push(chunk.slice()));
  writer.interfaceId = writer.addInterface({ name: 'A', description: 'mdx/1 line=A' });
  for (let packet = 0; packet < PACKETS; packet += 1) {
    const sequence = 1 + packet * MESSAGES;
    const encoder = new MoldPacketEncoder({ session: 'S1', sequence, packetBytesMax: 1400 });
    for (let message = 0; message < MESSAGES; message += 1) {
      encoder.appendFields('A', {
        stockLocate: 1,
        trackingNumber: 0,
        timestamp: 36_000_000_000_000n,
        orderReferenceNumber: BigInt(sequence + message),
        buySellIndicator: 'B',
        shares: 1,
        stock: 'TEST',
        price: 10_000 + (message % 5),
      });
    }
    const payload = encoder.finish();
    const time = OPEN + BigInt(packet) * 1_000_000_000n;
    const header = {
      timeHigh: bigHigh(time),
      timeLow: bigLow(time),
      ipVersion: 4,
      source: Int32Array.of(0, 0, 0, 0x0a000001),
      sourcePort: 1000,
      destination: Int32Array.of(0, 0, 0, 0xe9000001 | 0),
      destinationPort: 5001,
    };
    writer.writeUdp(header, payload, 0, payload.length);
    if (packet % 100 === 99) writer.flush();
    yield* chunks.splice(0);
  }
}

const EVENTS = 400_000;

function* eventChunks(): Generator<Uint8Array> {
  const event = (index: number): Event => ({
    channel: 0,
    kind: 1,
    flags: 1,
    book: 0,
    sequence: index + 1,
    venue: 1_700_000_000_000_000_000n + BigInt(index),
    receive: 1_700_000_000_000_000_000n + BigInt(index),
    body: [index + 1, 0, 100, 0, 1, 0],
    second: null,
  });
  yield* framesOf(
    Array.from({ length: EVENTS }, (_, index) => event(index)),
    dictionaryOf(1),
  ).slice(0, -1);
}

describe('a subscriber that is too slow', () => {
  it.each([
    ['packets', packetChunks],
    ['events', eventChunks],
  ])('of %s sees and counts what it has missed', async (kind, chunks) => {
    const { port, sink } = await openSink('zmq+pub://127.0.0.1:0?wait=1&hwm=2');
    let sent = (): void => {};
    const isSent = new Promise<void>((resolve) => {
      sent = resolve;
    });
    const reading = run(
      // Nothing is taken from the socket until everything was sent.
      runOptions([`zmq+sub://127.0.0.1:${port}?hwm=2`], { feedName: 'itch-5.0', breathe: () => isSent }),
    );
    const publisher = await sink;
    for (const chunk of chunks()) await publisher.write(chunk);
    sent();
    await publisher.finish();
    const result = await reading;
    const report = reportOf(result, { command: 'replay', version: '', allInstruments: true });
    const { skipped } = report.inputs[0]!;
    expect(skipped['lostBatches']).toBeGreaterThan(0);
    if (kind === 'packets') {
      const lost = skipped['lostPackets']!;
      expect(report.inputs[0]!.packets! + lost).toBe(PACKETS);
      // The merge finds the holes by itself; what is lost behind the last packet nothing in the packets tells.
      const { gaps, last } = report.sequence!.channels[0]!;
      const missing = gaps.reduce((sum, { from, to }) => sum + Number(to) - Number(from) + 1, 0);
      expect(missing + PACKETS * MESSAGES - Number(last)).toBe(lost * MESSAGES);
      expect(report.instruments.map(({ stale }) => stale)).toEqual([missing > 0]);
    } else {
      expect(report.events['add']! + skipped['lostEvents']!).toBe(EVENTS);
      expect(report.events['gap']).toBeGreaterThan(0);
      expect(report.instruments.map(({ stale }) => stale)).toEqual([true]);
    }
  });
});

describe('what a receiver does not understand', () => {
  it('is counted and left out, and the rest comes', async () => {
    const push = new Push({ linger: 0 });
    closing.push(() => push.close());
    await push.bind('tcp://127.0.0.1:0');
    const endpoint = parseZmqEndpoint(`zmq+pull://${push.lastEndpoint!.slice('tcp://'.length)}`, false);
    const receiver = await BatchReceiver.open(endpoint, { signal: null, tell: () => {} });
    closing.push(() => receiver.close());
    const version = Uint8Array.of(1);
    const batch = (sequence: number, first: number, count: number, streamLow = 7): Uint8Array =>
      encodeBatch({
        kind: 'events',
        streamHigh: 1,
        streamLow,
        sequence,
        first,
        count,
        end: false,
        payload: Uint8Array.of(1),
      });
    const messages = [
      ['one frame'],
      [Uint8Array.of(9), batch(1, 1, 5)],
      [version, batch(1, 1, 5)],
      [version, 'what is this'],
      [version, ''],
      [version, Uint8Array.of(0x41, 0xff, 0xff)],
      [version, batch(1, 1, 5)],
      [version, batch(4, 20, 5)],
      [
        version,
        encodeBatch({
          kind: 'packets',
          streamHigh: 1,
          streamLow: 7,
          sequence: 5,
          first: 25,
          count: 1,
          end: false,
          payload: version,
        }),
      ],
      [version, batch(3, 8, 5, 8)],
      [version, batch(5, 25, 5)],
      [version, batch(4, 13, 1, 8)],
    ];
    for (const message of messages) await push.send(message as Uint8Array[]);
    const came = [await receiver.next(), await receiver.next(), await receiver.next(), await receiver.next()];
    expect(came.map((each) => [each!.streamLow, each!.sequence])).toEqual([
      [7, 1],
      [7, 4],
      [8, 3],
      [8, 4],
    ]);
    expect(receiver.counts).toEqual({
      batches: 4,
      unknownVersion: 1,
      unknownId: 1,
      malformed: 3,
      foreign: 2,
      repeated: 1,
      // Two of the first stream, two of the one that followed it.
      lostBatches: 4,
      lost: 14 + 7,
      missed: 0,
    });
  });
});

describe('waiting for what never comes', () => {
  it('ends in a thread that is told to stop, and the process lives', async () => {
    const worker = new Worker(new URL('../../../world/zmq-worker.js', import.meta.url), {
      workerData: 'zmq+pull://127.0.0.1:1',
    });
    expect(await once(worker, 'message')).toEqual(['waiting']);
    worker.postMessage('stop');
    expect(await once(worker, 'message')).toEqual([null]);
    expect(await once(worker, 'exit')).toEqual([0]);
  });

  it('ends after ?timeout=', async () => {
    const endpoint = parseZmqEndpoint('zmq+sub://127.0.0.1:1?timeout=20ms', false);
    const receiver = await BatchReceiver.open(endpoint, { signal: null, tell: () => {} });
    closing.push(() => receiver.close());
    await expect(receiver.next()).rejects.toMatchObject({ code: 'socket-unreachable' });
  });
});

describe('an endpoint', () => {
  it.each([
    ['zmq+push://127.0.0.1:1', false, 'a push socket does not receive'],
    ['zmq+sub://127.0.0.1:1', true, 'a sub socket does not send'],
    ['zmq+req://127.0.0.1:1', true, 'expected zmq+push://'],
    ['zmq+sub://127.0.0.1', false, 'expected zmq+sub://HOST:PORT'],
    ['zmq+push://127.0.0.1:1?topic=x', true, 'there is no option topic'],
    ['zmq+pub://127.0.0.1:1?hwm=0', true, 'hwm=0, expected 1 to'],
    ['zmq+pub://127.0.0.1:1?bind=1&connect=1', true, 'one of them'],
    ['zmq+pub://127.0.0.1:1?topic=', true, 'a topic has 1 to 255 bytes'],
  ])('%s', (text, sends, message) => {
    expect(() => parseZmqEndpoint(text, sends)).toThrow(message);
  });

  it('binds where it sends, unless it is told otherwise', () => {
    const binds = (text: string, sends: boolean): boolean => parseZmqEndpoint(text, sends).binds;
    expect(binds('zmq+push://h:1', true)).toBe(true);
    expect(binds('zmq+push://h:1?connect=1', true)).toBe(false);
    expect(binds('zmq+push://h:1?bind=0', true)).toBe(false);
    expect(binds('zmq+sub://h:1', false)).toBe(false);
    expect(binds('zmq+sub://h:0?bind=1', false)).toBe(true);
  });
});
