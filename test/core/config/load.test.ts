import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleFile, exampleValue } from '../../../src/core/config/example.ts';
import { fileValues } from '../../../src/core/config/file-values.ts';
import { Fault } from '../../../src/core/config/key.ts';
import { loadServeConfig, type ReadConfig, readServeConfig } from '../../../src/core/config/load.ts';
import { configToml } from '../../../src/core/config/print.ts';
import { problemText } from '../../../src/core/config/problems.ts';
import { KEYS, SCHEMA } from '../../../src/core/config/schema/keys.ts';
import { SERVE_DEFAULTS } from '../../../src/core/config/serve-defaults.ts';
import { isKey } from '../../../src/core/config/suggest.ts';
import { MdxError } from '../../../src/core/errors.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Reads a file with this text, and what else is said. */
function read(
  text: string,
  environment: Record<string, string> = {},
  flags: Record<string, string[]> = {},
): ReadConfig {
  const file = join(folder, 'mdx.toml');
  writeFileSync(file, text);
  return readServeConfig({ file, environment, flags: new Map(Object.entries(flags)) });
}

/** What is wrong with a file, without its folder. */
function problems(text: string, environment: Record<string, string> = {}): string[] {
  return read(text, environment).problems.map((each) => problemText(each).replace(`${folder}/`, ''));
}

describe('what a configuration comes to', () => {
  it('is the defaults where nothing is said', () => {
    expect(read('').config).toEqual(SERVE_DEFAULTS);
  });

  it('is what is said last of default, file, environment and flag', () => {
    const text = '[merge]\nwindow = 1\ngap_timeout = "1ms"\npending_cap = 100\n';
    const { config, settings } = read(
      text,
      { MDX_MERGE_GAP_TIMEOUT: '2ms', MDX_MERGE_PENDING_CAP: '200' },
      { 'pending-cap': ['300'], set: ['merge.start=7'] },
    );
    expect(config?.merge).toEqual({ window: 1, gapTimeout: 2e6, pendingCap: 300, start: 7 });
    const origins = settings.filter(({ schema }) => schema.section === 'merge').map(({ origin }) => origin);
    expect(origins).toEqual([
      { kind: 'flag', flag: '--set merge.start' },
      { kind: 'environment', variable: 'MDX_MERGE_GAP_TIMEOUT' },
      { kind: 'file', place: { line: 2, column: 10 }, name: 'merge.window' },
      { kind: 'flag', flag: '--pending-cap' },
    ]);
  });

  it('has a line of its own for each flag that names it', () => {
    const { config } = read(
      '',
      {},
      {
        line: ['A=udp://239.1.1.1:5000,udp://239.1.1.3:5000', 'B=udp://239.1.1.2:5000,udp://239.1.1.4:5000'],
        keep: ['7d'],
        cpu: ['2,3'],
        compress: ['true'],
      },
    );
    expect(config?.lines.a).toEqual(['udp://239.1.1.1:5000', 'udp://239.1.1.3:5000']);
    expect(config?.lines.b).toEqual(['udp://239.1.1.2:5000', 'udp://239.1.1.4:5000']);
    expect(config?.journal).toMatchObject({ keepBytes: null, keepNs: 7 * 86_400e9, compress: true });
    expect(config?.receive.cpus).toEqual([2, 3]);
    expect(read('', {}, { keep: ['50GB'] }).config?.journal).toMatchObject({ keepBytes: 50e9, keepNs: null });
    expect(read('', {}, { INPUT: ['a,b.pcap', 'c'] }).config?.source.inputs).toEqual(['a,b.pcap', 'c']);
  });

  it('takes files beside itself, and leaves URIs as they are', () => {
    const { config } = read(
      '[source]\ninputs = ["a.pcap", "/b.pcap", "-", "zmq+sub://h:1"]\ninstruments = "i.csv"\n',
    );
    expect(config?.source.inputs).toEqual([join(folder, 'a.pcap'), '/b.pcap', '-', 'zmq+sub://h:1']);
    expect(config?.source.instruments).toBe(join(folder, 'i.csv'));
  });

  it('prints as a file that says the same', () => {
    const text =
      '[journal]\ndirectory = "j"\nfsync = "batch"\nkeep_age = "36h"\n[receive]\ncpus = [1]\n[http]\nlisten = "127.0.0.1:0"\n[raw_v1]\nb = "none"\n';
    const first = read(text);
    expect(first.problems).toEqual([]);
    const second = read(configToml(first, 'mdx.toml'));
    expect(second.config).toEqual(first.config);
    expect(second.config).not.toEqual(SERVE_DEFAULTS);
  });

  it('has an example for each key that is one', () => {
    for (const { path, key } of KEYS) {
      const said = fileValues('x', `${path} = ${exampleValue(key)}`).said;
      expect(said.map(({ key: name }) => name)).toEqual([path]);
      expect(key.ofToml(said[0]!.value, '/'), path).not.toBeInstanceOf(Fault);
    }
    expect(read(exampleFile('x')).config).toEqual(SERVE_DEFAULTS);
    const shown = exampleFile('x').match(/^#[a-z_.0-9]+ = /gm);
    expect(shown).toHaveLength(KEYS.length);
  });

  it('prints no token', () => {
    const first = read('[security]\ntokens = ["desk:0123456789abcdef0123"]\n');
    expect(first.config?.security.tokens).toEqual([{ name: 'desk', token: '0123456789abcdef0123' }]);
    const printed = configToml(first, 'mdx.toml');
    expect(printed).toContain('# tokens = ["desk:…"]');
    expect(printed).not.toContain('0123456789abcdef');
  });
});

describe('a key that nobody knows', () => {
  /** A name with one letter wrong: another, one missing, one too many, two swapped; at each place. */
  function slips(name: string): string[] {
    const all = [...name].flatMap((letter, at) => {
      const [head, tail] = [name.slice(0, at), name.slice(at + 1)];
      const swapped = tail === '' ? [] : [`${head}${tail[0]}${letter}${tail.slice(1)}`];
      return [
        `${head}${letter === 'x' ? 'y' : 'x'}${tail}`,
        head + tail,
        `${head}${letter}x${tail}`,
        ...swapped,
      ];
    });
    return [...new Set(all)].filter((slip) => slip !== '' && slip !== name);
  }

  it('is refused with the one that was meant, wherever one letter is wrong', () => {
    for (const { path } of KEYS) {
      const [prefix, name] = [
        path.slice(0, path.lastIndexOf('.') + 1),
        path.slice(path.lastIndexOf('.') + 1),
      ];
      const wrong = slips(name).filter((slip) => !isKey(prefix + slip));
      const found = fileValues('x', wrong.map((slip) => `${prefix}${slip} = 1`).join('\n')).problems;
      expect(found.map(({ key }) => key)).toEqual(wrong.map((slip) => prefix + slip));
      expect(
        found.filter(({ hint }) => !/[ .?]/.test(hint?.split(path)[1] ?? 'x')),
        path,
      ).toEqual([]);
    }
  });

  it('is refused with the section that was meant, too', () => {
    for (const { name } of SCHEMA.slice(1)) {
      const wrong = slips(name);
      const found = fileValues('x', wrong.map((slip) => `[${slip}]\nx = 1`).join('\n')).problems;
      expect(found.map(({ key }) => key)).toEqual(wrong);
      expect(
        found.filter(({ hint }) => hint?.includes(`[${name}]`) !== true),
        name,
      ).toEqual([]);
    }
  });

  it.each([
    [
      'a section',
      '[mergee]\nwindow = 1\nx = 2\n',
      ['mdx.toml:1:2: there is no section [mergee] (Did you mean [merge]?)'],
    ],
    [
      'an empty section',
      '\n[ sourc ]\n',
      ['mdx.toml:2:3: there is no section [sourc] (Did you mean [source]?)'],
    ],
    [
      'one of another section',
      '[receive]\ngap_timeout = "1ms"\n',
      ['mdx.toml:2:1: there is no key receive.gap_timeout (Did you mean merge.gap_timeout?)'],
    ],
    [
      'one without its section',
      'pending_cap = 5\n',
      ['mdx.toml:1:1: there is no key pending_cap (Did you mean merge.pending_cap?)'],
    ],
    [
      'in a table in a line',
      'merge = { windw = 5 }\n',
      ['mdx.toml:1:11: there is no key merge.windw (Did you mean merge.window?)'],
    ],
    ['below a value', '[merge.window]\nx = 1\n', ['mdx.toml:1:8: merge.window is one value, not a section']],
    [
      'a value for a section',
      'merge = 5\n',
      ['mdx.toml:1:1: merge is a section, not one value (Write [merge])'],
    ],
    [
      'like none',
      '[merge]\nqqqqqqqqqqqqqqqqqqqq = 1\n',
      ['mdx.toml:2:1: there is no key merge.qqqqqqqqqqqqqqqqqqqq'],
    ],
    [
      'of the prototype',
      '__proto__ = 1\n[constructor.prototype]\nx = 1\n',
      ['mdx.toml:1:1: there is no key __proto__', 'mdx.toml:2:2: there is no section [constructor]'],
    ],
  ])('%s', (_name, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('in the environment, but for what others say there', () => {
    expect(problems('', { MDX_MERGE_WINDOV: '5', MDX_PORT: 'tcp://1', MDX_TOKEN: 'x', PATH: 'y' })).toEqual([
      'MDX_MERGE_WINDOV: there is no key of this name (Did you mean MDX_MERGE_WINDOW?)',
    ]);
  });
});

describe('a value that is none', () => {
  /** Values of which each key refuses some, with where a part of it would be told. */
  const VALUES = [
    '1979-05-27',
    '-1',
    '1.5',
    'true',
    '"\\u0000"',
    '[[1]]',
    '99999999999999999999',
    '["", {}]',
    'inf',
  ];

  it('is told with its line and column and what is expected', () => {
    const refusals = new Map<string, number>();
    for (const value of VALUES) {
      const lines = KEYS.map(({ path }) => `${path} = ${value}`);
      for (const { key, where, message } of read(lines.join('\n')).problems) {
        const line = KEYS.findIndex(({ path }) => path === key);
        expect(where).toMatch(
          new RegExp(`mdx\\.toml:${line + 1}:${key!.length + 4}$|mdx\\.toml:${line + 1}:${key!.length + 5}$`),
        );
        expect(message).toMatch(/^\S+( = .*)?: expected ./);
        refusals.set(key!, (refusals.get(key!) ?? 0) + 1);
      }
    }
    for (const { path } of KEYS) expect(refusals.get(path), path).toBeGreaterThanOrEqual(5);
  });

  it.each([
    [
      '[merge]\npending_cap = 0\n',
      'mdx.toml:2:15: merge.pending_cap = 0: expected an integer from 1 to 1048576',
    ],
    [
      '[merge]\ngap_timeout = 5\n',
      'mdx.toml:2:15: merge.gap_timeout = 5: expected a duration from 0 to 1h, such as "1h"',
    ],
    [
      '[raw_v1]\nheartbeat = "1ms"\n',
      'mdx.toml:2:13: raw_v1.heartbeat = "1ms": expected a duration from 10ms to 10min, such as "10ms"',
    ],
    [
      '[journal]\nfsync = "sometimes"\n',
      'mdx.toml:2:9: journal.fsync = "sometimes": expected "never", "batch", or an interval such as "100ms"',
    ],
    [
      '[receive]\nbackend = "mmmsg"\n',
      'mdx.toml:2:11: receive.backend = "mmmsg": expected one of "auto", "dgram", "mmsg", "ring", "xdp"; did you mean "mmsg"?',
    ],
    [
      '[lines]\na = ["udp://239.1.1.1:5000",\n  "udp://239.1.1.1"]\n',
      'mdx.toml:3:3: lines.a = ["udp://239.1.1.1:5000", "udp://239.1.1.1"]: expected udp://GROUP:PORT such as "udp://239.10.10.1:5001?iface=eth0"',
    ],
    [
      '[http]\nlisten = "8080"\n',
      'mdx.toml:2:10: http.listen = "8080": expected HOST:PORT such as "127.0.0.1:9000" (port 0 = the system chooses)',
    ],
    [
      '[source]\ndate = "2025-02-30"\n',
      'mdx.toml:2:8: source.date = "2025-02-30": expected a day such as "2025-09-24", or "none"',
    ],
    [
      '[security]\ntokens = ["desk:short"]\n',
      'mdx.toml:2:11: security.tokens: expected "NAME:TOKEN", the token of at least 16 letters, digits and -._~+/=',
    ],
  ])('%j', (text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });

  it('of the environment and of flags, too', () => {
    const { problems: found } = read(
      '',
      { MDX_MERGE_WINDOW: '-1' },
      { set: ['log.level=loud', 'merge.windw=1', 'x', 'security.tokens=a'] },
    );
    expect(found.map(problemText)).toEqual([
      'MDX_MERGE_WINDOW: merge.window = "-1": expected an integer of 1 or more, or "none"',
      '--set merge.windw: there is no such key (Did you mean merge.window?)',
      '--set x: expected KEY=VALUE such as merge.window=512',
      '--set security.tokens: secrets stand in a file or in the environment, where others do not see them (Set MDX_SECURITY_TOKENS)',
      '--set log.level: log.level = "loud": expected one of "trace", "debug", "info", "warn", "error", "silent"',
    ]);
  });

  it.each([
    ['a = \n', 2],
    ['[merge]\nwindow = 1\nwindow = 2\n', 3],
    ['[merge]\n[merge]\n', 2],
    ['x = "', 1],
    ['\u0001', 1],
    [`x = ${'['.repeat(5000)}${']'.repeat(5000)}`, 1],
    [`# ${'x'.repeat(1 << 20)}`, 1],
  ])('no TOML: %#', (text, line) => {
    const found = problems(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^mdx\\.toml:${line}:\\d+: this is not TOML: `));
  });

  it('reads a file with a byte order mark', () => {
    expect(read('\uFEFF[merge]\nwindow = 5\n').config?.merge.window).toBe(5);
  });
});

describe('keys that do not go together', () => {
  const LINE = '[lines]\na = ["udp://239.1.1.1:5000"]\n';
  it.each([
    [
      `${LINE}[merge]\npending_cap = 40000\n`,
      'mdx.toml:4:15: merge.pending_cap = 40000 is more than half of receive.pool_slots = 65536',
    ],
    [
      `${LINE}[receive]\npool_slots = 64\n`,
      'mdx.toml:4:14: merge.pending_cap = 32768 is more than half of receive.pool_slots = 64',
    ],
    [`${LINE}[source]\ninputs = ["x"]\n`, 'mdx.toml:4:10: inputs are read or lines are received, not both'],
    [`${LINE}[source]\nspeed = 2\n`, 'mdx.toml:4:9: lines have the speed that they have'],
    ['[lines]\nb = ["udp://239.1.1.1:5000"]\n', 'mdx.toml:2:5: line A is missing'],
    [
      '[http]\nlisten = "0.0.0.0:80"\n',
      'mdx.toml:2:10: http.listen = 0.0.0.0:80 lets other machines in, and there are no tokens',
    ],
    [
      '[raw_v1]\na = "[::]:9081"\n',
      'mdx.toml:2:5: raw_v1.a = [::]:9081 lets other machines in, and there are no tokens',
    ],
    ['[raw_v1]\na = "127.0.0.1:8080"\n', 'mdx.toml:2:5: http.listen and raw_v1.a are both 127.0.0.1:8080'],
    ['[raw_v1]\na = "none"\n', 'mdx.toml:2:5: endpoint B is served beside A only'],
    [
      '[ingest]\nlisten = "0.0.0.0:1"\n[security]\ntokens = ["a:0123456789abcdef"]\n',
      'mdx.toml:2:10: ingest.listen = 0.0.0.0:1 lets other machines in, and senders have no tokens',
    ],
    [
      `${LINE}[ingest]\nlisten = "127.0.0.1:1"\n`,
      'mdx.toml:4:10: senders are heard or lines are received, not both',
    ],
    ['[ingest]\nthreads = 2\n', 'mdx.toml:2:11: ingest.threads = 2 would read senders, and none are heard'],
    ['[journal]\nkeep_bytes = "10MB"\n', 'mdx.toml:2:14: less is kept than one segment has'],
    ['no_storage = true\n[journal]\ndirectory = "j"\n', 'mdx.toml:1:14: without storage there is no journal'],
    ['[http.tls]\nkey = "k.pem"\n', 'mdx.toml:2:7: http.tls.certificate is missing beside http.tls.key'],
    [
      '[security]\ntokens = ["a:0123456789abcdef", "a:0123456789abcdef"]\n',
      'mdx.toml:2:10: there are two tokens of the name a',
    ],
  ])('%j', (text, expected) => {
    const found = problems(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it('is well with tokens, or where somebody says so', () => {
    expect(problems('[http]\nlisten = "0.0.0.0:80"\n[security]\ninsecure = true\n')).toEqual([]);
    writeFileSync(join(folder, 'tokens'), '# who\n desk:0123456789abcdef \n\n');
    const text = '[http]\nlisten = "0.0.0.0:80"\n[security]\ntoken_file = "tokens"\n';
    expect(read(text).config?.security.tokens).toEqual([{ name: 'desk', token: '0123456789abcdef' }]);
    writeFileSync(join(folder, 'tokens'), 'desk:0123456789abcdef\nsecret\n');
    expect(problems(text)[0]).toMatch(/^mdx\.toml:4:14: .*tokens:2: expected "NAME:TOKEN"/);
    expect(problems(text)[0]).not.toContain('secret');
  });
});

describe('the one error', () => {
  it('has all problems, and stands for them with exit code 2', () => {
    writeFileSync(join(folder, 'mdx.toml'), '[merge]\nwindov = 1\nstart = 0\n');
    const load = (): unknown =>
      loadServeConfig({ file: join(folder, 'mdx.toml'), environment: {}, flags: new Map() });
    expect(load).toThrow(MdxError);
    try {
      load();
    } catch (error) {
      expect((error as MdxError).exit).toBe(2);
      expect((error as MdxError).message).toContain('mdx.toml:2:1: there is no key merge.windov');
      expect((error as MdxError).message).toContain('mdx.toml:3:9: merge.start = 0');
    }
  });

  it('says that a file is missing', () => {
    const missing = { file: join(folder, 'none.toml'), environment: {}, flags: new Map() };
    expect(() => loadServeConfig(missing)).toThrow(/there is no such file/);
    expect(() => loadServeConfig({ ...missing, file: folder })).toThrow(/it is a directory/);
  });
});
describe('whatever a file has in it', () => {
  const WORDS = [
    '[',
    ']',
    '=',
    '"',
    ',',
    '.',
    '\n',
    '{',
    '}',
    '1',
    '-',
    '#',
    '\\',
    'x',
    "'''",
    '"""',
    '\0',
    '\u2028',
    'merge',
    '__proto__',
  ];
  it('is read, or told with a place, and nothing else happens', () => {
    const lines = exampleFile('x')
      .replaceAll(/^#(?=\S)/gm, '')
      .split('\n');
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: lines.length - 1 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(...WORDS)), {
          maxLength: 4,
        }),
        (chosen, changes) => {
          let text = chosen.map((at) => lines[at]).join('\n');
          for (const [share, word] of changes) {
            const at = Math.floor(share * text.length);
            text = text.slice(0, at) + word + text.slice(at + (word.length % 2));
          }
          const found = fileValues('x', text);
          for (const { where, message } of found.problems) {
            expect(where).toMatch(/^x:\d+:\d+$/);
            expect(message).not.toBe('');
          }
          for (const { key, value } of found.said)
            KEYS.find(({ path }) => path === key)!.key.ofToml(value, '/');
        },
      ),
      { numRuns: 500 },
    );
  });
});
