import type { FieldValue } from '../../../../src/core/feeds/itch/fields.ts';

/** One message written by hand: its bytes, its fields, and the event it is. */
export interface Sample {
  readonly type: string;
  /** Body behind the common start, field by field. */
  readonly body: string;
  readonly fields: Readonly<Record<string, FieldValue>>;
  readonly event: SampleEvent;
}

/** What differs from event to event; what is not named is 0. */
export interface SampleEvent {
  readonly kind: string;
  readonly ask?: boolean;
  readonly id?: bigint;
  readonly price?: bigint;
  readonly quantity?: bigint;
  readonly extension?: {
    readonly condition?: number;
    readonly related?: bigint;
    readonly price?: bigint;
    readonly match?: bigint;
  };
}

/** Locate 5, tracking number 2, 09:30:00 = 34,200,000,000,000 ns. */
const START = '0005 0002 1f1aced9f000';
const COMMON: Readonly<Record<string, FieldValue>> = {
  stockLocate: 5,
  trackingNumber: 2,
  timestamp: 34_200_000_000_000n,
};
export const SAMPLE_LOCATE = 5;
export const SAMPLE_TIME = 34_200_000_000_000n;

/** "MDX     " */
const STOCK = '4d44582020202020';
const ID = '0102030405060708';
const ID_VALUE = 0x0102030405060708n;
const MATCH = 'fedcba9876543210';
const MATCH_VALUE = 0xfedcba9876543210n;

export const SAMPLES: readonly Sample[] = [
  sample('S', '4f', { eventCode: 'O' }, { kind: 'status', price: 0x4fn, quantity: 0x53n }),
  sample(
    'R',
    `${STOCK} 51 4e 00000064 4e 43 5a20 50 4e 20 31 59 00000003 4e`,
    {
      stock: 'MDX',
      marketCategory: 'Q',
      financialStatusIndicator: 'N',
      roundLotSize: 100,
      roundLotsOnly: 'N',
      issueClassification: 'C',
      issueSubType: 'Z',
      authenticity: 'P',
      shortSaleThresholdIndicator: 'N',
      ipoFlag: ' ',
      luldReferencePriceTier: '1',
      etpFlag: 'Y',
      etpLeverageFactor: 3,
      inverseIndicator: 'N',
    },
    { kind: 'definition', quantity: 0x52n },
  ),
  sample(
    'H',
    `${STOCK} 48 20 4c554450`,
    { stock: 'MDX', tradingState: 'H', reserved: ' ', reason: 'LUDP' },
    { kind: 'status', price: 0x48n, quantity: 0x48n },
  ),
  sample('Y', `${STOCK} 31`, { stock: 'MDX', regShoAction: '1' }, { kind: 'venue', quantity: 0x59n }),
  sample(
    'L',
    `4d4d4b52 ${STOCK} 59 4e 41`,
    {
      mpid: 'MMKR',
      stock: 'MDX',
      primaryMarketMaker: 'Y',
      marketMakerMode: 'N',
      marketParticipantState: 'A',
    },
    { kind: 'venue', quantity: 0x4cn },
  ),
  sample(
    'V',
    '0000005d21dba000 0000003a35294401 00000000000000ff',
    { level1: 400_000_000_000n, level2: 250_000_000_001n, level3: 255n },
    { kind: 'venue', quantity: 0x56n },
  ),
  sample('W', '32', { breachedLevel: '2' }, { kind: 'venue', quantity: 0x57n }),
  sample(
    'K',
    `${STOCK} 0000a8c0 41 0003d090`,
    { stock: 'MDX', ipoQuotationReleaseTime: 43_200, ipoQuotationReleaseQualifier: 'A', ipoPrice: 250_000 },
    { kind: 'venue', quantity: 0x4bn },
  ),
  sample(
    'J',
    `${STOCK} 0000c350 0000ea60 00009c40 00000002`,
    {
      stock: 'MDX',
      auctionCollarReferencePrice: 50_000,
      upperAuctionCollarPrice: 60_000,
      lowerAuctionCollarPrice: 40_000,
      auctionCollarExtension: 2,
    },
    { kind: 'venue', quantity: 0x4an },
  ),
  sample(
    'h',
    `${STOCK} 42 54`,
    { stock: 'MDX', marketCode: 'B', operationalHaltAction: 'T' },
    { kind: 'venue', quantity: 0x68n },
  ),
  sample(
    'A',
    `${ID} 42 00000064 ${STOCK} 0012d644`,
    { orderReferenceNumber: ID_VALUE, buySellIndicator: 'B', shares: 100, stock: 'MDX', price: 1_234_500 },
    { kind: 'add', id: ID_VALUE, price: 1_234_500n, quantity: 100n },
  ),
  sample(
    'F',
    `${ID} 53 ffffffff ${STOCK} 77359400 4d4d4b52`,
    {
      orderReferenceNumber: ID_VALUE,
      buySellIndicator: 'S',
      shares: 4_294_967_295,
      stock: 'MDX',
      price: 2_000_000_000,
      attribution: 'MMKR',
    },
    { kind: 'add', ask: true, id: ID_VALUE, price: 2_000_000_000n, quantity: 4_294_967_295n },
  ),
  sample(
    'E',
    `${ID} 00000032 ${MATCH}`,
    { orderReferenceNumber: ID_VALUE, executedShares: 50, matchNumber: MATCH_VALUE },
    { kind: 'execute', id: ID_VALUE, quantity: 50n, extension: { match: MATCH_VALUE } },
  ),
  sample(
    'C',
    `${ID} 00000032 ${MATCH} 4e 0012d645`,
    {
      orderReferenceNumber: ID_VALUE,
      executedShares: 50,
      matchNumber: MATCH_VALUE,
      printable: 'N',
      executionPrice: 1_234_501,
    },
    {
      kind: 'execute',
      id: ID_VALUE,
      quantity: 50n,
      extension: { condition: 0xfffe, price: 1_234_501n, match: MATCH_VALUE },
    },
  ),
  sample(
    'X',
    `${ID} 0000000a`,
    { orderReferenceNumber: ID_VALUE, canceledShares: 10 },
    { kind: 'reduce', id: ID_VALUE, quantity: 10n },
  ),
  sample('D', ID, { orderReferenceNumber: ID_VALUE }, { kind: 'delete', id: ID_VALUE }),
  sample(
    'U',
    `${ID} 8000000000000001 000000c8 0012d646`,
    {
      originalOrderReferenceNumber: ID_VALUE,
      newOrderReferenceNumber: 0x8000000000000001n,
      shares: 200,
      price: 1_234_502,
    },
    {
      kind: 'replace',
      id: 0x8000000000000001n,
      price: 1_234_502n,
      quantity: 200n,
      extension: { related: ID_VALUE },
    },
  ),
  sample(
    'P',
    `${ID} 42 0000000c ${STOCK} 0012d644 ${MATCH}`,
    {
      orderReferenceNumber: ID_VALUE,
      buySellIndicator: 'B',
      shares: 12,
      stock: 'MDX',
      price: 1_234_500,
      matchNumber: MATCH_VALUE,
    },
    { kind: 'trade', id: ID_VALUE, price: 1_234_500n, quantity: 12n, extension: { match: MATCH_VALUE } },
  ),
  sample(
    'Q',
    `0000000100000002 ${STOCK} 0012d644 ${MATCH} 43`,
    { shares: 4_294_967_298n, stock: 'MDX', crossPrice: 1_234_500, matchNumber: MATCH_VALUE, crossType: 'C' },
    {
      kind: 'trade',
      price: 1_234_500n,
      quantity: 4_294_967_298n,
      extension: { condition: 0x43, match: MATCH_VALUE },
    },
  ),
  sample(
    'B',
    MATCH,
    { matchNumber: MATCH_VALUE },
    { kind: 'venue', quantity: 0x42n, extension: { match: MATCH_VALUE } },
  ),
  sample(
    'I',
    `00000000000003e8 0000000200000000 53 ${STOCK} 00000001 00000002 00000003 4f 4c`,
    {
      pairedShares: 1000n,
      imbalanceShares: 8_589_934_592n,
      imbalanceDirection: 'S',
      stock: 'MDX',
      farPrice: 1,
      nearPrice: 2,
      currentReferencePrice: 3,
      crossType: 'O',
      priceVariationIndicator: 'L',
    },
    { kind: 'venue', quantity: 0x49n },
  ),
  sample('N', `${STOCK} 41`, { stock: 'MDX', interestFlag: 'A' }, { kind: 'venue', quantity: 0x4en }),
  sample(
    'O',
    `${STOCK} 59 00000001 00000002 00000003 00001f1aced9f001 00000004 00000005`,
    {
      stock: 'MDX',
      openEligibilityStatus: 'Y',
      minimumAllowablePrice: 1,
      maximumAllowablePrice: 2,
      nearExecutionPrice: 3,
      nearExecutionTime: 34_200_000_000_001n,
      lowerPriceRangeCollar: 4,
      upperPriceRangeCollar: 5,
    },
    { kind: 'venue', quantity: 0x4fn },
  ),
];

function sample(
  type: string,
  body: string,
  fields: Readonly<Record<string, FieldValue>>,
  event: SampleEvent,
): Sample {
  return { type, body, fields: { ...COMMON, ...fields }, event };
}

/** Bytes of hexadecimal text; blanks in it are for the reader. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

/** The whole message of a sample. */
export function sampleBytes({ type, body }: Sample): Uint8Array {
  return hex(`${type.charCodeAt(0).toString(16)} ${START} ${body}`);
}

/** The sample of a type, as bytes. */
export function sampleOf(type: string): Uint8Array {
  return sampleBytes(SAMPLES.find((sample) => sample.type === type)!);
}
