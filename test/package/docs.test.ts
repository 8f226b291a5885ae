import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, shell } from '../world/real-process.ts';

/*
 * What README and docs show was typed and printed: every ```console block is run here, in one folder per page, and
 * its output compared. Only the times of a run differ.
 */

const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

interface Shown {
  readonly page: string;
  readonly command: string;
  readonly output: string;
}

/** The commands of a page with what stands below each of them. */
function shownIn(page: string): Shown[] {
  return [...textOf(page).matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block]) =>
    block!
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const end = text.indexOf('\n');
        return { page, command: text.slice(0, end), output: text.slice(end + 1) };
      }),
  );
}

const timeless = (text: string): string =>
  text.replaceAll(/^speed .*$/gm, 'speed').replaceAll(/"(elapsedNs|\w+PerSecond)": *"?\d+"?/g, '"$1": 0');

const folders = new Map<string, string>();
beforeAll(() => {
  for (const page of PAGES) folders.set(page, mkdtempSync(join(tmpdir(), 'mdx-docs-')));
});
afterAll(() => {
  for (const folder of folders.values()) rmSync(folder, { recursive: true });
});

describe('what the pages show', () => {
  it.each(PAGES.flatMap(shownIn))('$page: $command', async ({ page, command, output }) => {
    const { stdout, stderr } = await shell(`mdx() { $MDX "$@"; }\ncd ${folders.get(page)}\n${command}`);
    expect(timeless(stderr + stdout)).toBe(timeless(output));
  });

  it('begins with a pipe in the README', () => {
    expect(shownIn('README.md')[0]!.command).toBe('mdx simulate -o - | mdx replay -');
  });
});

describe('the links of', () => {
  it.each(PAGES)('%s lead somewhere', (page) => {
    const targets = [...textOf(page).matchAll(/\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)/g)].map(
      ([, path]) => path!,
    );
    const broken = targets.filter((path) => !existsSync(join(ROOT, dirname(page), path)));
    expect(broken).toEqual([]);
  });
});
