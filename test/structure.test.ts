import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { functionsOf, lineAt, type SourceFile, scanSource, scanSources } from './world/source-scan.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCES = scanSources(ROOT, 'src');

/** The parts, lowest first: a part may import from itself and from the parts of lower rows, if not forbidden below. */
const ROWS: readonly (readonly string[])[] = [
  ['errors'],
  ['binary', 'observe', 'config', 'threads'],
  ['packet', 'event'],
  ['feeds', 'book', 'merge', 'capture'],
  ['journal', 'publish', 'net', 'simulate'],
  ['pipeline'],
  ['convert'],
  ['serve'],
  ['bench'],
  ['cli'],
  ['commands'],
];

/** Arrows that the rows would allow and the plan does not. */
const FORBIDDEN: readonly (readonly [from: string, to: string, why: string])[] = [
  ['simulate', 'book', 'what it writes is the truth that the book is compared with'],
  ['simulate', 'merge', 'what it loses and doubles is the truth that the merge is compared with'],
];

/** Packages that only some parts may know. */
const PACKAGES: readonly { readonly package: RegExp; readonly parts: readonly string[] }[] = [
  { package: /^@oclif\//, parts: ['cli', 'commands'] },
  { package: /^ora$/, parts: ['cli'] },
  { package: /^zeromq$/, parts: ['publish'] },
  { package: /^@node-rs\//, parts: ['binary'] },
  { package: /^koffi$/, parts: ['net'] },
];

/** What runs per message or packet. */
const HOT =
  /^src\/core\/((capture|packet|merge|event|book|feeds\/[^/]+)\/|net\/linux\/(control-messages|frame-taker|monotonic-clock|ring-reader|subscription-table|udp-checksum|unix-time|xdp-rings)\.ts$)/;

interface Ban {
  readonly name: string;
  readonly pattern: RegExp;
  readonly instead: string;
}

const BANS_HOT: readonly Ban[] = [
  {
    name: 'buffer-read',
    pattern: /\.read(U?Int|BigU?Int|Float|Double)\w*\(/g,
    instead: 'DataView.getInt32, getUint16 … on a fixed ArrayBuffer',
  },
  {
    name: 'bigint',
    pattern: /\b\d[\d_]*n\b|\bBigInt\b\(|\bBigInt\.|\.[gs]etBig(Ui|I)nt64\(/g,
    instead: 'two signed 32-bit halves (src/core/binary/time.ts)',
  },
  {
    name: 'map',
    pattern: /\bnew (Map|Set|WeakMap)\b/g,
    instead: 'HashIndex (src/core/binary/hash-index.ts), or an array with the book number as index',
  },
  { name: 'json', pattern: /\bJSON\./g, instead: 'rows are made in src/cli and src/core/pipeline' },
  {
    name: 'callback',
    pattern: /\.(forEach|map|filter|reduce|flatMap|some|every|find\w*|sort)\(\s*(\([^()]*\)|\w+)\s*=>/g,
    instead: 'a plain loop: no closure per event',
  },
  { name: 'try', pattern: /\btry\s*\{/g, instead: 'an answer code: what can be expected is no exception' },
  { name: 'spread', pattern: /[([,]\s*\.\.\.\w/g, instead: 'a plain loop, or TypedArray.set' },
  {
    name: 'async',
    pattern: /\b(async|await|Promise)\b/g,
    instead: 'plain calls; waiting is for src/core/pipeline',
  },
  {
    name: 'clock',
    pattern: /\bDate\.now\(|\bperformance\.now\(|\bhrtime\b|\bnew Date\(\)/g,
    instead: 'the time that the packet carries, or one that the caller passes',
  },
];

const BANS_CORE: readonly Ban[] = [
  {
    name: 'print',
    pattern: /\bconsole\.|\bprocess\.(stdout|stderr|exit\b|exitCode)/g,
    instead: 'counters and results; src/cli prints',
  },
];

const BANS_ALL: readonly Ban[] = [
  { name: 'console', pattern: /\bconsole\./g, instead: 'Output for data, note/detail/caution for people' },
  { name: 'number-of-bigint', pattern: /\bparseFloat\(/g, instead: 'parseScaled: numbers are exact' },
];

/** Modules in hot folders that do not run per packet or event, with when they run. */
const COLD: readonly (readonly [path: string, why: string])[] = [
  ['src/core/event/format-text.ts', 'makes text, for what is printed'],
  ['src/core/event/dictionary.ts', 'runs at the first sight of an instrument'],
  ['src/core/capture/address.ts', 'reads addresses that users type'],
  [
    'src/core/capture/capture-writer.ts',
    'opens with strings and 64-bit options; its packets go word by word',
  ],
  ['src/core/capture/pcapng-interface.ts', 'runs once per interface'],
  ['src/core/capture/pipe-interface.ts', 'runs once per interface'],
  ['src/core/capture/time-unit.ts', 'its constructor runs once per interface, `set` is plain'],
  ['src/core/book/invariants.ts', 'the checker, off unless asked for'],
  ['src/core/book/state-hash.ts', 'runs when a hash is asked for'],
  ['src/core/feeds/dbn/encoder.ts', 'writes for simulate'],
  ['src/core/feeds/dbn/records.ts', 'reads and writes records by name, for printing and tests'],
  ['src/core/feeds/dbn/record-tables.ts', 'tables made when the module loads'],
  ['src/core/feeds/dbn/upgrade.ts', 'rewrites records field by field'],
  ['src/core/feeds/dbn/describer.ts', 'reads records for printing'],
  ['src/core/feeds/itch/describer.ts', 'reads messages for printing'],
  ['src/core/feeds/dbn/metadata.ts', 'runs once per file'],
  ['src/core/feeds/dbn/symbols.ts', 'runs once per file and per mapping record'],
  ['src/core/feeds/dbn/layout.ts', 'tables made when the module loads'],
  ['src/core/feeds/eobi/describer.ts', 'reads messages for printing'],
  ['src/core/feeds/eobi/layout.ts', 'tables made when the module loads'],
  ['src/core/feeds/eobi/message-table.ts', 'tables made when a decoder is made'],
  ['src/core/feeds/eobi/fields.ts', 'reads and writes messages by name, for printing and tests'],
  ['src/core/feeds/fast-like/index.ts', 'runs once per channel'],
  ['src/core/feeds/raw-v1/describer.ts', 'reads frames for printing'],
  ['src/core/feeds/itch/index.ts', 'runs once per channel'],
  ['src/core/feeds/itch/layout.ts', 'tables made when the module loads'],
  ['src/core/feeds/itch/fields.ts', 'reads and writes messages by name, for printing and tests'],
];

/** What is allowed all the same: one line each, with its reason. */
const EXCEPTIONS: readonly (readonly [path: string, ban: string, why: string])[] = [
  ['src/core/book/losses.ts', 'map', 'channels with a loss: looked up at losses and clears only'],
  ['src/core/feeds/dbn/stream-books.ts', 'bigint', 'at the first sight of an instrument'],
  ['src/core/feeds/dbn/decoder.ts', 'try', 'around the metadata, once per file'],
  ['src/core/feeds/fast-like/decoder.ts', 'bigint', 'at the first sight of an instrument'],
  ['src/core/feeds/itch/locate-table.ts', 'bigint', 'at the first sight of an instrument'],
  ['src/core/net/linux/subscription-table.ts', 'callback', 'when the table is made'],
  ['src/core/packet/byte-ring.ts', 'async', 'an idle consumer waits for more bytes'],
  ['src/core/packet/ring.ts', 'async', 'an idle consumer waits for the next batch'],
];

function partOf(path: string): string {
  const [, first, second] = path.split('/');
  return first === 'core' ? second!.replace(/\.ts$/, '') : first!;
}

function rowOf(part: string): number {
  return ROWS.findIndex((row) => row.includes(part));
}

/** The arrow from one part to another: null where it is allowed, else why it is not. */
function arrowFault(from: string, to: string): string | null {
  if (from === to) return null;
  const forbidden = FORBIDDEN.find(([a, b]) => a === from && b === to);
  if (forbidden !== undefined) return forbidden[2];
  return rowOf(to) < rowOf(from) ? null : `${to} is not below ${from}`;
}

function arrowFaults(sources: readonly SourceFile[]): string[] {
  return sources.flatMap((file) =>
    file.imports.flatMap((target) => {
      const fault = arrowFault(partOf(file.path), partOf(target));
      return fault === null ? [] : [`${file.path} imports ${target}: ${fault}`];
    }),
  );
}

/** One cycle of imports as a list of paths, null where there is none. */
function cycleOf(sources: readonly SourceFile[]): string[] | null {
  const byPath = new Map(sources.map((file) => [file.path, file]));
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const target of byPath.get(path)?.imports ?? []) {
      const cycle = walk(target, [...trail, path]);
      if (cycle !== null) return cycle;
    }
    done.add(path);
    return null;
  };
  for (const file of sources) {
    const cycle = walk(file.path, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

function banFaults(sources: readonly SourceFile[], bans: readonly Ban[]): string[] {
  return sources.flatMap((file) =>
    bans
      .filter(({ name }) => !EXCEPTIONS.some(([path, ban]) => path === file.path && ban === name))
      .flatMap(({ name, pattern, instead }) =>
        [...file.code.matchAll(pattern)].map(
          (match) =>
            `${file.path}:${lineAt(file.code, match.index)} ${name}: ${match[0].trim()}; use ${instead}`,
        ),
      ),
  );
}

describe('structure', () => {
  test('every part has its place', () => {
    expect(SOURCES.filter((file) => rowOf(partOf(file.path)) === -1).map((file) => file.path)).toEqual([]);
  });

  test('arrows point one way', () => {
    expect(arrowFaults(SOURCES)).toEqual([]);
  });

  test('imports make no cycle', () => {
    expect(cycleOf(SOURCES)).toBeNull();
  });

  test('packages stay in their parts', () => {
    const faults = SOURCES.flatMap((file) =>
      file.packages
        .filter((name) =>
          PACKAGES.some((rule) => rule.package.test(name) && !rule.parts.includes(partOf(file.path))),
        )
        .map((name) => `${file.path} imports ${name}`),
    );
    expect(faults).toEqual([]);
  });

  test('one module makes native calls', () => {
    const callers = SOURCES.filter((file) => file.packages.includes('koffi')).map((file) => file.path);
    expect(callers).toEqual(['src/core/net/linux/syscalls.ts']);
  });

  test('commands load their work when they run, so that help need not', () => {
    const faults = SOURCES.filter((file) => partOf(file.path) === 'commands').flatMap((file) =>
      file.eager
        .filter((target) => target.startsWith('src/core/') && target !== 'src/core/errors.ts')
        .map((target) => `${file.path} imports ${target}: use await import() in run()`),
    );
    expect(faults).toEqual([]);
  });

  test('hot modules keep to the hot style', () => {
    const cold = new Set(COLD.map(([path]) => path));
    const hot = SOURCES.filter((file) => HOT.test(file.path) && !cold.has(file.path));
    expect(banFaults(hot, BANS_HOT)).toEqual([]);
  });

  test('core does not print', () => {
    expect(
      banFaults(
        SOURCES.filter((file) => file.path.startsWith('src/core/')),
        BANS_CORE,
      ),
    ).toEqual([]);
  });

  test('nothing goes around the output', () => {
    expect(banFaults(SOURCES, BANS_ALL)).toEqual([]);
  });

  test('every exception is still needed', () => {
    const bans = new Map([...BANS_HOT, ...BANS_CORE, ...BANS_ALL].map((ban) => [ban.name, ban.pattern]));
    const idle = EXCEPTIONS.filter(([path, ban]) => {
      const file = SOURCES.find((source) => source.path === path);
      return file === undefined || file.code.match(bans.get(ban)!) === null;
    });
    expect(idle).toEqual([]);
    const idleCold = COLD.filter(([path]) => {
      const file = SOURCES.find((source) => source.path === path);
      return file === undefined || banFaults([file], BANS_HOT).length === 0;
    });
    expect(idleCold).toEqual([]);
  });

  test('length is for the reader to judge', () => {
    const top = <T extends { readonly lines: number }>(list: readonly T[]): T[] =>
      list.toSorted((a, b) => b.lines - a.lines).slice(0, 10);
    const functions = top(SOURCES.flatMap(functionsOf));
    const lines = [
      'ten longest files:',
      ...top(SOURCES).map((file) => `  ${String(file.lines).padStart(4)} ${file.path}`),
      'ten longest functions:',
      ...functions.map(
        (each) => `  ${String(each.lines).padStart(4)} ${each.name} ${each.path}:${each.line}`,
      ),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    expect(functions.length).toBe(10);
  });
});

describe('the scan that the structure test rests on', () => {
  const file = (path: string, text: string): SourceFile => scanSource(path, text);

  test('sees imports of every form, and none in comments and strings', () => {
    const text = `import { a } from './a.ts';
import type { B } from "../b.ts";
export * from './c.ts';
const d = await import('./d.ts');
// import { e } from './e.ts';
const f = "from './f.ts'";
import 'node:fs';
`;
    const scanned = file('src/core/book/x.ts', text.replace('"../b.ts"', "'../b.ts'"));
    expect(scanned.imports).toEqual([
      'src/core/book/a.ts',
      'src/core/b.ts',
      'src/core/book/c.ts',
      'src/core/book/d.ts',
    ]);
    expect(scanned.eager).toEqual(['src/core/book/a.ts', 'src/core/book/c.ts']);
    expect(scanned.packages).toEqual(['node:fs']);
  });

  test('finds a wrong arrow, a cycle and a banned call', () => {
    const book = file('src/core/book/x.ts', `import { y } from '../feeds/y.ts';\nconst z = new Map();\n`);
    const feeds = file('src/core/feeds/y.ts', `import { x } from '../book/x.ts';\n/* new Map( */\n`);
    expect(arrowFaults([book, feeds])).toHaveLength(2);
    expect(cycleOf([book, feeds])).toEqual([
      'src/core/book/x.ts',
      'src/core/feeds/y.ts',
      'src/core/book/x.ts',
    ]);
    expect(banFaults([book, feeds], BANS_HOT)).toEqual([
      'src/core/book/x.ts:2 map: new Map; use HashIndex (src/core/binary/hash-index.ts), or an array with the book number as index',
    ]);
  });

  test.each([
    ['buffer-read', 'const a = buffer.readUInt32BE(4);'],
    ['bigint', 'const a = 5n + BigInt(b);'],
    ['json', 'const a = JSON.parse(b);'],
    ['callback', 'list.forEach((x) => sum(x));'],
    ['try', 'try { go(); } catch {}'],
    ['spread', 'go(...list);'],
    ['async', 'async function go() {}'],
    ['clock', 'const now = Date.now();'],
  ])('%s is seen in code and not in text', (name, line) => {
    const seen = banFaults([file('src/core/book/x.ts', `${line}\n`)], BANS_HOT);
    expect(seen.some((fault) => fault.includes(` ${name}: `))).toBe(true);
    expect(banFaults([file('src/core/book/x.ts', `// ${line}\nconst t = \`${line}\`;\n`)], BANS_HOT)).toEqual(
      [],
    );
  });

  test('measures functions and methods', () => {
    const text = `export function one(a: { b: number }): { c: number } {
  if (a) {
    return { c: 1 };
  }
}
class X {
  #two(
    a: number,
  ): void {
    go(/[{'"]/);
  }
}
`;
    expect(functionsOf(file('x.ts', text)).map(({ name, line, lines }) => [name, line, lines])).toEqual([
      ['one', 1, 5],
      ['#two', 7, 5],
    ]);
  });
});
