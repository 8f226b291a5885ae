import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ServeLog } from '../../../src/cli/serve-log.ts';
import { type LogLevel, RepeatLimit } from '../../../src/core/observe/log.ts';

/** A limit on a clock that stands until it is set. */
function limited(most: number): {
  readonly limit: RepeatLimit;
  readonly lines: string[];
  readonly clock: { now: number };
  told(): number;
} {
  const lines: string[] = [];
  const clock = { now: 0 };
  let told = 0;
  const limit = new RepeatLimit({
    most,
    windowMs: 1000,
    now: () => clock.now,
    write: (level, text, repeated) => {
      told += repeated ?? 1;
      lines.push(`${level} ${text}${repeated === null ? '' : ` +${repeated}`}`);
    },
  });
  return { limit, lines, clock, told: () => told };
}

test('of one kind so many are told, and the others as one when the window is over', () => {
  const { limit, lines, clock } = limited(2);
  for (let packet = 1; packet <= 5; packet += 1) limit.tell('warn', `packet ${packet} is damaged`);
  limit.tell('info', 'packet 1 is damaged');
  clock.now = 999;
  limit.sweep();
  expect(lines).toEqual(['warn packet 1 is damaged', 'warn packet 2 is damaged', 'info packet 1 is damaged']);
  clock.now = 1000;
  limit.sweep();
  expect(lines.slice(3)).toEqual(['warn packet 5 is damaged +3']);
  limit.tell('warn', 'packet 6 is damaged');
  expect(lines.slice(4)).toEqual(['warn packet 6 is damaged']);
});

test('nothing goes without a word, however many kinds come and whenever', () => {
  const said = fc.record({ kind: fc.nat(400), after: fc.nat(300), sweeps: fc.boolean() });
  fc.assert(
    fc.property(fc.array(said, { maxLength: 600 }), fc.integer({ min: 1, max: 3 }), (texts, most) => {
      const { limit, clock, told } = limited(most);
      for (const { kind, after, sweeps } of texts) {
        clock.now += after;
        if (sweeps) limit.sweep();
        limit.tell('warn', `trouble ${String.fromCodePoint(0x4e00 + kind)}`);
      }
      limit.close();
      expect(told()).toBe(texts.length);
    }),
    { numRuns: 50 },
  );
});

test('the log of a server is JSON or for people, by the level and the format that are configured now', () => {
  const lines: string[] = [];
  const config: { level: 'info' | 'warn' | 'silent'; format: 'text' | 'json' } = {
    level: 'info',
    format: 'json',
  };
  const log = new ServeLog({
    config: () => config,
    text: (level: LogLevel, text) => lines.push(`${level}: ${text}`),
    json: (line) => lines.push(line),
  });
  log.tell('warn', 'a "quoted" text\nof two lines');
  expect(JSON.parse(lines.pop()!)).toEqual({
    level: 'warn',
    ts: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    target: 'serve',
    msg: 'a "quoted" text\nof two lines',
  });
  config.format = 'text';
  config.level = 'warn';
  log.tell('info', 'not told');
  for (let time = 0; time < 12; time += 1) log.tell('warn', `trouble ${time}`);
  log.close();
  expect(lines).toHaveLength(11);
  expect(lines.at(-1)).toBe('warn: trouble 11 (and 2 like it in between)');
});
