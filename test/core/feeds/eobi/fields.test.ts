import { basename } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DescribedMessage,
  describeMessage,
  encodeMessage,
  type FieldValue,
} from '../../../../src/core/feeds/eobi/fields.ts';
import {
  type Field,
  layoutOf,
  type MessageLayout,
  RELEASES,
  type Release,
} from '../../../../src/core/feeds/eobi/layout.ts';
import { DATA } from '../../../world/data.ts';
import { capturePayloads, captures } from '../itch/captures.ts';

const R14 = RELEASES['14.1'];
const RELEASE_LIST = Object.values(RELEASES);

/** BodyLen, first entry, entry size and room of the specification, apart from the tables. */
const SIZES_14_1: Readonly<Record<string, readonly number[]>> = {
  Heartbeat: [16],
  PacketHeader: [32],
  OrderAdd: [56],
  OrderModify: [88],
  OrderDelete: [64],
  OrderMassDelete: [24],
  FullOrderExecution: [56],
  PartialOrderExecution: [56],
  OrderModifySamePrio: [72],
  TradeReversal: [416, 56, 24, 15],
  TradeReport: [56],
  ExecutionSummary: [104],
  TESTradeReport: [80],
  ProductStateChange: [24],
  InstrumentStateChange: [56],
  MassInstrumentStateChange: [800, 32, 32, 24],
  AddComplexInstrument: [880, 80, 40, 20],
  AddFlexibleInstrument: [96],
  AddScaledSimpleInstrument: [80],
  AuctionBBO: [64],
  AuctionClearingPrice: [56],
  CrossRequest: [48],
  QuoteRequest: [40],
  TopOfBook: [64],
  ProductSummary: [24],
  InstrumentSummary: [544, 64, 32, 15],
  SnapshotOrder: [40],
};

/** Offsets that the older tables name. */
const OFFSETS_6_0: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  PacketHeader: {
    ApplSeqNum: 8,
    MarketSegmentID: 12,
    PartitionID: 16,
    CompletionIndicator: 17,
    TransactTime: 24,
  },
  OrderAdd: { SecurityID: 16, TrdRegTSTimePriority: 24, DisplayQty: 32, Side: 36, OrdType: 37, Price: 40 },
  OrderModify: { PrevPrice: 24, PrevDisplayQty: 32, SecurityID: 40, DisplayQty: 56, Side: 60, Price: 64 },
  OrderModifySamePrio: { PrevDisplayQty: 24, SecurityID: 32, DisplayQty: 48, Side: 52, Price: 56 },
  OrderDelete: { SecurityID: 24, TrdRegTSTimePriority: 32, DisplayQty: 40, Side: 44, Price: 48 },
  PartialOrderExecution: { Price: 16, SecurityID: 32, TrdMatchID: 40, LastQty: 44, LastPx: 48 },
  ExecutionSummary: {
    ExecID: 32,
    LastQty: 40,
    AggressorSide: 44,
    TradeCondition: 45,
    LastPx: 48,
    RestingCxlQty: 60,
  },
  SnapshotOrder: { TrdRegTSTimePriority: 8, DisplayQty: 16, Side: 20, OrdType: 21, Price: 24 },
  InstrumentSummary: { LastUpdateTime: 16, TotNoOrders: 32, SecurityTradingEvent: 38, NoMDEntries: 39 },
};

const OFFSETS_14_1: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  OrderAdd: {
    SecurityID: 16,
    TrdRegTSTimePriority: 24,
    DisplayQty: 32,
    Side: 40,
    HHIIndicator: 42,
    Price: 48,
  },
  OrderModify: {
    TrdRegTSPrevTimePriority: 16,
    PrevPrice: 24,
    SecurityID: 40,
    TrdRegTSTimePriority: 48,
    Price: 72,
  },
  OrderDelete: { TransactTime: 16, SecurityID: 24, TrdRegTSTimePriority: 32, DisplayQty: 40, Price: 56 },
  OrderModifySamePrio: { PrevDisplayQty: 24, SecurityID: 32, TrdRegTSTimePriority: 40, Price: 64 },
  FullOrderExecution: { TrdMatchID: 12, Price: 16, TrdRegTSTimePriority: 24, SecurityID: 32, LastPx: 48 },
  ExecutionSummary: {
    ExecID: 24,
    TradeCondition: 42,
    LastPx: 48,
    TrdRegTSPrevTimePriority: 56,
    AggressorTime: 96,
  },
  TradeReport: { TrdMatchID: 40, MatchType: 44, TradeCondition: 48 },
  TESTradeReport: { TrdType: 44, NonDisclosedTradeVolume: 56, TransBkdTime: 64, NumberOfSellSides: 74 },
  InstrumentStateChange: { SecurityStatus: 16, HighPx: 24, TransactTime: 40, TESSecurityStatus: 48 },
  MassInstrumentStateChange: { TransactTime: 16, LastFragment: 24, NoRelatedSym: 25 },
  AddComplexInstrument: {
    SecurityDesc: 24,
    SecuritySubType: 64,
    LegRatioMultiplier: 72,
    NoLegs: 76,
    LastFragment: 79,
  },
  AddFlexibleInstrument: {
    MaturityDate: 68,
    StrikePrice: 72,
    ContractDate: 84,
    SecurityReferenceDataSupplement: 88,
  },
  AddScaledSimpleInstrument: { SecurityType: 64, QuantityScalingFactor: 66, RelatedSecurityID: 72 },
  AuctionBBO: { BidPx: 24, BidSize: 40, PotentialSecurityTradingEvent: 56, OfferOrdType: 58 },
  AuctionClearingPrice: { LastPx: 24, ImbalanceQty: 40, SecurityTradingStatus: 48 },
  CrossRequest: { Side: 32, InputSource: 34, TransactTime: 40 },
  ProductSummary: { LastMsgSeqNumProcessed: 8, TradingSessionID: 12, TESTradSesStatus: 17 },
  InstrumentSummary: {
    TotNoOrders: 32,
    SoldOutIndicator: 39,
    HighPx: 40,
    NoMDEntries: 57,
    TESSecurityStatus: 58,
  },
};

function layoutsOf(release: Release): readonly MessageLayout[] {
  return [...release.messages.values()];
}

function layoutNamed(release: Release, name: string): MessageLayout {
  const layout = layoutsOf(release).find((candidate) => candidate.name === name);
  if (layout === undefined) throw new Error(`no ${name}`);
  return layout;
}

/** Cuts a datagram into its messages. */
function messagesOf(
  payload: Uint8Array,
  release: Release,
): (DescribedMessage & { readonly bytes: Uint8Array })[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const messages: (DescribedMessage & { readonly bytes: Uint8Array })[] = [];
  let offset = 0;
  while (offset < payload.length) {
    const described = describeMessage(payload, offset, release);
    if (described === null) throw new Error(`no message at ${offset}`);
    const length = view.getUint16(offset, true);
    messages.push({ ...described, bytes: payload.slice(offset, offset + length) });
    offset += length;
  }
  return messages;
}

/** The bytes of a message with its pads and what is behind its used entries as 0. */
function withoutFiller(bytes: Uint8Array, { fields, group }: MessageLayout, entries: number): Uint8Array {
  const clean = bytes.slice();
  const clear = (base: number, list: readonly Field[]): void => {
    for (const { type, offset, bytes: width } of list) {
      if (type === 'pad') clean.fill(0, base + offset, base + offset + width);
    }
  };
  clear(0, fields);
  if (group === null) return clean;
  for (let entry = 0; entry < entries; entry += 1)
    clear(group.start + entry * group.entryBytes, group.fields);
  clean.fill(0, group.start + entries * group.entryBytes);
  return clean;
}

function rewritten(message: DescribedMessage, release: Release): Uint8Array {
  const target = new Uint8Array(message.fields['BodyLen'] as number);
  encodeMessage(target, 0, release, message.templateId, message.fields, message.entries);
  return target;
}

describe('the tables', () => {
  test('14.1 has the header and the 26 messages with the sizes of the specification', () => {
    const sizes = Object.fromEntries(
      layoutsOf(R14).map(({ name, bodyLength, group }) => [
        name,
        group === null ? [bodyLength] : [bodyLength, group.start, group.entryBytes, group.max],
      ]),
    );
    expect(sizes).toEqual(SIZES_14_1);
  });

  test.each(RELEASE_LIST)(
    '$name: fields are aligned, leave no holes and fill a length that is a multiple of 8',
    (release) => {
      for (const layout of layoutsOf(release)) {
        const { name, bodyLength, fields, group } = layout;
        for (const list of [fields, group?.fields ?? []]) {
          let end = 0;
          for (const field of list) {
            expect(field.offset, `${name}.${field.name}`).toBe(end);
            if (field.type !== 'pad' && field.type !== 'char')
              expect(end % field.bytes, `${name}.${field.name}`).toBe(0);
            end += field.bytes;
          }
          expect(end % 8, name).toBe(0);
        }
        const fixed = fields[fields.length - 1]!.offset + fields[fields.length - 1]!.bytes;
        expect(fixed + (group === null ? 0 : group.max * group.entryBytes), name).toBe(bodyLength);
        expect(bodyLength % 8, name).toBe(0);
        const names = fields.map((field) => field.name).filter((field) => field !== '');
        expect(new Set(names).size, name).toBe(names.length);
      }
    },
  );

  test.each([
    ['14.1', OFFSETS_14_1],
    ['6.0', OFFSETS_6_0],
  ] as const)('%s: fields are where the specification has them', (name, offsets) => {
    for (const [message, expected] of Object.entries(offsets)) {
      const { fields } = layoutNamed(RELEASES[name], message);
      const seen = Object.fromEntries(
        Object.keys(expected).map((field) => [
          field,
          fields.find((candidate) => candidate.name === field)?.offset,
        ]),
      );
      expect(seen, message).toEqual(expected);
    }
  });

  test('an unknown message is refused', () => {
    expect(() => layoutOf(R14, 13999)).toThrow('EOBI 14.1 has no message 13999');
  });
});

describe('the packet of the specification', () => {
  const packet = Uint8Array.from(
    Buffer.from(
      [
        '2000ca32ffffffffe9030000b0020000',
        '0201000000000000f401faed51728618',
        '38002c334d0000006400faed51728618',
        '47003f0000000000c800faed51728618',
        '90d003000000000001ff800000000000',
        '4063c56b03000000',
      ].join(''),
      'hex',
    ),
  );

  test('gives the fields that it lists', () => {
    const [header, add, ...others] = messagesOf(packet, R14);
    expect(others).toEqual([]);
    expect(header).toMatchObject({ name: 'PacketHeader', templateId: 13002, entries: [] });
    expect(header?.fields).toEqual({
      BodyLen: 32,
      TemplateID: 13002,
      MsgSeqNum: null,
      ApplSeqNum: 1001,
      MarketSegmentID: 688,
      PartitionID: 2,
      CompletionIndicator: 1,
      ApplSeqResetIndicator: 0,
      DSCP: 0,
      TransactTime: 1767225600000000500n,
    });
    expect(add?.name).toBe('OrderAdd');
    expect(add?.fields).toEqual({
      BodyLen: 56,
      TemplateID: 13100,
      MsgSeqNum: 77,
      RequestTime: 1767225600000000100n,
      SecurityID: 4128839n,
      TrdRegTSTimePriority: 1767225600000000200n,
      DisplayQty: 250000n,
      Side: 1,
      OrdType: null,
      HHIIndicator: null,
      Price: 14693000000n,
    });
    for (const message of messagesOf(packet, R14)) expect(rewritten(message, R14)).toEqual(message.bytes);
  });

  test('is null where the bytes are no whole message', () => {
    expect(describeMessage(packet.subarray(0, 31), 0, R14)).toBeNull();
    expect(describeMessage(packet.subarray(0, 7), 0, R14)).toBeNull();
    const unknown = packet.slice();
    unknown[3] = 0x7f;
    expect(describeMessage(unknown, 0, R14)).toBeNull();
    const short = packet.slice();
    short[32] = 48;
    expect(describeMessage(short, 32, R14)).toBeNull();
  });
});

describe.skipIf(DATA === null)('real captures', () => {
  const paths = DATA === null ? [] : captures('Eurex');

  function releaseOf(path: string): Release {
    if (path.includes('v3.0')) return RELEASES['3.0'];
    return RELEASES[/Summary\.pcap$/.test(path) && !/Execution/.test(path) ? '6.0' : '6.0-2014'];
  }

  test('there are 12', () => {
    expect(paths.length).toBe(12);
  });

  test.each(paths)('%s', (path) => {
    const release = releaseOf(path);
    const names = capturePayloads(path).flatMap(({ payload, time }) => {
      const messages = messagesOf(payload, release);
      expect(messages[0]?.name).toBe('PacketHeader');
      for (const message of messages) {
        const layout = layoutNamed(release, message.name);
        expect(message.bytes.length).toBe(layout.bodyLength);
        expect(rewritten(message, release)).toEqual(
          withoutFiller(message.bytes, layout, message.entries.length),
        );
        checkPlausible(message, time);
      }
      return messages.map(({ name }) => name);
    });
    expect(names).toContain(basename(path, '.pcap'));
  });

  /** Times not long before the capture (orders stay for months), prices and quantities of a market. */
  function checkPlausible(message: DescribedMessage, time: bigint): void {
    const day = 86_400_000_000_000n;
    for (const [name, value] of Object.entries(message.fields)) {
      if (value === null) continue;
      const label = `${message.name}.${name} ${value}`;
      if (/^TrdRegTS|Time$|^ExecID/.test(name) && value !== 0n) {
        expect(value as bigint, label).toBeGreaterThan(time - 366n * day);
        expect(value as bigint, label).toBeLessThan(time + day);
      } else if (/Px$|Price$/.test(name)) {
        expect(value as bigint, label).toBeGreaterThan(-100n * 10n ** 8n);
        expect(value as bigint, label).toBeLessThan(100_000n * 10n ** 8n);
      } else if (/Qty$/.test(name)) {
        expect(value as number, label).toBeGreaterThanOrEqual(0);
        expect(value as number, label).toBeLessThan(100_000);
      } else if (/Side$/.test(name)) expect([1, 2], label).toContain(value);
    }
  }
});

describe('any message', () => {
  const everyMessage = RELEASE_LIST.flatMap((release) =>
    layoutsOf(release).map((layout) => ({ release, layout })),
  );

  function anyValue({ type, bytes }: Field): fc.Arbitrary<FieldValue> {
    const bits = BigInt(bytes * 8);
    const signed = fc.bigInt(-(1n << (bits - 1n)) + 1n, (1n << (bits - 1n)) - 1n);
    const unsigned = fc.bigInt(0n, (1n << bits) - 2n);
    const wide = bytes === 8;
    const orNull = (values: fc.Arbitrary<bigint>): fc.Arbitrary<FieldValue> =>
      fc.option(
        values.map((value) => (wide ? value : Number(value))),
        { nil: null, freq: 8 },
      );
    if (type === 'char')
      return fc.constantFrom<FieldValue>(null, 'A', 'FGBL SI 20250908 CS', 'x'.repeat(bytes));
    return orNull(/^u|^ns/.test(type) ? unsigned : signed);
  }

  function valuesOf(
    fields: readonly Field[],
    without: readonly string[],
  ): fc.Arbitrary<Record<string, FieldValue>> {
    return fc.record(
      Object.fromEntries(
        fields
          .filter(({ type, name }) => type !== 'pad' && !without.includes(name))
          .map((field) => [field.name, anyValue(field)]),
      ),
    );
  }

  test.each(everyMessage)('$release.name $layout.name: what is written is read', ({ release, layout }) => {
    const { group, templateId } = layout;
    const own = ['BodyLen', 'TemplateID', ...(group === null ? [] : [group.counter.name])];
    const entries =
      group === null ? fc.constant([]) : fc.array(valuesOf(group.fields, []), { maxLength: group.max });
    fc.assert(
      fc.property(valuesOf(layout.fields, own), entries, (values, list) => {
        const target = new Uint8Array(layout.bodyLength + 16).fill(0xaa);
        expect(encodeMessage(target, 8, release, templateId, values, list)).toBe(layout.bodyLength);
        const described = describeMessage(target, 8, release);
        expect(described?.fields).toMatchObject(values);
        expect(described?.entries).toEqual(list);
        expect(target.subarray(0, 8)).toEqual(new Uint8Array(8).fill(0xaa));
        expect(target.subarray(8 + layout.bodyLength)).toEqual(new Uint8Array(8).fill(0xaa));
      }),
      { numRuns: 20 },
    );
  });

  test('more entries than BodyLen has room for are no message', () => {
    const target = new Uint8Array(544);
    encodeMessage(target, 0, R14, 13601, {});
    target[57] = 15;
    expect(describeMessage(target, 0, R14)?.entries.length).toBe(15);
    target[57] = 16;
    expect(describeMessage(target, 0, R14)).toBeNull();
  });

  test('a value or field that does not fit is refused', () => {
    const write = (values: Record<string, FieldValue>): void => {
      encodeMessage(new Uint8Array(88), 0, R14, 13401, values);
    };
    expect(() => write({ Nothing: 1 })).toThrow(
      'writing EOBI AddFlexibleInstrument: it has no field Nothing',
    );
    expect(() => write({ SecurityType: 256 })).toThrow('SecurityType u8 cannot hold 256');
    expect(() => write({ SecurityType: 0.5 })).toThrow('SecurityType u8 cannot hold 0.5');
    expect(() => write({ SecurityDesc: 'x'.repeat(41) })).toThrow('SecurityDesc char cannot hold');
    expect(() => encodeMessage(new Uint8Array(64), 0, R14, 13100, {}, [{}])).toThrow('no room for 1 entries');
  });
});
