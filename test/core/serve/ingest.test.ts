import { expect, test } from 'vitest';
import { SERVE_DEFAULTS } from '../../../src/core/config/serve-defaults.ts';
import { encodeGap, encodeMessage, TYPE_GOODBYE } from '../../../src/core/net/ingest/layout.ts';
import { readExposition } from '../../../src/core/observe/read-exposition.ts';
import { Serve } from '../../../src/core/serve/server.ts';
import { addRecord, TestSender } from '../../world/ingest.ts';

test('senders of events are told in the status, the API and the metrics', async () => {
  const any = '127.0.0.1:0';
  const { promise: listening, resolve: listen } = Promise.withResolvers<number>();
  const serve = await Serve.start({
    version: 'test',
    config: {
      ...SERVE_DEFAULTS,
      http: { ...SERVE_DEFAULTS.http, listen: any },
      rawV1: { ...SERVE_DEFAULTS.rawV1, a: null, b: null },
      ingest: { ...SERVE_DEFAULTS.ingest, listen: any },
    },
    tell: (_, text) => {
      const port = /^listening ingest:.*:(\d+)$/.exec(text)?.[1];
      if (port !== undefined) listen(Number(port));
    },
  });
  try {
    const port = await listening;
    const first = await TestSender.named(port, 'A');
    first.records(addRecord(7, 1), addRecord(7, 2));
    first.write(encodeGap({ first: 3, last: 5, timeHigh: 0, timeLow: 0 }));
    first.records(addRecord(7, 6)).write(encodeMessage(TYPE_GOODBYE));
    await first.closed;
    const second = await TestSender.named(port, 'B');
    second.records(addRecord(9, 1));
    const said = (): unknown => {
      const { bytes: _, ...rest } = serve.status.ingest ?? { bytes: 0 };
      return rest;
    };
    const wanted = {
      connected: 1,
      accepted: 2,
      sources: 2,
      messages: 7,
      records: 4,
      lost: 3,
      repeated: 0,
      waitingBytes: 0,
      pauses: 0,
      endings: { goodbye: 1 },
    };
    await expect.poll(said, { timeout: 10_000, interval: 10 }).toEqual(wanted);
    const lines = (await (await fetch(`${serve.url}/api/v1/lines`)).json()) as { ingest: unknown };
    expect(lines.ingest).toEqual({ ...wanted, bytes: String(serve.status.ingest!.bytes) });
    const series = readExposition(await (await fetch(`${serve.url}/metrics`)).text());
    const shown = series
      .filter(({ name }) => /ingest_(records|senders|lag|endings)/.test(name))
      .map(({ name, labels, value }) => [name, Object.values(labels).join(), value]);
    expect(shown).toEqual([
      ['ingest_lag', '', 0],
      ['mdx_ingest_senders', '', 1],
      ['mdx_ingest_records_total', 'decoded', 4],
      ['mdx_ingest_records_total', 'lost', 3],
      ['mdx_ingest_records_total', 'repeated', 0],
      ['mdx_ingest_endings_total', 'goodbye', 1],
    ]);
    second.socket.destroy();
  } finally {
    serve.stop();
    await serve.ended;
  }
});
