import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { SERVE_DEFAULTS } from '../../../src/core/config/serve-defaults.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { Serve } from '../../../src/core/serve/server.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const DIRECTORY = mkdtempSync(join(tmpdir(), 'mdx-engine-'));
afterAll(() => rmSync(DIRECTORY, { recursive: true }));

/** Starts an engine on a capture and waits until its books here have this event. */
async function servedUntil(
  path: string,
  journal: string,
  event: number,
  instruments: string | null = null,
): Promise<Serve> {
  const serve = await Serve.start({
    version: 'test',
    config: {
      ...SERVE_DEFAULTS,
      source: { ...SERVE_DEFAULTS.source, inputs: [path], instruments },
      journal: { ...SERVE_DEFAULTS.journal, directory: journal },
      http: { ...SERVE_DEFAULTS.http, listen: '127.0.0.1:0' },
      rawV1: { ...SERVE_DEFAULTS.rawV1, a: null, b: null },
    },
    tell: () => {},
  });
  while ((serve.context.books()?.event ?? 0) < event || serve.status.state !== 'ended') {
    await Promise.race([serve.ended, new Promise((resolve) => setImmediate(resolve))]);
  }
  return serve;
}

test('followers have the books of the input, and after a restart those of the journal with the same numbers', async () => {
  const { a } = play({ seed: 5, profile: { messages: 6000 } });
  const path = join(DIRECTORY, 'session.pcap');
  const journal = join(DIRECTORY, 'journal');
  writeFileSync(path, a);
  const { markets } = (await run(runOptions([path]))).books;
  const events = markets[0]!.events.reduce((sum, count) => sum + count, 0);

  const first = await servedUntil(path, journal, events);
  const served = first.context.books()!.books.markets[0]!;
  expect(stateHash(served)).toEqual(stateHash(markets[0]!));
  expect(served.changes).toBe(markets[0]!.changes);
  first.stop();
  await first.ended;

  const second = await servedUntil(path, journal, events);
  const again = second.context.books()!.books.markets[0]!;
  expect(stateHash(again)).toEqual(stateHash(markets[0]!));
  expect(again.changes).toBe(served.changes);
  expect([...again.bookChanges]).toEqual([...served.bookChanges]);
  expect(second.status.epoch).toBe(first.status.epoch);
  second.stop();
  await second.ended;
  expect(second.status.journal?.lastEvent).toBe(events);
});

test('names of a file are those of the books, behind a restart, too', async () => {
  const { a } = play({ seed: 6, profile: { messages: 100 } });
  const path = join(DIRECTORY, 'named.pcap');
  const names = join(DIRECTORY, 'names.csv');
  writeFileSync(path, a);
  writeFileSync(names, 'instrument,symbol\n1,NAMED\n');
  for (let start = 0; start < 2; start += 1) {
    const serve = await servedUntil(path, join(DIRECTORY, 'named'), 1, names);
    const { dictionary } = serve.context.books()!.books;
    expect(dictionary.books.find(({ instrument }) => instrument === 1n)!.symbol).toBe('NAMED');
    serve.stop();
    await serve.ended;
  }
});

test('an engine that is stopped before its first event ends in order', async () => {
  const serve = await Serve.start({
    version: 'test',
    config: {
      ...SERVE_DEFAULTS,
      source: { ...SERVE_DEFAULTS.source, inputs: ['tcp+listen://127.0.0.1:0'] },
      http: { ...SERVE_DEFAULTS.http, listen: '127.0.0.1:0' },
      rawV1: { ...SERVE_DEFAULTS.rawV1, a: '127.0.0.1:0', b: null },
    },
    tell: () => {},
  });
  while (serve.status.state !== 'running') {
    await Promise.race([serve.ended, new Promise((resolve) => setImmediate(resolve))]);
  }
  serve.stop();
  await serve.ended;
  expect(serve.status).toMatchObject({ state: 'stopping', problem: null });
});
