import { afterAll, describe, expect, it } from 'vitest';
import { encodeMessage, TYPE_GOODBYE } from '../../../../src/core/net/ingest/layout.ts';
import { stateOf } from '../../../world/event-recorder.ts';
import { addRecord, serveWith, TestSender } from '../../../world/ingest.ts';
import { Resumes } from '../../../world/resumed.ts';

const resumes = new Resumes();
afterAll(() => resumes.remove());

/** A journal of a source A with the records of five orders. */
async function journalOfFive(): Promise<string> {
  const directory = resumes.name();
  const served = await serveWith('?sources=1', (paths, options) =>
    resumes.write(directory, paths, { ...options, breathe: async () => {} }, 'closed', 1e9),
  );
  await send(served.port, 1, false, [1, 2, 3, 4, 5]);
  await served.result;
  return directory;
}

async function send(port: number, start: number, continues: boolean, ids: readonly number[]): Promise<void> {
  const sender = await TestSender.named(port, 'A', { start, continues });
  sender.records(...ids.map((id) => addRecord(1, id))).write(encodeMessage(TYPE_GOODBYE));
  await sender.closed;
}

describe('a run that goes on with a journal, and its senders', () => {
  it.each([
    ['go on', 6, false, [6, 7], { orders: 7, isStale: false }],
    ['repeat what it has', 4, false, [4, 5, 6], { orders: 6, isStale: false }],
    ['repeat it from the first on', 1, true, [1, 2, 3, 4, 5, 6], { orders: 6, isStale: false }],
    ['leave out what nobody saw', 8, false, [8], { orders: 6, isStale: true }],
    ['begin anew with the same', 1, false, [1, 2, 3, 4, 5, 6], { orders: 6, isStale: false }],
    ['begin anew', 1, false, [11, 12, 13], { orders: 3, isStale: false }],
  ])('that %s', async (_name, start, continues, ids, wanted) => {
    const directory = await journalOfFive();
    const served = await serveWith('?sources=1', (paths, options) =>
      resumes.resume(directory, paths, options),
    );
    await send(served.port, start, continues, ids);
    const { books } = await served.result;
    const market = books.markets[0]!;
    expect({ orders: stateOf(market).length, isStale: market.stale[0] === 1 }).toEqual(wanted);
    expect(books.dictionary.books).toHaveLength(1);
  });
});
