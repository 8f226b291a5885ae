import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stateHash } from '../../../../src/core/book/state-hash.ts';
import { KIND_GAP, KIND_SESSION } from '../../../../src/core/event/record.ts';
import {
  encodeGap,
  encodeMessage,
  TYPE_GOODBYE,
  TYPE_HEARTBEAT,
  TYPE_METADATA,
  TYPE_RECORDS,
} from '../../../../src/core/net/ingest/layout.ts';
import { type RunResult, run } from '../../../../src/core/pipeline/run.ts';
import { EventRecorder, stateOf } from '../../../world/event-recorder.ts';
import { addRecord, cancelRecord, helloOf, serveIngest, TestSender } from '../../../world/ingest.ts';
import { runOptions } from '../../../world/run-options.ts';
import { headBytes } from '../../feeds/dbn/stream.ts';

const GOODBYE = encodeMessage(TYPE_GOODBYE);
const ids = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const skippedOf = ({ inputs }: RunResult): unknown => Object.fromEntries(inputs[0]!.skipped);

/** Orders that are in the books, and the books that are stale. */
function standing({ books }: RunResult): { orders: number; stale: string[] } {
  const market = books.markets[0];
  const stale = books.dictionary.books.filter(({ number }) => market?.stale[number] === 1);
  return { orders: stateOf(market).length, stale: [...new Set(stale.map(({ source }) => source))] };
}

describe('senders of events', () => {
  it('make a channel and books of each source, numbered by its own records', async () => {
    const recorder = new EventRecorder();
    const served = await serveIngest('?sources=3', { observers: [recorder] });
    const senders: TestSender[] = [];
    for (const name of ['A', 'B', 'C']) senders.push(await TestSender.named(served.port, name));
    for (const id of ids(1, 50)) {
      // The same instrument of the same publisher: sources have books of their own.
      for (const sender of senders) sender.records(addRecord(7, id));
    }
    for (const sender of senders) sender.write(GOODBYE);
    const result = await served.result;
    expect(standing(result)).toEqual({ orders: 150, stale: [] });
    expect(new Set(result.books.dictionary.books.map(({ source }) => source))).toEqual(
      new Set(['A', 'B', 'C']),
    );
    for (const channel of [0, 1, 2]) {
      const seen = recorder.seen.filter((each) => each.channel === channel);
      expect(seen.map(({ sequence }) => sequence)).toEqual(ids(1, 50));
    }
    expect(result.counts.messages).toBe(150);
    expect(skippedOf(result)).toEqual({});
  });

  it('make the books of the records, however they are cut into messages and chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 400 }),
        async (plan, chunkBytes) => {
          const served = await serveIngest('?sources=3');
          const senders = await Promise.all(['A', 'B', 'C'].map(() => TestSender.connect(served.port)));
          const streams = ['A', 'B', 'C'].map((name, at) => [
            helloOf(name),
            encodeMessage(TYPE_METADATA, headBytes(at + 1)),
          ]);
          const next = [1, 1, 1];
          for (const [at, count] of plan) {
            const records = ids(next[at]!, next[at]! + count - 1).map((id) => addRecord(10 + at, id));
            next[at]! += count;
            streams[at]!.push(
              encodeMessage(TYPE_RECORDS, Buffer.concat(records)),
              encodeMessage(TYPE_HEARTBEAT),
            );
          }
          for (const [at, sender] of senders.entries()) {
            const bytes = Buffer.concat([...streams[at]!, GOODBYE]);
            for (let from = 0; from < bytes.length; from += chunkBytes) {
              sender.write(bytes.subarray(from, from + chunkBytes));
            }
          }
          const { books } = await served.result;
          const direct = await directly(next);
          expect(stateHash(books.markets[0]!)).toEqual(direct);
        },
      ),
      { numRuns: 6 },
    );
  });

  it('are heard by several threads on one port as by one', async () => {
    const served = await serveIngest('?sources=4&threads=2&senders=4');
    const senders = await Promise.all(
      ['A', 'B', 'C', 'D'].map((name) => TestSender.named(served.port, name)),
    );
    for (const id of ids(1, 300)) for (const sender of senders) sender.records(addRecord(7, id));
    const [a, b, c, d] = senders;
    a!.write(encodeGap({ first: 301, last: 302, timeHigh: 0, timeLow: 0 })).write(GOODBYE);
    b!.write(GOODBYE);
    c!.socket.end();
    d!.records(new Uint8Array(16));
    await Promise.all([c!.closed, d!.closed]);
    for (const name of ['C', 'D']) {
      const again = await TestSender.named(served.port, name, { start: 301 });
      again
        .write(encodeMessage(TYPE_METADATA, headBytes(3)))
        .records(addRecord(7, 301))
        .write(GOODBYE);
    }
    const result = await served.result;
    expect(standing(result)).toEqual({ orders: 1202, stale: ['A'] });
    expect(skippedOf(result)).toEqual({ lostRecords: 2, 'cut:broken': 1, 'cut:records': 1 });
    expect(served.standing.counts).toMatchObject({ accepted: 6, connected: 0, held: 0 });
  });

  it('are no more on several threads than on one', async () => {
    const served = await serveIngest('?sources=1&threads=2&senders=1');
    const first = await TestSender.named(served.port, 'A');
    while (served.standing.sources.length === 0) await new Promise(setImmediate);
    const second = await TestSender.named(served.port, 'B');
    await second.closed;
    first.write(GOODBYE);
    expect(skippedOf(await served.result)).toEqual({ 'cut:full': 1 });
  });

  it('find a port that is taken', async () => {
    const served = await serveIngest('');
    for (const threads of ['', '?threads=1']) {
      const uri = `ingest+listen://127.0.0.1:${served.port}${threads}`;
      await expect(run(runOptions([uri]))).rejects.toMatchObject({ code: 'socket-busy' });
    }
    served.stop();
    await served.result;
  });

  it.each([
    ['?sources=0', 'expected a number from 1 to 65536'],
    ['?threads=65', 'expected a number from 1 to 64'],
    ['?sorces=1', 'there is no option sorces'],
    ['?hello=5', 'expected a duration'],
    ['/path', 'expected ingest+listen://HOST:PORT'],
  ])('are not listened for at %s', async (query, problem) => {
    await expect(run(runOptions([`ingest+listen://127.0.0.1:0${query}`]))).rejects.toThrow(problem);
  });

  it('tell what they lost, and the books of theirs are stale', async () => {
    const recorder = new EventRecorder();
    const served = await serveIngest('?sources=2', { observers: [recorder] });
    const a = await TestSender.named(served.port, 'A');
    const b = await TestSender.named(served.port, 'B');
    a.records(addRecord(1, 1)).write(encodeGap({ first: 2, last: 9, timeHigh: 0, timeLow: 77 }));
    a.records(addRecord(1, 10)).write(GOODBYE);
    b.records(addRecord(1, 1)).write(GOODBYE);
    const result = await served.result;
    expect(standing(result)).toEqual({ orders: 3, stale: ['A'] });
    const channel = result.books.dictionary.books.find(({ source }) => source === 'A')!.channel;
    const seen = recorder.seen.filter((each) => each.channel === channel);
    expect(seen.map(({ sequence }) => sequence)).toEqual([1, 2, 10]);
    expect(seen[1]).toMatchObject({ event: { kind: KIND_GAP, id: 2n, quantity: 8n }, time: 77n });
    expect(skippedOf(result)).toEqual({ lostRecords: 8 });
  });

  it.each([
    ['go on where they were', 4, false, { orders: 6, stale: [] }, {}],
    ['leave out numbers that nobody saw', 7, false, { orders: 6, stale: ['A'] }, { lostRecords: 3 }],
    ['repeat what is known', 2, false, { orders: 4, stale: [] }, { repeatedRecords: 2 }],
    ['repeat from the first on', 1, true, { orders: 3, stale: [] }, { repeatedRecords: 3 }],
    ['begin anew', 1, false, { orders: 3, stale: [] }, {}],
  ] as const)('that come again %s', async (_name, start, continues, wanted, skipped) => {
    const recorder = new EventRecorder();
    const served = await serveIngest('?sources=1', { observers: [recorder] });
    const first = await TestSender.named(served.port, 'A');
    first.records(addRecord(1, 1), addRecord(1, 2), addRecord(1, 3));
    first.socket.end();
    await first.closed;
    const again = await TestSender.named(served.port, 'A', { start, continues });
    again.records(...[start, start + 1, start + 2].map((id) => addRecord(1, id))).write(GOODBYE);
    const result = await served.result;
    expect(standing(result)).toEqual(wanted);
    expect(skippedOf(result)).toEqual({ ...skipped, 'cut:broken': 1 });
    const sessions = recorder.seen.filter(({ event }) => event.kind === KIND_SESSION);
    expect(sessions).toHaveLength(start === 1 && !continues ? 1 : 0);
  });

  it('that begin in the middle have lost what was before', async () => {
    const served = await serveIngest('?sources=1');
    (await TestSender.named(served.port, 'A', { start: 5 })).records(addRecord(1, 5)).write(GOODBYE);
    const result = await served.result;
    expect(standing(result)).toEqual({ orders: 1, stale: ['A'] });
    expect(skippedOf(result)).toEqual({ lostRecords: 4 });
  });

  it('take the place of a connection of the same source', async () => {
    const served = await serveIngest('?sources=1');
    const old = await TestSender.named(served.port, 'A');
    old.records(addRecord(1, 1));
    const young = await TestSender.named(served.port, 'A', { start: 2 });
    await old.closed;
    young.records(cancelRecord(1, 1)).write(GOODBYE);
    const result = await served.result;
    expect(standing(result)).toEqual({ orders: 0, stale: [] });
    expect(skippedOf(result)).toEqual({ 'cut:replaced': 1 });
  });

  it.each([
    [
      'a record that is cut',
      [addRecord(1, 1), addRecord(1, 2).subarray(0, 24)],
      'no whole record at byte 56 of a message of 80',
    ],
    [
      'a record of no length',
      [addRecord(1, 1), new Uint8Array(16)],
      'no whole record at byte 56 of a message of 72',
    ],
    [
      'a record shorter than any',
      [addRecord(1, 1), Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0)],
      'expected a length of at least 4 words',
    ],
  ])('are cut at %s; what is in front of it counts', async (_name, records, problem) => {
    const served = await serveIngest('?sources=1');
    const bad = await TestSender.named(served.port, 'A');
    bad.records(...records).records(addRecord(1, 3));
    await bad.closed;
    (await TestSender.named(served.port, 'A', { start: 2 })).records(addRecord(1, 2)).write(GOODBYE);
    const result = await served.result;
    expect(standing(result)).toEqual({ orders: 2, stale: [] });
    expect(skippedOf(result)).toEqual({ 'cut:records': 1 });
    expect(served.told.join('\n')).toContain(`source A: `);
    expect(served.told.join('\n')).toContain(problem);
  });

  it.each([
    [
      'records in the middle of metadata',
      'metadata',
      [
        encodeMessage(TYPE_METADATA, headBytes(2).subarray(0, 20)),
        encodeMessage(TYPE_RECORDS, addRecord(1, 1)),
      ],
    ],
    [
      'bytes behind the metadata',
      'metadata',
      [encodeMessage(TYPE_METADATA, Buffer.concat([headBytes(2), addRecord(1, 1)]))],
    ],
    [
      'metadata of no version',
      'metadata',
      [encodeMessage(TYPE_METADATA, Buffer.from('DBN\x09\x00\x01\x00\x00'))],
    ],
    [
      'a gap of numbers that came',
      'gap',
      [
        encodeMessage(TYPE_RECORDS, addRecord(1, 1)),
        encodeGap({ first: 1, last: 3, timeHigh: 0, timeLow: 0 }),
      ],
    ],
    ['a gap that is none', 'gap', [encodeMessage(2, new Uint8Array(3))]],
    ['a message of no known type', 'type', [encodeMessage(9)]],
    ['a second hello', 'identity', [helloOf('B')]],
  ])('are cut at %s', async (_name, ending, messages) => {
    const served = await serveIngest('?sources=1');
    const bad = await TestSender.named(served.port, 'A');
    bad.write(Buffer.concat(messages));
    await bad.closed;
    (await TestSender.named(served.port, 'C')).write(GOODBYE);
    expect(skippedOf(await served.result)).toEqual({ [`cut:${ending}`]: 1 });
  });

  it('are read no further than the limit says, to the record', async () => {
    const served = await serveIngest('', { messagesMax: 5 });
    const a = await TestSender.named(served.port, 'A');
    a.records(...ids(1, 9).map((id) => addRecord(1, id)));
    const result = await served.result;
    expect(result.stopped).toBe('limit');
    expect(result.counts.messages).toBe(5);
    expect(standing(result).orders).toBe(5);
  });

  it('are there until somebody asks the run to stop', async () => {
    const served = await serveIngest('');
    const a = await TestSender.named(served.port, 'A');
    served.stop();
    await a.closed;
    expect((await served.result).stopped).toBe('request');
  });

  it('of too many names are turned away', async () => {
    const served = await serveIngest('?senders=1');
    for (const name of ['A', 'B', 'C', 'D', 'E']) {
      const sender = await TestSender.named(served.port, name);
      sender.write(GOODBYE);
      await sender.closed;
    }
    served.stop();
    expect(skippedOf(await served.result)).toEqual({ 'cut:names': 1 });
  });
});

/** The hash of the books that the same records make when they come one source after the other. */
async function directly(next: readonly number[]): Promise<unknown> {
  const served = await serveIngest('?sources=3');
  for (const [at, name] of ['A', 'B', 'C'].entries()) {
    const sender = await TestSender.named(served.port, name);
    for (const id of ids(1, next[at]! - 1)) sender.records(addRecord(10 + at, id));
    sender.write(GOODBYE);
    await sender.closed;
  }
  const { books } = await served.result;
  return stateHash(books.markets[0]!);
}
