import { basename, dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HEADER_DATA } from '../../../../src/core/feeds/feed.ts';
import { describeMessage, encodeMessage, type FieldValue } from '../../../../src/core/feeds/itch/fields.ts';
import { midnightOf } from '../../../../src/core/feeds/session-date.ts';
import { DATA } from '../../../world/data.ts';
import { capturePayloads, captures } from './captures.ts';
import { Bench, datagramOf } from './harness.ts';

/** The message that a file is named after; files hold nothing else. */
const TYPE_OF_NAME: Readonly<Record<string, string>> = {
  AddOrderMpidAttributionMessage: 'F',
  AddOrderWithMpidAttributionMessage: 'F',
  AddOrderNoMpidAttributionMessage: 'A',
  NonCrossTradeMessage: 'P',
  'TradeMessageNon-cross': 'P',
  OrderCancelMessage: 'X',
  OrderDeleteMessage: 'D',
  OrderExecutedMessage: 'E',
  OrderExecutedWithPriceMessage: 'C',
  OrderReplaceMessage: 'U',
  RegShoShortSalePriceTestRestrictedIndicatorMessage: 'Y',
  RetailInterestMessage: 'N',
  StockTradingActionMessage: 'H',
  SystemEventMessage: 'S',
};

/** Messages by market and type. */
const TOTALS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Bx: { A: 6, C: 5, D: 6, E: 5, F: 5, H: 5, N: 5, P: 5, S: 1, U: 6, X: 5, Y: 5 },
  Psx: { A: 5, C: 5, D: 5, E: 5, F: 5, H: 5, P: 5, S: 1, U: 5, X: 5, Y: 5 },
};

const FILES = DATA === null ? [] : captures('Nasdaq');

interface Message {
  readonly bytes: Uint8Array;
  readonly time: bigint;
}

/** Cuts the messages out of a file by the block lengths alone. */
function messagesOf(path: string): Message[] {
  return capturePayloads(path).flatMap(({ payload, time }) => {
    const messages: Message[] = [];
    const view = new DataView(payload.buffer);
    for (let at = 20; at < payload.length; at += 2 + view.getUint16(at)) {
      messages.push({ bytes: payload.slice(at + 2, at + 2 + view.getUint16(at)), time });
    }
    expect(messages.length).toBe(view.getUint16(18));
    return messages;
  });
}

describe.skipIf(DATA === null)('real captures', () => {
  test('there are 26', () => {
    expect(FILES.length).toBe(26);
  });

  test.each(FILES.map((path) => [`${basename(dirname(path))}/${basename(path)}`, path]))('%s', (_, path) => {
    const type = TYPE_OF_NAME[basename(path, '.pcap')]!;
    const bench = new Bench();
    const payloads = capturePayloads(path);
    const midnight = midnightOf(payloads[0]!.time, 'America/New_York');
    expect(midnight).toBe(midnightOf('2023-08-22', 'America/New_York'));
    const decoder = bench.packetDecoder(midnight);
    for (const { payload, time } of payloads) {
      const datagram = datagramOf(payload, time);
      expect(decoder.readHeader(datagram)).toBe(HEADER_DATA);
      decoder.decode(datagram, decoder.first, 0, decoder.count);
      const anonymised = path.includes('20230822/');
      expect(decoder.first === 0).toBe(anonymised);
      expect(decoder.sessionText(decoder.session)).toBe(anonymised ? null : '000010059D');
    }
    const messages = messagesOf(path);
    expect(bench.problems).toEqual({});
    expect(bench.byType).toEqual({ [type]: messages.length });
    expect(bench.events.length).toBe(messages.length);
    bench.events.forEach((event, index) => {
      const { bytes, time } = messages[index]!;
      expect(event.receiveTime).toBe(time);
      const age = time - event.venueTime;
      expect(age > -1_000_000_000n && age < 1_000_000_000n).toBe(true);
      const { fields } = describeMessage(bytes, 0, bytes.length)!;
      expect(event).toMatchObject(expectedOf(type, fields));
      const book = bench.dictionary.books[event.book];
      expect(book?.instrument ?? 0n).toBe(BigInt(fields['stockLocate']!));
      if ('stock' in fields) expect(book?.symbol).toBe(fields['stock']);
    });
  });

  test('the totals of each market', () => {
    const totals: Record<string, Record<string, number>> = { Bx: {}, Psx: {} };
    for (const path of FILES) {
      const market = totals[basename(dirname(path)).split('.')[0]!]!;
      for (const { bytes } of messagesOf(path)) {
        const type = String.fromCharCode(bytes[0]!);
        market[type] = (market[type] ?? 0) + 1;
      }
    }
    expect(totals).toEqual(TOTALS);
    expect(Object.values(TOTALS).map((market) => Object.values(market).reduce((a, b) => a + b))).toEqual([
      59, 51,
    ]);
  });

  test('prices, sides and symbols are plausible', () => {
    for (const path of FILES) {
      for (const { bytes } of messagesOf(path)) {
        const { fields } = describeMessage(bytes, 0, bytes.length)!;
        if ('stock' in fields) expect(fields['stock']).toMatch(/^[A-Z][A-Z.+=#-]{0,7}$/);
        if ('buySellIndicator' in fields) expect(fields['buySellIndicator']).toMatch(/^[BS]$/);
        if ('price' in fields) {
          expect(fields['price']).toBeGreaterThan(0);
          expect(fields['price']).toBeLessThanOrEqual(2_000_000_000);
        }
        if ('shares' in fields) expect(fields['shares']).toBeGreaterThan(0);
      }
    }
  });

  test('written again, every message has the same bytes', () => {
    for (const path of FILES) {
      for (const { bytes } of messagesOf(path)) {
        const { type, fields } = describeMessage(bytes, 0, bytes.length)!;
        const again = new Uint8Array(bytes.length);
        expect(encodeMessage(type, fields, again, 0)).toBe(bytes.length);
        expect(again).toEqual(bytes);
      }
    }
  });
});

/** The event of a message, worked out from its fields. */
function expectedOf(type: string, fields: Readonly<Record<string, FieldValue>>): object {
  const big = (name: string): bigint => BigInt(fields[name] ?? 0);
  const id = big('orderReferenceNumber');
  const match = big('matchNumber');
  const code = BigInt(type.charCodeAt(0));
  const ask = fields['buySellIndicator'] === 'S';
  switch (type) {
    case 'A':
    case 'F':
      return { kind: 'add', ask, id, price: big('price'), quantity: big('shares'), extension: null };
    case 'E':
      return {
        kind: 'execute',
        id,
        quantity: big('executedShares'),
        extension: { match, price: 0n, condition: 0 },
      };
    case 'C':
      return {
        kind: 'execute',
        id,
        quantity: big('executedShares'),
        extension: {
          match,
          price: big('executionPrice'),
          condition: fields['printable'] === 'N' ? 0xfffe : 0,
        },
      };
    case 'X':
      return { kind: 'reduce', id, quantity: big('canceledShares'), extension: null };
    case 'D':
      return { kind: 'delete', id, quantity: 0n, extension: null };
    case 'U':
      return {
        kind: 'replace',
        id: big('newOrderReferenceNumber'),
        price: big('price'),
        quantity: big('shares'),
        extension: { related: big('originalOrderReferenceNumber') },
      };
    case 'P':
      return {
        kind: 'trade',
        ask: false,
        id,
        price: big('price'),
        quantity: big('shares'),
        extension: { match, aggressor: 0 },
      };
    case 'H':
      return { kind: 'status', quantity: code, price: BigInt(String(fields['tradingState']).charCodeAt(0)) };
    case 'S':
      return { kind: 'status', quantity: code, price: BigInt(String(fields['eventCode']).charCodeAt(0)) };
    default:
      return { kind: 'venue', quantity: code };
  }
}
