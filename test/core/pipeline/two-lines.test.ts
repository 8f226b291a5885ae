import { afterAll, describe, expect, it } from 'vitest';
import type { Impairments } from '../../../src/core/simulate/impairment.ts';
import { FEEDS } from '../../../src/core/simulate/simulation.ts';
import { bothLines, everyOther } from '../../world/two-lines.ts';
import { booksOf, filled, type Played, play, Replays, trueBooks } from '../simulate/session.ts';

const replays = new Replays();
afterAll(() => replays.remove());

/** What goes wrong on a line whose losses the other one makes good. */
const BAD: Partial<Impairments> = { reorder: 0.1, duplicates: 0.1, skewNs: 40_000 };

it('interfaces that name line and pair are taken at their word, also without a number in common', async () => {
  const { a } = play({ seed: 1 });
  const whole = await replays.replayPackets(a);
  const { report } = await replays.replayPackets(bothLines(everyOther(a, 0), everyOther(a, 1)));
  expect(report.book).toEqual(whole.report.book);
  expect(report.sequence!.channels).toMatchObject([{ duplicates: 0, outOfOrder: 0, gaps: [] }]);
});

it('pairs that they name are the channels, also where those in front have shown nothing', async () => {
  const { a, b } = play({ seed: 1, profile: { messages: 300 } });
  const text = bothLines(a, b).toString('latin1').replaceAll('pair=0', 'pair=3');
  const { report } = await replays.replayPackets(Buffer.from(text, 'latin1'));
  expect(report.sequence!.channels).toMatchObject([{ channel: 3, gaps: [] }]);
});

describe.each(FEEDS)('a capture with both lines of %s in it', (feed) => {
  const both = ({ a, b }: Played): ReturnType<typeof replays.replay> =>
    replays.replayPackets(bothLines(a, b, { named: false }), feed);

  it('has the books of either', async () => {
    for (const seed of [1, 2, 3]) {
      const played = play({ seed, feed, a: BAD, b: { loss: 0.3, lossBurst: 3 } });
      const { report, ...replayed } = await both(played);
      expect(filled(booksOf({ report, ...replayed }))).toEqual(filled(trueBooks(played.truth)));
      const lines = Object.values(played.truth.lines);
      const packets = lines.reduce((sum, { written }) => sum + written, 0);
      const channels = report.sequence!.channels;
      expect(channels).toHaveLength(lines.length / 2);
      expect(channels.reduce((sum, channel) => sum + channel.packets, 0)).toBe(packets);
      expect(channels.every(({ conflicts, gaps }) => conflicts === 0 && gaps.length === 0)).toBe(true);
    }
  });

  it('loses what is missing on both', async () => {
    const played = play({ seed: 5, feed, a: { loss: 0.2 }, b: { loss: 0.2, skewNs: 30_000 } });
    const { report } = await both(played);
    for (const [channel, name] of report.sequence!.channels.map((each, at) => [each, at] as const)) {
      const suffix = name === 0 ? '' : ' snapshot';
      const [a, b] = [`A${suffix}`, `B${suffix}`].map((line) => missingOf(played, line));
      const lost = [...a!].filter((number) => b!.has(number) && number <= Number(channel.last));
      const told = channel.gaps.flatMap(({ from, to }) => numbers(from, to));
      expect(told.sort((x, y) => x - y)).toEqual(lost.sort((x, y) => x - y));
    }
  });
});

function missingOf({ truth }: Played, line: string): Set<number> {
  return new Set(truth.lines[line]!.missing.flatMap(({ from, to }) => numbers(from, to)));
}

function numbers(from: string, to: string): number[] {
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => Number(from) + at);
}
