import { expect, test } from 'vitest';
import { keysIn } from '../../../src/cli/watch/keys.ts';

test('keys that come at once, arrows in both modes of a terminal', () => {
  expect(keysIn('q')).toEqual(['quit']);
  expect(keysIn('\u001b[A\u001b[B\u001bOA\u001bOB\u001b[C')).toEqual([
    'previous',
    'next',
    'previous',
    'next',
    'group',
  ]);
  expect(keysIn(' +-e')).toEqual(['pause', 'more', 'less', 'event']);
  expect(keysIn('\u0003')).toEqual(['quit']);
});

test('what means nothing is skipped as a whole: no letter of a sequence is a key', () => {
  expect(keysIn('\u001b[1;5q\u001b[3~\u001bq\u001bOq')).toEqual([]);
  expect(keysIn('x\u001b')).toEqual([]);
  expect(keysIn('ä€😀q')).toEqual(['quit']);
});
