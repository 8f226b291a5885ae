import { describe, expect, it } from 'vitest';
import { EventWindow } from '../../../../src/core/pipeline/resume/event-window.ts';

/** Events as letters. */
function windowOf(events: string): EventWindow {
  const window = new EventWindow();
  for (const event of events) window.push({ first: event.charCodeAt(0), second: 7 });
  return window;
}

describe('events end as those that are known do', () => {
  it.each([
    ['abc', 'abc', true],
    ['xabc', 'abc', true],
    ['xbc', 'abc', false],
    ['abcd', 'abc', false],
    // They may begin in the middle of what is known, if that is one place only.
    ['bc', 'abc', true],
    ['c', 'abc', true],
    ['a', 'aba', false],
    ['ba', 'aba', true],
    ['a', 'aa', false],
    ['aa', 'aa', true],
    ['', 'abc', false],
    ['abc', '', false],
  ])('%s, known %s: %j', (events, known, answer) => {
    expect(windowOf(events).endsLike(windowOf(known))).toBe(answer);
  });

  it('by as many as are remembered', () => {
    const long = 'abcdefgh'.repeat(200);
    expect(windowOf(`x${long}`).endsLike(windowOf(long))).toBe(true);
    expect(windowOf(`${long}a`).endsLike(windowOf(long))).toBe(false);
  });
});
