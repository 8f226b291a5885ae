import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA, dataPath } from '../world/data.ts';
import { itchCapture, OPEN } from '../world/itch-capture.ts';
import { mdx, shell, started } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('mdx replay: what it refuses', () => {
  it.each([
    ['an empty file', () => file('empty', ''), 'it is empty'],
    ['a directory', () => folder, 'it is a directory, a file was expected'],
    [
      'a JPEG',
      () => file('x.jpg', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)),
      'no format that mdx knows begins with ff d8 ff e0',
    ],
    ['a file that is not there', () => join(folder, 'none'), 'there is no such file'],
  ])('%s: exit 2 and a message that says so', async (_name, make, message) => {
    const path = make();
    const { code, stdout, stderr } = await mdx(['replay', path]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')[0]).toBe(`error: reading ${path}: ${message}`);
  });

  it('an unknown flag and an unknown command: exit 2', async () => {
    expect((await mdx(['replay', '--nope'])).code).toBe(2);
    expect((await mdx(['replya'])).code).toBe(2);
  });
});

describe('mdx replay: a capture that is cut', () => {
  const session = async (): Promise<Buffer> => {
    const path = join(folder, 'whole.pcap');
    await mdx(['simulate', '--messages', '2000', '-o', path, '--force']);
    return readFileSync(path);
  };

  it('inside its header: exit 3 and what is wrong', async () => {
    const path = file('head.pcap', (await session()).subarray(0, 10));
    expect(await mdx(['replay', path])).toEqual({
      code: 3,
      signal: null,
      stdout: '',
      stderr: `error: reading ${path}: the file ends inside the file header: 10 of 24 bytes\nhint: Nothing in front of the damage could be used.\n`,
    });
  });

  it('inside a packet: everything before it, and where it is', async () => {
    const path = file('cut.pcap', (await session()).subarray(0, 50_000));
    const { code, stdout, stderr } = await mdx(['replay', path]);
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^feed +itch-5\.0 \(moldudp64\)\ninput .* · truncated\n(.*\n)*messages +[1-9][\d,]+\n/,
    );
    expect(stderr).toMatch(
      /^warning: .*cut\.pcap: damaged at byte 49\d\d\d: the file ends inside a packet: \d+ of \d+ bytes\n$/,
    );
  });

  it('inside its compressed bytes: one damage, not two', async () => {
    const whole = gzipSync(await session());
    const path = file('cut.pcap.gz', whole.subarray(0, whole.length >> 1));
    const { code, stderr } = await mdx(['replay', path]);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^warning: .*: gzip data cannot be read any further .*: unexpected end of file\n$/,
    );
  });
});

describe('mdx replay: a message file', () => {
  /** Whole messages of a capture, behind their lengths. */
  const add = Buffer.alloc(38);
  add.writeUInt16BE(36);
  add.write('A', 2);
  add.writeUInt16BE(1, 3);
  add.writeBigUInt64BE(1n, 13);
  add.write('B', 21);
  add.writeUInt32BE(100, 22);
  add.write('TEST    ', 26);
  add.writeUInt32BE(10_000, 34);
  const short = Buffer.concat([Buffer.of(0, 20), add.subarray(2, 22)]);

  it('that is cut in its compressed bytes: one damage, not two', async () => {
    const messages = gzipSync(Buffer.concat(Array.from({ length: 20_000 }, () => add)));
    const path = file('cut.itch.gz', messages.subarray(0, messages.length >> 1));
    const { code, stdout, stderr } = await mdx(['replay', path, '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ inputs: [{ truncated: true }] });
    expect(stderr).toMatch(/^warning: .*: gzip data cannot be read any further .*\n$/);
  });

  it('with a malformed message: where it is, and with -v what was read', async () => {
    const path = file('short.itch', Buffer.concat([add, short, add]));
    const warning = 'warning: A shorter than 36 bytes: once, first at offset 40\n';
    expect(await mdx(['replay', path, '--json'])).toMatchObject({ code: 0, stderr: warning });
    expect(await mdx(['replay', path, '--json', '--quiet'])).toMatchObject({ code: 0, stderr: '' });
    const facts = `${path}: itch-file, 98 bytes\n2 messages, 0 of unknown type, 1 malformed\n`;
    expect((await mdx(['replay', path, '--json', '-v'])).stderr).toBe(facts + warning);
    expect((await mdx(['replay', path, '--strict'])).code).toBe(1);
  });
});

describe.skipIf(DATA === null)('mdx replay: a real file', () => {
  const path = (): string => dataPath('dbn/CLX5_mbo.dbn');

  it('--json prints one document and nothing else', async () => {
    const { code, stdout, stderr } = await mdx(['replay', path(), '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'replay',
      inputs: [{ format: 'dbn', bytes: '2140232', truncated: false }],
      feed: { protocol: 'dbn-mbo', messages: 38_212 },
      events: { total: 38_212 },
      sequence: null,
    });
  });

  it('reads standard input whole, whatever the arguments', async () => {
    const bytes = readFileSync(path());
    const { code, stdout } = await mdx(['replay', '-', '--json'], bytes);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      inputs: [{ path: '-', bytes: '2140232' }],
      feed: { messages: 38_212 },
    });
  });

  it('a cut file: everything before the cut, its place named, exit 3', async () => {
    const cut = file('cut.dbn', readFileSync(path()).subarray(0, 1_000_000));
    const { code, stdout, stderr } = await mdx(['replay', cut, '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ inputs: [{ truncated: true }], feed: { messages: 17_850 } });
    expect(stderr).toBe(
      `warning: ${cut}: damaged at byte 999960: DBN record of 56 bytes cut after 40 bytes at offset 999960\n`,
    );
  });

  it('a file of another version is damaged, not cut', async () => {
    const bytes = readFileSync(path());
    bytes[3] = 9;
    const { code, stdout } = await mdx(['replay', file('v9.dbn', bytes), '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ inputs: [{ truncated: false }] });
  });

  it('a reader that leaves is no failure', async () => {
    const { code, stdout } = await shell(`$MDX replay ${path()} --all-instruments | head -1`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'feed        dbn-mbo (dbn)\n' });
  });

  it.each([
    'captures/Iex/Tops.IexTp.v1.6/QuoteUpdateMessage.pcap',
    'captures/Iex/DeepPlus.IexTp.1.0.2/all_message_types.pcap',
  ])('%s: no feed matches, exit 1', async (name) => {
    const { code, stdout, stderr } = await mdx(['replay', dataPath(name)]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('no feed matches its datagrams');
  });
});

describe.skipIf(DATA === null)('mdx replay: a real capture that fits several releases', () => {
  const path = (): string => dataPath('captures/Eurex/Eobi.T7.v6.0/OrderAdd.pcap');

  it('asks for one, exit 2', async () => {
    const { code, stdout, stderr } = await mdx(['replay', path()]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Choose with --feed eobi-6.0 or --feed eobi-6.0-2014.');
  });

  it('is read with the one that was chosen', async () => {
    const { code, stdout } = await mdx(['replay', path(), '--feed', 'eobi-6.0', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      feed: { protocol: 'eobi-6.0', framing: 't7-packet', messagesByType: { '13100': 1 }, malformed: 0 },
      sequence: { channels: [{ session: null, packets: 1 }], products: [{ complete: false }] },
      book: { orders: 1 },
    });
  });
});

describe('mdx replay: tables for people', () => {
  const lossy = join(folder, 'lossy.pcap');

  beforeAll(async () => {
    const made = await mdx([
      ...['simulate', '--messages', '3000', '--instrument-count', '30', '--seed', '9'],
      ...['--loss', 'A=0.02', '--dup', 'A=0.02', '-o', lossy, '-q'],
    ]);
    expect(made.code).toBe(0);
  });

  async function tables(...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await mdx(['replay', lossy, ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.split('\n');
  }

  it('say the numbers of the report, with separators', async () => {
    const report = JSON.parse((await mdx(['replay', lossy, '--json'])).stdout);
    const lines = await tables();
    const number = (count: number): string => count.toLocaleString('en');
    expect(lines).toContain(`messages    ${number(report.feed.messages)}`);
    expect(lines).toContain(
      `books       ${report.book.instruments} · ${number(report.book.orders)} orders · ${number(report.book.levels)} levels`,
    );
    expect(lines).toContain(`state hash  ${report.book.stateHash}`);
    const unknown = report.anomalies.unknownOrder as Record<string, number>;
    const sum = Object.values(unknown).reduce((total, count) => total + count, 0);
    expect(lines.find((line) => line.startsWith('anomalies'))).toContain(
      `${number(sum)} of unknown orders (`,
    );
  });

  it('name what never came, per channel', async () => {
    const { sequence } = JSON.parse((await mdx(['replay', lossy, '--json'])).stdout);
    const [{ gaps, last, packets, duplicates }] = sequence.channels;
    const lost = gaps.reduce(
      (total: number, { from, to }: { from: string; to: string }) => total + Number(to) - Number(from) + 1,
      0,
    );
    const row = (await tables()).find((line) => /^ +0 {2}/.test(line))!;
    const cells = row.trim().split(/ {2,}/);
    const number = (count: number | string): string => Number(count).toLocaleString('en');
    expect(cells.slice(0, 6)).toEqual([
      '0',
      '0000000009',
      '1',
      number(last),
      number(packets),
      number(duplicates),
    ]);
    expect(cells[8]).toBe(number(lost));
    expect(cells[9]).toMatch(new RegExp(`^${number(gaps[0].from)}.* and ${gaps.length - 3} more ranges$`));
  });

  it('show the twenty books with most orders, and all when asked', async () => {
    const some = await tables();
    const from = some.findIndex((line) => line.startsWith('instrument'));
    const orders = some
      .slice(from + 1, from + 21)
      .map((line) => Number(line.split(/ +/)[1]!.replace(',', '')));
    expect(orders).toEqual(orders.toSorted((a, b) => b - a));
    expect(some[from + 21]).toBe('… and 10 more books with fewer orders; see --all-instruments or --json');
    const all = await tables('--all-instruments');
    expect(all.filter((line) => /^AA[A-Z]|^AB[A-Z]/.test(line))).toHaveLength(30);
  });

  it('colour what is wrong, and nothing in what scripts read', async () => {
    const { stdout } = await mdx(['replay', lossy, '--color', 'always']);
    expect(stdout).toContain('\u001b[33mstale\u001b[39m');
    expect(stdout.split('\n').find((line) => line.includes('anomalies'))).toContain('\u001b[33m');
    const json = await mdx(['replay', lossy, '--color', 'always', '--json']);
    expect(json.stdout).not.toContain('\u001b');
  });

  it('tell that a run was cut short', async () => {
    expect(await tables('--limit', '100')).toContain('stopped     after the messages of --limit');
  });
});

describe('mdx replay of two lines from a pipe', () => {
  it('does not keep packets back for a proof while the pipe brings nothing', async () => {
    const packets = [
      [1, 1],
      [1, 2],
      [2, 1],
      [1, 3],
    ].map(([port, number], at) => ({
      port: port!,
      sequence: number!,
      adds: [{ id: BigInt(number!), buy: true, price: 100 }],
      time: OPEN + BigInt(at),
    }));
    const child = started(['replay', '-', '--emit', 'events', '--format', 'ndjson', '--unbuffered']);
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    const shown = new Promise<void>((resolve) => {
      let text = '';
      child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.split('\n').length > 3) resolve();
      });
    });
    child.stderr!.resume();
    child.stdin!.write(itchCapture(packets));
    // The pipe stays open until all three are there.
    await shown;
    child.stdin!.end();
    expect(await closed).toBe(0);
  });
});
