import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { ERRORS } from '../../src/core/errors.ts';
import { ROOT } from '../world/real-process.ts';

it('docs/errors.md explains each error, in order, with its exit code and its meaning', () => {
  const text = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
  const sections = [...text.matchAll(/^## `(.*)`: exit (\d+)\n\n([^#]*)/gm)];
  const documented = sections.map(([, code, exit]) => [code, Number(exit)]);
  expect(documented).toEqual(Object.entries(ERRORS).map(([code, { exit }]) => [code, exit]));
  for (const [, code, , body] of sections) {
    const sentence = ERRORS[code as keyof typeof ERRORS].meaning.split(/[.;]/)[0]!;
    expect(body!.replaceAll('\n', ' ')).toContain(sentence);
  }
});

it('every error has an exit code that is listed', () => {
  const codes = EXIT_CODES.map(({ code }) => code);
  for (const { exit } of Object.values(ERRORS)) expect(codes).toContain(exit);
});
