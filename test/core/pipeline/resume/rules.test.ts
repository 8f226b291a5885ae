import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { KIND_ADD, KIND_GAP, KIND_SESSION } from '../../../../src/core/event/record.ts';
import { ONE_LINE } from '../../../../src/core/merge/session-merge.ts';
import type { RunOptions } from '../../../../src/core/pipeline/run-options.ts';
import { itchCapture, OPEN, type PacketInput } from '../../../world/itch-capture.ts';
import { Resumes } from '../../../world/resumed.ts';
import { play } from '../../simulate/session.ts';

const resumes = new Resumes();
afterAll(() => resumes.remove());

const TEN = 36_000_000_000_000n;
const OPTIONS: Partial<RunOptions> = {
  feedName: 'itch-5.0',
  arbiter: { ...ONE_LINE, gapTimeoutNs: 5_000_000, start: 'first-seen' },
};
const PLAN = { segmentEvents: 1000, options: { ...OPTIONS, batchEvents: 4 } };

/** Packets of one add each, numbered from `from` to `to`, a millisecond apart; later sessions come an hour later. */
function packets(from: number, to: number, session = 'S1'): PacketInput[] {
  const hour = BigInt(session.slice(1)) * 3_600_000_000_000n;
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const sequence = from + index;
    const late = hour + BigInt(sequence) * 1_000_000n;
    const add = { id: BigInt(sequence) + hour, buy: true, price: 10_000 + sequence };
    return { port: 1, sequence, adds: [add], time: OPEN + late, session, timestamp: TEN + late };
  });
}

const file = (...parts: PacketInput[][]): string => resumes.file(itchCapture(parts.flat()));
const journalOf = (path: string, plan = {}): Promise<string> => resumes.journal([path], { ...PLAN, ...plan });
const summary = (events: readonly { kind: number; sequence: number }[]): string[] =>
  events.map(({ kind, sequence }) => `${NAMES[kind]} ${sequence}`);
const NAMES: Readonly<Record<number, string>> = {
  [KIND_ADD]: 'add',
  [KIND_GAP]: 'gap',
  [KIND_SESSION]: 'session',
};
const adds = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `add ${from + index}`);

describe.each([true, false])('an input of ITCH, sessions known to the journal: %j', (namesSessions) => {
  /** A journal that knows them by its second segment. */
  const journal = (to: number): Promise<string> =>
    journalOf(file(packets(1, to)), { segmentEvents: 8, namesSessions });

  it('that begins in front of the end goes on behind it', async () => {
    const { events, resumption } = await resumes.resume(await journal(30), [file(packets(25, 40))], OPTIONS);
    expect(summary(events)).toEqual(adds(31, 40));
    expect(resumption.channels).toEqual([{ channel: 0, state: 'same', skipped: 6, old: 0, messages: null }]);
  });

  it('that begins right behind the end goes on without a word', async () => {
    const { events, resumption } = await resumes.resume(await journal(30), [file(packets(31, 40))], OPTIONS);
    expect(summary(events)).toEqual(adds(31, 40));
    expect(resumption.channels[0]).toMatchObject({ state: 'same', skipped: 0 });
  });

  it('that begins later has a gap, and its books are stale', async () => {
    const { events, resumption, books } = await resumes.resume(
      await journal(30),
      [file(packets(36, 40))],
      OPTIONS,
    );
    expect(summary(events)).toEqual(['gap 31', ...adds(36, 40)]);
    expect(resumption.channels[0]).toMatchObject({ state: 'hole', messages: 5 });
    expect(books.markets[0]!.stale[0]).toBe(1);
  });

  it('that ends in front of the end brings nothing, and says by how much', async () => {
    const { events, resumption, hashes } = await resumes.resume(
      await journal(30),
      [file(packets(1, 20))],
      OPTIONS,
    );
    expect(events).toEqual([]);
    expect(resumption.channels[0]).toMatchObject({ state: 'ahead', messages: 10, skipped: 20 });
    expect(hashes).toEqual((await resumes.whole([file(packets(1, 30))], OPTIONS)).hashes);
  });

  it('of a later session begins it', async () => {
    const { events, resumption, hashes } = await resumes.resume(
      await journal(30),
      [file(packets(1, 10, 'S2'))],
      OPTIONS,
    );
    expect(summary(events)).toEqual(['session 1', ...adds(1, 10)]);
    expect(resumption.channels[0]).toMatchObject({ state: 'session', skipped: 0 });
    const alone = await resumes.whole([file(packets(1, 10, 'S2'))], OPTIONS);
    expect(hashes).toEqual(alone.hashes);
  });
});

describe('sessions', () => {
  const both = [packets(1, 20), packets(1, 20, 'S2')] as const;

  it('are gone over up to where the journal ends, wherever that is', async () => {
    const path = file(...both);
    const whole = await resumes.whole([path], OPTIONS);
    expect(whole.events).toHaveLength(41);
    for (let end = 1; end <= 41; end += 1) {
      const directory = await journalOf(path, { eventsMax: end, segmentEvents: 6 });
      const { events, hashes } = await resumes.resume(directory, [path], OPTIONS);
      expect([...whole.events.slice(0, end), ...events]).toEqual(whole.events);
      expect(hashes).toEqual(whole.hashes);
    }
  });

  it('that are over are left out and counted', async () => {
    const directory = await journalOf(file(...both), { segmentEvents: 6 });
    const { events, resumption } = await resumes.resume(directory, [file(packets(1, 20))], OPTIONS);
    expect(events).toEqual([]);
    expect(resumption.channels[0]).toMatchObject({ state: 'ahead', skipped: 20 });
    const longer = await resumes.resume(directory, [file(packets(1, 30))], OPTIONS);
    expect(longer.events).toEqual([]);
    expect(longer.resumption.channels[0]!.old).toBeGreaterThanOrEqual(10);
  });
});

describe('an input that is not the journal’s', () => {
  it('is refused where a message is another one', async () => {
    const directory = await journalOf(file(packets(1, 30)), { segmentEvents: 8 });
    const other = packets(1, 40).map((packet) => ({
      ...packet,
      adds: packet.adds.map((add) => ({ ...add, price: 5 })),
    }));
    await expect(resumes.resume(directory, [file(other)], OPTIONS)).rejects.toMatchObject({
      code: 'journal-history',
      message: expect.stringContaining('message 30 of channel 0 is another one') as string,
    });
  });

  it('is refused where an instrument has another name: numbers are of a day, and of a channel', async () => {
    const directory = await journalOf(file(packets(1, 5)));
    const other = packets(6, 9).map((packet) => ({ ...packet, stock: 'OTHER' }));
    await expect(resumes.resume(directory, [file(other)], OPTIONS)).rejects.toMatchObject({
      code: 'journal-history',
      message: expect.stringContaining(
        'instrument 1 of channel 0 is OTHER in the input, and TEST in',
      ) as string,
    });
  });

  it('is refused where it is of another feed', async () => {
    const directory = await journalOf(file(packets(1, 5)));
    const dbn = resumes.file(play({ format: 'dbn' }).a);
    await expect(resumes.resume(directory, [dbn])).rejects.toMatchObject({
      code: 'journal-history',
      message: expect.stringContaining('it has events of itch-5.0, and the input is dbn') as string,
    });
  });

  it('is refused where its events are of another epoch', async () => {
    const path = file(packets(1, 5));
    const directory = await journalOf(path);
    const other = await journalOf(path, { epoch: () => ({ high: 1, low: 2 }) });
    const stream = join(other, '00000001.mdxj');
    await expect(resumes.resume(directory, [stream])).rejects.toMatchObject({
      code: 'journal-history',
      message: expect.stringContaining('another history') as string,
    });
    const same = await resumes.resume(directory, [join(directory, '00000001.mdxj')]);
    expect(same.events).toEqual([]);
  });

  it('is refused where messages have no numbers', async () => {
    const unnumbered = packets(1, 5).map((packet) => ({ ...packet, sequence: 0 }));
    const directory = await journalOf(file(unnumbered));
    await expect(resumes.resume(directory, [file(unnumbered)], OPTIONS)).rejects.toMatchObject({
      code: 'journal-history',
      message: expect.stringContaining('no numbers') as string,
    });
    const numbered = await journalOf(file(packets(1, 5)));
    await expect(resumes.resume(numbered, [file(unnumbered)], OPTIONS)).rejects.toMatchObject({
      code: 'journal-history',
    });
  });
});

describe('an image that is not whole', () => {
  it('is not used: the one before it is', async () => {
    const path = file(packets(1, 40));
    const directory = await journalOf(path, {
      segmentEvents: 8,
      eventsMax: 32,
      options: { ...OPTIONS, batchEvents: 8 },
    });
    const last = join(
      directory,
      readdirSync(directory)
        .filter((name) => name.endsWith('.mdxj'))
        .at(-1)!,
    );
    // Behind the head of the image; the rest of the segment is gone.
    truncateSync(last, framesOf(last)[3]!);
    const { recovered, told, events, hashes } = await resumes.resume(directory, [path], OPTIONS);
    expect(recovered.eventsApplied).toBeGreaterThan(0);
    expect(recovered.lastEvent).toBeLessThan(32);
    expect(recovered.badImages).toHaveLength(1);
    expect(told).toEqual([expect.stringContaining('the image of the segment before is used')]);
    expect(summary(events)).toEqual(adds(recovered.lastEvent + 1, 40));
    expect(hashes).toEqual((await resumes.whole([path], OPTIONS)).hashes);
  });
});

/** Offsets of the frames of a segment. */
function framesOf(path: string): number[] {
  const bytes = readFileSync(path);
  const offsets: number[] = [];
  for (let at = 0; at < bytes.length; at += 64 + bytes.readUInt32LE(at + 8)) offsets.push(at);
  return offsets;
}
