import { describe, expect, test } from 'vitest';
import { ByteWindow } from '../../../../src/core/binary/byte-window.ts';
import {
  type Framing,
  STREAM_DAMAGED,
  STREAM_END,
  STREAM_MORE,
  type StreamDecoder,
} from '../../../../src/core/feeds/feed.ts';
import { itch } from '../../../../src/core/feeds/itch/index.ts';
import { Bench, blocksOf, concat, type SeenEvent } from './harness.ts';
import { SAMPLE_TIME, SAMPLES, sampleBytes, sampleOf } from './samples.ts';

const MIDNIGHT = 1_692_676_800_000_000_000n;
const ALL = SAMPLES.map(sampleBytes);
const DELETE = sampleOf('D');

interface Read {
  readonly answer: number;
  readonly events: SeenEvent[];
  readonly decoder: StreamDecoder;
  readonly bench: Bench;
  /** Where the decoder stopped. */
  readonly offset: number;
}

/** Feeds a stream in chunks until the decoder stops or the stream ends. */
function read(
  framing: Framing,
  bytes: Uint8Array,
  { chunk = 4096, midnight = MIDNIGHT as bigint | null } = {},
): Read {
  const bench = new Bench();
  const { dictionary, writer, counts } = bench;
  const decoder = itch.streamDecoder!({ channel: 0, dictionary, writer, counts, midnight }, framing);
  const window = new ByteWindow(70_000);
  let fed = 0;
  for (;;) {
    const answer = decoder.decode(window);
    if (answer !== STREAM_MORE || window.ended) {
      // Once it has stopped, it stays so.
      expect(decoder.decode(window)).toBe(answer);
      return { answer, events: bench.events, decoder, bench, offset: window.offset };
    }
    const room = window.room();
    const count = Math.min(chunk, bytes.length - fed, room.length);
    room.set(bytes.subarray(fed, fed + count));
    window.commit(count);
    fed += count;
    if (fed === bytes.length) window.ended = true;
  }
}

function soup(type: string, payload: Uint8Array | string = ''): Uint8Array {
  const bytes = Buffer.from(payload as string, 'latin1');
  return concat([
    Uint8Array.of((bytes.length + 1) >> 8, (bytes.length + 1) & 0xff),
    Buffer.from(type),
    bytes,
  ]);
}

function login(number: number | string, session = 'SESSION'): Uint8Array {
  return soup('A', session.padStart(10) + String(number).padStart(20));
}

const SOUP_STREAM = concat([
  soup('+', 'hello'),
  soup('L', 'user  password  '.padEnd(26) + '1'.padStart(20)),
  login(100),
  ...ALL.slice(0, 10).map((message) => soup('S', message)),
  soup('H'),
  soup('R'),
  ...ALL.slice(10).map((message) => soup('S', message)),
  soup('O'),
  soup('Z'),
]);

describe.each([
  ['length-prefixed', concat([blocksOf(ALL), Uint8Array.of(0, 0)]), 1],
  ['soupbintcp', SOUP_STREAM, 100],
] as const)('%s', (framing, stream, first) => {
  const whole = read(framing, stream);

  test('every message is an event, numbered in order', () => {
    expect(whole.answer).toBe(STREAM_END);
    expect(whole.offset).toBe(stream.length);
    expect(whole.events.map(({ kind }) => kind)).toEqual(SAMPLES.map(({ event }) => event.kind));
    expect(whole.events.map(({ sequence }) => sequence)).toEqual(ALL.map((_, index) => first + index));
    expect(whole.bench.counts.messages).toBe(ALL.length);
    expect(whole.bench.problems).toEqual({});
    expect(whole.decoder.source).toBe('itch-5.0');
  });

  test('the receive time is the venue time', () => {
    const time = MIDNIGHT + SAMPLE_TIME;
    for (const event of whole.events) expect(event).toMatchObject({ venueTime: time, receiveTime: time });
    expect(whole.decoder).toMatchObject({ firstTime: time, lastTime: time });
  });

  test('where the day is not known there is none, and the stream counts from midnight', () => {
    const { events, decoder } = read(framing, stream, { midnight: null });
    for (const event of events) expect(event).toMatchObject({ venueTime: SAMPLE_TIME, receiveTime: 0n });
    expect(decoder).toMatchObject({ firstTime: SAMPLE_TIME, lastTime: SAMPLE_TIME });
  });

  test.each([1, 2, 3, 7, 50])('in pieces of %i bytes it is the same', (chunk) => {
    const pieces = read(framing, stream, { chunk });
    expect(pieces.answer).toBe(STREAM_END);
    expect(pieces.events).toEqual(whole.events);
    expect(pieces.decoder.sequence).toEqual(whole.decoder.sequence);
  });

  test('cut anywhere: the whole messages in front of the cut, and where it is', () => {
    for (let length = 0; length < stream.length; length += 1) {
      const cut = read(framing, stream.subarray(0, length));
      expect(cut.events).toEqual(whole.events.slice(0, cut.events.length));
      if (cut.answer === STREAM_MORE) expect(cut.offset).toBe(length);
      else {
        expect(cut.answer).toBe(STREAM_DAMAGED);
        expect(cut.offset).toBeLessThan(length);
        expect(cut.decoder.problem).toMatch(new RegExp(`cut after \\d+ bytes? at offset ${cut.offset}$`));
      }
    }
  });

  test('what comes behind the end is not read', () => {
    const more = read(framing, concat([stream, stream]));
    expect(more.answer).toBe(STREAM_END);
    expect(more.events).toEqual(whole.events);
    expect(more.offset).toBe(stream.length);
  });

  test('times that run backwards, far apart, and out of the batch', () => {
    const times = [5_000_000_000, 4_999_999_999, 0, 86_399_999_999_999, 86_399_999_999_998];
    const messages = times.map((ns) => {
      const message = Buffer.from(DELETE);
      message.writeUIntBE(ns, 5, 6);
      return message;
    });
    const bytes =
      framing === 'soupbintcp' ? concat(messages.map((message) => soup('S', message))) : blocksOf(messages);
    const { events, decoder } = read(framing, bytes);
    const expected = times.map((ns) => MIDNIGHT + BigInt(ns));
    expect(events.map(({ venueTime }) => venueTime)).toEqual(expected);
    expect(events.map(({ receiveTime }) => receiveTime)).toEqual(expected);
    expect(decoder).toMatchObject({ firstTime: expected[0], lastTime: expected.at(-1) });
  });
});

describe('length-prefixed files', () => {
  test('have no numbers', () => {
    expect(read('length-prefixed', blocksOf(ALL)).decoder.sequence).toBeNull();
  });

  test('need no end mark', () => {
    const { answer, events } = read('length-prefixed', blocksOf(ALL));
    expect(answer).toBe(STREAM_MORE);
    expect(events.length).toBe(ALL.length);
  });

  test('more messages than a run, and unreadable ones among them', () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      index % 3 === 1 ? Uint8Array.of(0x7a) : DELETE,
    );
    const { events, bench } = read('length-prefixed', blocksOf(many));
    expect(events.map(({ sequence }) => sequence)).toEqual(
      many.flatMap((message, index) => (message === DELETE ? [index + 1] : [])),
    );
    expect(bench.problems).toEqual({ 'type z': 3333 });
    expect([...bench.counts.problems.values()][0]).toMatchObject({ packetNumber: 0, offset: 21 + 2 });
  });

  test('the longest message there can be', () => {
    const longest = new Uint8Array(65_535);
    longest.set(DELETE);
    const { events, answer } = read('length-prefixed', blocksOf([longest, DELETE]));
    expect([answer, events.length]).toEqual([STREAM_MORE, 2]);
  });
});

describe('SoupBinTCP', () => {
  const messages = (count: number): Uint8Array[] => Array.from({ length: count }, () => soup('S', DELETE));

  test('the login tells session and numbers', () => {
    expect(read('soupbintcp', SOUP_STREAM).decoder.sequence).toEqual({
      session: 'SESSION',
      first: 100,
      last: 122,
      duplicates: 0,
      unsequenced: 0,
    });
  });

  test('a login alone shows no numbers', () => {
    const { decoder } = read('soupbintcp', concat([login(1), soup('Z')]));
    expect(decoder.sequence).toMatchObject({ session: 'SESSION', first: null, last: null });
  });

  test('without a login there are no numbers', () => {
    const { decoder, events } = read('soupbintcp', concat(messages(3)));
    expect(decoder.sequence).toBeNull();
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  test('a blank session is none', () => {
    const { decoder } = read('soupbintcp', concat([login(1, ''), ...messages(1)]));
    expect(decoder.sequence).toMatchObject({ session: null, first: 1, last: 1 });
  });

  test('unsequenced messages have no number; empty ones use one', () => {
    const { events, bench, decoder } = read(
      'soupbintcp',
      concat([login(5), soup('S', DELETE), soup('U', DELETE), soup('S'), soup('U'), soup('S', DELETE)]),
    );
    expect(events.map(({ sequence }) => sequence)).toEqual([5, 0, 7]);
    expect(bench.counts.messages).toBe(3);
    expect(bench.problems).toEqual({});
    expect(decoder.sequence).toMatchObject({ first: 5, last: 7, unsequenced: 2 });
  });

  test('a later login may repeat what is known', () => {
    const { events, decoder } = read(
      'soupbintcp',
      concat([login(5), ...messages(3), login(6), soup('H'), ...messages(4)]),
    );
    expect(events.map(({ sequence }) => sequence)).toEqual([5, 6, 7, 8, 9]);
    expect(decoder.sequence).toMatchObject({ first: 5, last: 9, duplicates: 2 });
  });

  test('packets of unknown types are counted and left out', () => {
    const { events, bench } = read('soupbintcp', concat([soup('?', 'what'), ...messages(1)]));
    expect(events.length).toBe(1);
    expect(bench.problems).toEqual({ 'SoupBinTCP packet ?': 1 });
    expect(bench.counts.unknown).toBe(1);
  });

  test('a rejected login is left out', () => {
    expect(read('soupbintcp', concat([soup('J', 'A'), ...messages(1)])).events.length).toBe(1);
  });

  test.each([
    ['a length of 0', [...messages(2), Uint8Array.of(0, 0)], 44, 'packet of length 0 at offset 44'],
    ['a short login', [soup('A', 'SESSION')], 0, 'packet A of 8 bytes at offset 0: expected 31'],
    ['a login without number', [login('x')], 0, 'login at offset 0: expected the number'],
    ['a login at 0', [login(0)], 0, 'login at offset 0: expected the number'],
    ['a login beyond 2^53', [login('9007199254740992')], 0, 'login at offset 0: expected the number'],
    ['a login with blanks inside', [login('1 2')], 0, 'login at offset 0: expected the number'],
    [
      'a login behind a hole',
      [login(1), ...messages(2), login(4)],
      77,
      'goes on at message 4, expected at most 3',
    ],
    ['another session', [login(1), login(1, 'OTHER')], 33, 'login at offset 33 changes the session'],
    ['a late login', [...messages(2), login(3)], 44, '2 messages without a login stand in front of it'],
    ['the last number', [login('9007199254740991'), ...messages(1)], 33, 'has a number above 2^53 - 1'],
  ])('%s stops it', (_, packets, offset, problem) => {
    const seen = read('soupbintcp', concat(packets));
    expect(seen.answer).toBe(STREAM_DAMAGED);
    expect(seen.decoder.problem).toContain(problem);
    expect(seen.offset).toBe(offset);
  });
});
