import { describe, expect, test } from 'vitest';
import { type DescribedMessage, describeMessage } from '../../../../src/core/feeds/eobi/fields.ts';
import {
  ID_ADD_COMPLEX_INSTRUMENT,
  ID_ORDER_ADD,
  ID_ORDER_DELETE,
  RELEASES,
  type ReleaseName,
} from '../../../../src/core/feeds/eobi/layout.ts';
import { OutgoingMessage } from '../../../../src/core/feeds/eobi/outgoing-message.ts';
import {
  type MarketSegment,
  messagesIn,
  T7PacketEncoder,
} from '../../../../src/core/feeds/eobi/packet-encoder.ts';

const RELEASE = RELEASES['14.1'];
const TIME = 1767225600000000500n;
const HIGH = Number(TIME >> 32n);
const LOW = Number(BigInt.asIntN(32, TIME));

function encoderOf(packetBytesMax = 200, release: ReleaseName = '14.1'): T7PacketEncoder {
  return new T7PacketEncoder({ release: RELEASES[release], partition: 3, packetBytesMax });
}

function read(packet: Uint8Array, release: ReleaseName = '14.1'): DescribedMessage[] {
  const messages: DescribedMessage[] = [];
  for (let at = 0; at < packet.length; at += packet[at]! | (packet[at + 1]! << 8)) {
    messages.push(describeMessage(packet, at, RELEASES[release])!);
  }
  return messages;
}

describe('packets of one partition', () => {
  test('are numbered, and so are the messages of each product', () => {
    const encoder = encoderOf();
    const add = new OutgoingMessage(RELEASE, ID_ORDER_ADD);
    const [one, two]: MarketSegment[] = [
      { id: 688, msgSeqNum: 76 },
      { id: -5, msgSeqNum: 0 },
    ];
    expect(encoder.append(one!, add)).toBe(true);
    expect(encoder.append(two!, add)).toBe(false);
    expect(encoder.append(one!, add)).toBe(true);
    expect(encoder.append(one!, add)).toBe(true);
    expect(encoder.append(one!, add), '4 × 56 bytes are too many').toBe(false);
    const first = encoder.finish(false, HIGH, LOW);
    expect(first.length).toBe(32 + 3 * 56);
    expect(messagesIn(first)).toBe(3);
    const [header, ...adds] = read(first);
    expect(header?.fields).toEqual({
      BodyLen: 32,
      TemplateID: 13002,
      MsgSeqNum: null,
      ApplSeqNum: 1,
      MarketSegmentID: 688,
      PartitionID: 3,
      CompletionIndicator: 0,
      ApplSeqResetIndicator: 1,
      DSCP: 0,
      TransactTime: TIME,
    });
    expect(adds.map(({ fields }) => fields['MsgSeqNum'])).toEqual([77, 78, 79]);
    expect(encoder.append(two!, add)).toBe(true);
    const second = read(encoder.finish(true, HIGH, LOW));
    expect(second[0]?.fields).toMatchObject({
      ApplSeqNum: 2,
      MarketSegmentID: -5,
      CompletionIndicator: 1,
      ApplSeqResetIndicator: 0,
    });
    expect(second[1]?.fields).toMatchObject({ MsgSeqNum: 1 });
    const [beat, heartbeat] = read(encoder.heartbeat(one!, HIGH, LOW));
    expect(beat?.fields).toMatchObject({ ApplSeqNum: 3, MarketSegmentID: 688 });
    expect(heartbeat).toMatchObject({
      name: 'Heartbeat',
      fields: { MsgSeqNum: null, LastMsgSeqNumProcessed: 79 },
    });
  });

  test.each(['14.1', '6.0', '6.0-2014', '3.0'] as const)('have the header of release %s', (release) => {
    const encoder = encoderOf(200, release);
    encoder.append({ id: 1, msgSeqNum: 0 }, new OutgoingMessage(RELEASES[release], ID_ORDER_ADD));
    const [header] = read(encoder.finish(true, HIGH, LOW), release);
    expect(header?.fields).toMatchObject({
      TemplateID: release === '3.0' ? 13004 : 13002,
      PartitionID: 3,
      TransactTime: TIME,
    });
  });

  test('are never empty, and never hold what they have no room for', () => {
    const encoder = encoderOf();
    expect(() => encoder.finish(true, 0, 0)).toThrow('a T7 packet without messages');
    const complex = new OutgoingMessage(RELEASE, ID_ADD_COMPLEX_INSTRUMENT);
    const segment = { id: 1, msgSeqNum: 0 };
    expect(() => encoder.append(segment, complex)).toThrow('880 bytes does not fit a T7 packet of 200');
    encoder.append(segment, new OutgoingMessage(RELEASE, ID_ORDER_ADD));
    expect(() => encoder.heartbeat(segment, 0, 0)).toThrow('1 messages wait');
  });
});

describe('a message to be written', () => {
  test('is null where nothing was set', () => {
    const message = new OutgoingMessage(RELEASE, ID_ORDER_DELETE);
    const values = describeMessage(message.bytes, 0, RELEASE)?.fields ?? {};
    const set = Object.entries(values).filter(([, value]) => value !== null);
    expect(Object.fromEntries(set)).toEqual({ BodyLen: 64, TemplateID: 13102, MsgSeqNum: 0 });
    expect(() => message.at('Nothing')).toThrow('EOBI OrderDelete has no field Nothing');
  });

  test.each([0, 1, -1, -18_000_000, 2 ** 52, -(2 ** 52), 2 ** 32, -(2 ** 31)])(
    'holds %d in 64 bits',
    (value) => {
      const message = new OutgoingMessage(RELEASE, ID_ORDER_DELETE);
      message.putInteger(message.at('Price'), value);
      expect(describeMessage(message.bytes, 0, RELEASE)?.fields['Price']).toBe(BigInt(value));
    },
  );
});
