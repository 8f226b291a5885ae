import { expect, test } from 'vitest';
import * as record from '../../../../src/core/event/record.ts';
import { type SseRequest, SseServer } from '../../../../src/core/publish/sse/sse-server.ts';
import type { EventInput } from '../../../world/event-builder.ts';
import { EventStage, RUN } from './event-stage.ts';

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

  /** What came, each as its name and its id, or its data where it has no id. */
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
        return `${field('event')} ${field('id') || field('data')}`;
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
    `mbo ${RUN}-1`,
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
  expect(said.slice(2)).toEqual(Array.from({ length: 33 }, () => `mbo ${RUN}-32`));
  expect(streams.views().map(({ skipped }) => skipped)).toEqual([20, 0]);
  streams.close();
  expect(sink.ended).toBe(true);
});
