import { expect, test } from 'vitest';
import { keysOf } from '../../../src/cli/watch/keys.ts';

test('keys are read one by one, however many come at once', () => {
  expect(keysOf('n\u001b[A\u001bOB?q')).toEqual(['n', 'up', 'down', '?', 'q']);
  expect(keysOf('\r\u007f\u0003\u001b')).toEqual(['enter', 'backspace', 'ctrl-c', 'escape']);
  expect(keysOf('é🙂')).toEqual(['é', '🙂']);
});

test('what means nothing here is skipped as a whole', () => {
  expect(keysOf('\u001b[1;5Aq\u001b[15~q\u001b[200~\t')).toEqual(['q', 'q']);
});
