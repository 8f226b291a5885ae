import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { applyMutation, MUTATIONS } from './mutations.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

// That each of them turns a test red takes minutes: `npm run canary`.
test.each(MUTATIONS)('$name: the line is still there, and the tests are', (mutation) => {
  const source = readFileSync(join(ROOT, mutation.file), 'utf8');
  expect(applyMutation(source, mutation)).not.toBe(source);
  expect(mutation.tests.length > 0 || mutation.fuzz === true).toBe(true);
  for (const path of mutation.tests) expect(existsSync(join(ROOT, path)), path).toBe(true);
});

test('the names are different', () => {
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
});

test('a line that stands twice, or not at all, is refused', () => {
  const mutation = { name: 'x', file: 'x', from: 'a', to: 'b', tests: [] };
  expect(() => applyMutation('a a', mutation)).toThrow('stands 2 times');
  expect(() => applyMutation('c', mutation)).toThrow('stands 0 times');
  expect(() => applyMutation('a', { ...mutation, within: '#go(' })).toThrow('no method begins with "#go("');
  const methods = 'class X {\n  #go() {\n    a;\n  }\n  #on() {\n    a;\n  }\n}\n';
  expect(applyMutation(methods, { ...mutation, within: '#on(' })).toBe(
    'class X {\n  #go() {\n    a;\n  }\n  #on() {\n    b;\n  }\n}\n',
  );
});
