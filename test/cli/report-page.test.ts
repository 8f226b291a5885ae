import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { itchCapture, OPEN } from '../world/itch-capture.ts';
import { mdx, ROOT } from '../world/real-process.ts';

/** Names of all fields of a document, but not those of maps from a name to a count. */
function fieldsOf(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const each of value) fieldsOf(each, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      found.add(name);
      if (name !== 'messagesByType' && name !== 'skipped' && name !== 'remarks') fieldsOf(inner, found);
    }
  }
  return found;
}

it('docs/report.md names every field of the report', async () => {
  const add = (id: bigint) => ({ id, buy: true, price: 100 });
  // Two channels, lost numbers, and a cut inside the last packet.
  const bytes = itchCapture([
    { port: 1, sequence: 1, adds: [add(1n)], time: OPEN },
    { port: 2, sequence: 1001, adds: [add(1n)], time: OPEN },
    { port: 1, sequence: 5, adds: [add(5n)], time: OPEN + 1n },
    { port: 1, sequence: 6, adds: [add(6n)], time: OPEN + 2n },
  ]);
  const args = ['replay', '-', '--json', '--verify-invariants', 'all'];
  const { code, stdout } = await mdx(args, bytes.subarray(0, -3));
  const report = JSON.parse(stdout);
  expect(code).toBe(3);
  expect(report.sources.length * report.damage.length * report.sequence.channels[0].gaps.length).toBe(2);
  const named = new Set(readFileSync(join(ROOT, 'docs/report.md'), 'utf8').match(/[A-Za-z]+/g));
  expect([...fieldsOf(report)].filter((name) => !named.has(name))).toEqual([]);
});
