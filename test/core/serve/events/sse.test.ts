import { expect, test } from 'vitest';
import * as record from '../../../../src/core/event/record.ts';
import { type SseRequest, SseServer } from '../../../../src/core/publish/sse/sse-server.ts';
import type { EventInput } from '../../../world/event-builder.ts';
import { EventClientProbe, EventStage, RUN } from './event-stage.ts';

const REQUEST: SseRequest = {
  kind: 'mbo',
  sources: null,
  instruments: null,
  lastEventId: null,
  address: '127.0.0.1:1',
  token: null,
};

class Sink {
  pendingBytes = 0;
  text = '';
  ended = false;

  write(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString();
  }

  end(): void {
    this.ended = true;
  }

  /** Events of the venue: number of the id, null = none, and number of the event. */
  events(): { readonly id: number | null; readonly seq: number }[] {
    return [...this.text.matchAll(/(?:id: \w+-(\d+)\n)?event: mbo\ndata: \{"seq":"(\d+)"/g)].map(
      ([, id, seq]) => ({
        id: id === undefined ? null : Number(id),
        seq: Number(seq),
      }),
    );
  }

  /** What came, each as its name and its id, or its data where it has none; events of the venue have `…` then. */
  said(): string[] {
    return this.text
      .split('\n\n')
      .filter((part) => part !== '')
      .map((part) => {
        const field = (name: string): string =>
          part
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2) ?? '';
        return `${field('event')} ${field('id') || field('data').replace(/^\{"seq":"\d+",.*"kind".*$/, '…')}`;
      });
  }
}

function adds(first: number, count: number): EventInput[] {
  return Array.from({ length: count }, (_, at) => ({
    kind: record.KIND_ADD,
    book: 0,
    id: BigInt(first + at),
    price: 100n,
    quantity: 5n,
    flags: record.FLAG_LAST,
  }));
}

test('a stream begins with the books, goes on behind an id, and begins with the books again where it was too slow', async () => {
  const stage = new EventStage({ retainedEvents: 10 });
  const streams = new SseServer(stage.hub, { keepAliveMs: 60_000, pendingBytes: 1000 });
  stage.play(adds(1, 1));
  const sink = new Sink();
  const session = streams.open(REQUEST, sink);
  stage.play(adds(2, 1));
  expect(sink.said()).toEqual([
    'snapshot {"seq":"1","books":1,"events":2}',
    'mbo …',
    `mbo ${RUN}-1`,
    `mbo ${RUN}-2`,
  ]);
  const again = new Sink();
  streams.open({ ...REQUEST, lastEventId: `${RUN}-1` }, again);
  expect(again.said()).toEqual([`mbo ${RUN}-2`]);
  sink.text = '';
  sink.pendingBytes = 1000;
  for (let round = 0; round < 3; round += 1) stage.play(adds(10 + round * 10, 10));
  expect(sink.text).toBe('');
  sink.pendingBytes = 0;
  session.drained();
  const said = sink.said();
  expect(said.slice(0, 2)).toEqual([
    'lagged {"skipped":"20","skipped_total":"20","next_seq":"23"}',
    'snapshot {"seq":"32","books":1,"events":33}',
  ]);
  expect(said.slice(2)).toEqual([...Array<string>(32).fill('mbo …'), `mbo ${RUN}-32`]);
  expect(streams.views().map(({ skipped }) => skipped)).toEqual([20, 0]);
  streams.close();
  expect(sink.ended).toBe(true);
});

/** Executions: three events of mbo each, and one of trades. */
function executions(first: number, count: number): EventInput[] {
  return Array.from({ length: count }, (_, at) => ({
    kind: record.KIND_EXECUTE,
    book: 0,
    id: BigInt(first + at),
    price: 100n,
    quantity: 1n,
    flags: record.FLAG_LAST,
  }));
}

test('what comes of one event of the venue is in one batch, and has one id, with the last of it', async () => {
  const stage = new EventStage({ retainedBytes: 1 << 19, batchMax: 7 });
  const client = new EventClientProbe(await stage.listen());
  await client.type('connected');
  const streams = new SseServer(stage.hub, { keepAliveMs: 60_000, pendingBytes: 1 << 24 });
  const sink = new Sink();
  streams.open(REQUEST, sink);
  // Several chunks of memory, most of which end within an event.
  for (let round = 0; round < 20; round += 1) stage.play([...adds(1, 20), ...executions(1, 20)]);
  await client.caughtUp();
  const batches = client.messages.filter(({ type }) => type === 'batch' || type === 'event');
  const numbers = batches.map(({ data }) => [data].flat().map(({ seq }) => Number(seq)));
  expect(numbers.flat().length).toBeGreaterThan(1900);
  for (const [at, batch] of numbers.entries()) {
    expect(batch[0]).toBeGreaterThan(numbers[at - 1]?.at(-1) ?? 0);
    expect(batch.length).toBeLessThanOrEqual(7);
  }
  const live = sink.events();
  expect(live.length).toBeGreaterThan(1500);
  for (const [at, { id, seq }] of live.entries()) {
    expect(id).toBe(live[at + 1]?.seq === seq ? null : seq);
  }
  client.socket.close();
  streams.close();
  await stage.close();
});
